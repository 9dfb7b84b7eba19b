# Other tags and another filter are changes in place. The provider can't change the age of
# an analyzer: it makes another.
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
    owner = "d"
    team  = "core"
  }
}

resource "aws_accessanalyzer_archive_rule" "changed" {
  analyzer_name = aws_accessanalyzer_analyzer.kept.analyzer_name
  rule_name     = "changed"

  filter {
    criteria = "resource"
    contains = [":user/"]
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
      unused_access_age = 60
    }
  }
}
