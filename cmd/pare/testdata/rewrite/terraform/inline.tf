resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = local.trust

  inline_policy {
    name = "block"
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = { Effect = "Allow", Action = ["s3:GetBucketAcl", "sns:Publish"], Resource = "*" }
    })
  }
}

resource "aws_iam_role" "encoded" {
  name               = "encoded"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "encoded" {
  name = "encoded"
  role = aws_iam_role.encoded.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetBucketAcl", "s3:GetBucketCORS", /* mail */ "ses:*"]
        Resource = ["arn:aws:s3:::${aws_iam_role.encoded.name}-*", "*"]
      },
    ]
  })
}

locals {
  reading = [
    "s3:GetBucket*",
    "sns:*",
  ]
}

resource "aws_iam_user" "robot" {
  name = "robot"
}

resource "aws_iam_user_policy" "robot" {
  name = "robot"
  user = aws_iam_user.robot.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = local.reading, Resource = "*" }]
  })
}

resource "aws_iam_role" "plain" {
  name               = "plain"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "plain" {
  name   = "plain"
  role   = aws_iam_role.plain.name
  policy = <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["s3:GetBucketAcl", "s3:GetBucketCORS", "sqs:*"],
      "Resource": "arn:aws:s3:::${aws_iam_role.plain.name}-*"
    },
    { "Effect": "Allow", "Action": "ses:*", "Resource": "*" },
    { "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*", "Condition": { "StringEquals": { "aws:PrincipalTag/team": "$${aws:PrincipalTag/owner}" } } }
  ]
}
POLICY
}

resource "aws_iam_role" "indented" {
  name               = "indented"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "indented" {
  name   = "indented"
  role   = aws_iam_role.indented.name
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [{
        "Effect": "Allow",
        "Action": [
          "s3:GetBucketAcl",
          "sqs:SendMessage",
          "sqs:ReceiveMessage"
        ],
        "Resource": "*"
      }]
    }
  EOT
}

resource "aws_iam_group" "people" {
  name = "people"
}

resource "aws_iam_group_policy" "people" {
  name   = "people"
  group  = aws_iam_group.people.name
  policy = file("${path.module}/policies/people.json")
}

resource "aws_iam_user_group_membership" "people" {
  user   = aws_iam_user.robot.name
  groups = [aws_iam_group.people.name]
}

resource "aws_iam_role" "templated" {
  name               = "templated"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "templated" {
  name   = "templated"
  role   = aws_iam_role.templated.name
  policy = templatefile("${path.module}/policies/templated.json.tftpl", { bucket = aws_iam_role.templated.name })
}

module "reader" {
  source   = "./modules/reader"
  for_each = toset(["reader-a", "reader-b"])
  name     = each.key
  trust    = local.trust
}

variable "publishing" {
  description = "what publishers may"
  type        = list(string)
  default     = ["s3:GetBucketAcl", "sns:Publish", "sns:Subscribe"]
}

resource "aws_iam_role" "varied" {
  name               = "varied"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "varied" {
  count = 1
  name  = "varied"
  role  = aws_iam_role.varied.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.publishing, Resource = "*" }]
  })
}
