resource "aws_accessanalyzer_analyzer" "kept" {
  analyzer_name = "kept"
  type          = "ACCOUNT_UNUSED_ACCESS"

  configuration {
    unused_access {
      unused_access_age = 120

      analysis_rule {
        exclusion {
          resource_tags = [{ team = "core", stage = "test" }, { owner = "d" }]
        }
      }
    }
  }

  tags = {
    owner = "a b/c"
    stage = "test"
  }
}

resource "aws_accessanalyzer_archive_rule" "changed" {
  analyzer_name = aws_accessanalyzer_analyzer.kept.analyzer_name
  rule_name     = "changed"

  filter {
    criteria = "resourceType"
    eq       = ["AWS::IAM::User"]
  }

  filter {
    criteria = "resource"
    contains = ["user/b", "user/a"]
  }
}

resource "aws_accessanalyzer_archive_rule" "same" {
  analyzer_name = aws_accessanalyzer_analyzer.kept.analyzer_name
  rule_name     = "same"

  filter {
    criteria = "error"
    exists   = "false"
  }

  filter {
    criteria = "findingType"
    neq      = ["UnusedPermission"]
  }
}

resource "aws_accessanalyzer_analyzer" "replaced" {
  analyzer_name = "replaced"
  type          = "ACCOUNT_UNUSED_ACCESS"

  configuration {
    unused_access {
      unused_access_age = 90
    }
  }
}
