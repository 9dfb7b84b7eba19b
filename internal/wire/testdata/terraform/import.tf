# Beside after.tf and an empty state: the provider reads all that it needs from the server.
import {
  to = aws_accessanalyzer_analyzer.kept
  id = "kept"
}

import {
  to = aws_accessanalyzer_archive_rule.changed
  id = "kept/changed"
}

import {
  to = aws_accessanalyzer_archive_rule.same
  id = "kept/same"
}

import {
  to = aws_accessanalyzer_analyzer.replaced
  id = "replaced"
}
