package terraform

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Where a for_each, or a key, doesn't say all that is read of a policy, its text counts as
// used by what may read it.
func TestTextsThatAreReadElsewhereStay(t *testing.T) {
	const several = `resource "aws_iam_policy" "a" {
  for_each = toset(["x"])
  policy   = jsonencode({ Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }] })
}
`
	one := strings.Replace(several, "  for_each = toset([\"x\"])\n", "", 1)
	const bucket = "resource \"aws_s3_bucket_policy\" \"b\" {\n"
	for name, files := range map[string]map[string]string{
		"an override file reads the value": {
			"main.tf":          several + bucket + "  for_each = aws_iam_policy.a\n  bucket = each.value.name\n}\n",
			"main_override.tf": bucket + "  policy = each.value.policy\n}\n",
		},
		"an override file has the for_each": {
			"main.tf":          several + bucket + "  policy = each.value.policy\n}\n",
			"main_override.tf": bucket + "  for_each = aws_iam_policy.a\n}\n",
		},
		"an override file of a module's call": {
			"main.tf":          several + "module \"m\" {\n  source = \"./m\"\n  for_each = aws_iam_policy.a\n}\n",
			"main_override.tf": "module \"m\" {\n  doc = each.value.policy\n}\n",
			"m/main.tf":        "variable \"doc\" {}\n",
		},
		"an override file in JSON": {
			"main.tf":            several,
			"use.tf.json":        `{"resource": {"aws_s3_bucket_policy": {"b": {"for_each": "${aws_iam_policy.a}", "bucket": "${each.value.name}"}}}}`,
			"x_override.tf.json": `{"resource": {"aws_s3_bucket_policy": {"b": {"policy": "${each.value.policy}"}}}}`,
		},
		"a local value called for_each": {
			"main.tf": several + "locals {\n  for_each = aws_iam_policy.a\n}\n" + bucket + "  for_each = local.for_each\n  policy = each.value.policy\n}\n",
		},
		"the length of what a key leads to": {
			"main.tf": one + "output \"n\" {\n  value = length(lookup(aws_iam_policy.a, \"policy\", \"\"))\n}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			ar := &txtar.Archive{}
			for name, data := range files {
				ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(data)})
			}
			sources, _ := Find(treeOf(ar))
			if len(sources) != 1 || !strings.Contains(sources[0].Problem, "also used by") {
				t.Errorf("found %s", describe(sources, nil))
			}
		})
	}
}
