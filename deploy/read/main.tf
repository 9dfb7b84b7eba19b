# The role that pare reads an account with. Its policies are the JSON files beside this one.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "trusted_principal" {
  description = "ARN of the role or user that runs pare"
  type        = string
}

variable "external_id" {
  description = "The external ID that pare gives by --external-id; null for none"
  type        = string
  default     = null
}

variable "organization" {
  description = "In the management account or a delegated one: read the whole organization"
  type        = bool
  default     = false
}

variable "log_bucket" {
  description = "The bucket with CloudTrail's log files, for pare ingest s3://; null for none"
  type        = string
  default     = null
}

data "aws_partition" "current" {}

resource "aws_iam_role" "pare" {
  name        = "pare-read"
  description = "pare reads the account with it"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Principal = { AWS = var.trusted_principal }
        Action    = "sts:AssumeRole"
      },
      var.external_id == null ? {} : { Condition = { StringEquals = { "sts:ExternalId" = var.external_id } } },
    )]
  })
}

resource "aws_iam_role_policy" "collect" {
  name   = "collect"
  role   = aws_iam_role.pare.id
  policy = replace(file("${path.module}/policy.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:")
}

resource "aws_iam_role_policy" "organization" {
  count  = var.organization ? 1 : 0
  name   = "organization"
  role   = aws_iam_role.pare.id
  policy = replace(file("${path.module}/organization.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:")
}

resource "aws_iam_role_policy" "logs" {
  count  = var.log_bucket != null ? 1 : 0
  name   = "logs"
  role   = aws_iam_role.pare.id
  policy = replace(replace(file("${path.module}/logs.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:"), "LOG-BUCKET", var.log_bucket)
}

output "role_arn" {
  value = aws_iam_role.pare.arn
}
