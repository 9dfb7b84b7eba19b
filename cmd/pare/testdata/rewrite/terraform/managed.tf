# A customer managed policy from a data source, which two roles have.

data "aws_iam_policy_document" "documented" {
  # Reports are read at night.
  statement {
    sid = "Reports"
    actions = [
      "s3:GetBucket*", # every report's bucket
      "s3:ListAllMyBuckets",
      # The queue went away in spring.
      "sqs:*",
    ]
    resources = ["*"]
  }

  # Nobody sends mail any more.
  statement {
    sid       = "Mail"
    actions   = ["ses:SendEmail", "ses:SendRawEmail"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "documented" {
  name   = "documented"
  policy = data.aws_iam_policy_document.documented.json
}

resource "aws_iam_role" "documented" {
  for_each           = toset(["documented-a", "documented-b"])
  name               = each.key
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "documented" {
  for_each   = aws_iam_role.documented
  role       = each.value.name
  policy_arn = aws_iam_policy.documented.arn
}

# One made of another, whose statements both have.

data "aws_iam_policy_document" "base" {
  statement {
    sid       = "Base"
    actions   = ["s3:GetBucketAcl", "s3:GetBucketCORS", "s3:GetBucketPolicy"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "combined" {
  source_policy_documents = [data.aws_iam_policy_document.base.json]

  statement {
    sid       = "Own"
    actions   = ["sqs:SendMessage", "s3:ListAllMyBuckets"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "combined" {
  name   = "combined"
  policy = data.aws_iam_policy_document.combined.json
}

resource "aws_iam_role" "combined" {
  name               = "combined"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "combined" {
  role       = aws_iam_role.combined.name
  policy_arn = aws_iam_policy.combined.arn
}

# One in which a statement stands in the place of another with its Sid.

data "aws_iam_policy_document" "production" {
  statement {
    sid       = "Base"
    actions   = ["s3:GetBucketAcl", "s3:GetBucketPolicy"] # without CORS
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "overridden" {
  override_policy_documents = [data.aws_iam_policy_document.production.json]

  statement {
    sid       = "Base"
    actions   = ["s3:*"]
    resources = ["*"]
  }

  statement {
    sid       = "Own"
    actions   = ["s3:ListAllMyBuckets", "ses:SendEmail"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "overridden" {
  name   = "overridden"
  policy = data.aws_iam_policy_document.overridden.json
}

resource "aws_iam_role" "overridden" {
  name               = "overridden"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy_attachment" "overridden" {
  role       = aws_iam_role.overridden.name
  policy_arn = aws_iam_policy.overridden.arn
}
