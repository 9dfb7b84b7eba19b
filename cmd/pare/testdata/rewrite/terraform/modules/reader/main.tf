variable "name" {
  type = string
}

variable "trust" {
  type = string
}

resource "aws_iam_role" "reader" {
  name               = var.name
  assume_role_policy = var.trust
}

resource "aws_iam_role_policy" "reader" {
  name = var.name
  role = aws_iam_role.reader.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetBucketAcl", "s3:GetBucketCORS", "sqs:ListQueues"]
      Resource = "arn:aws:s3:::${var.name}"
    }]
  })
}
