# The role that pare applies plans with, and takes them back. Its policy is policy.json.
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

data "aws_partition" "current" {}

resource "aws_iam_role" "pare" {
  name        = "pare-apply"
  description = "pare applies plans with it, and takes them back"

  max_session_duration = 3600

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

resource "aws_iam_role_policy" "apply" {
  name   = "apply"
  role   = aws_iam_role.pare.id
  policy = replace(file("${path.module}/policy.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:")
}

output "role_arn" {
  value = aws_iam_role.pare.arn
}
