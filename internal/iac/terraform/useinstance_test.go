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

// A file of which a policy is read may be read by a path that isn't written in the call.
func TestFilesThatAreReadElsewhereStay(t *testing.T) {
	const read = "resource \"aws_iam_policy\" \"a\" {\n  policy = file(\"${path.module}/p.json\")\n}\n"
	const other = "resource \"aws_organizations_policy\" \"s\" {\n  name = \"s\"\n"
	each := func(paths, path string) string {
		return other + "  for_each = " + paths + "\n  content = file(" + path + ")\n}\n"
	}
	for name, tt := range map[string]struct {
		text, module string
		want         string // the problem
	}{
		"by a local value":             {"locals {\n  path = \"${path.module}/p.json\"\n}\n" + other + "  content = file(local.path)\n}\n", "", "also used by aws_organizations_policy.s (main.tf:9:13)"},
		"by one of two paths":          {other + "  content = file(var.x ? \"q.json\" : \"${path.module}/p.json\")\n}\n", "", "also used by aws_organizations_policy.s (main.tf:6:13)"},
		"by format":                    {other + "  content = file(format(\"%s/%s.json\", path.module, \"p\"))\n}\n", "", "also used by aws_organizations_policy.s (main.tf:6:13)"},
		"by a key":                     {each(`toset(["p.json"])`, "each.value"), "", "perhaps also used by aws_organizations_policy.s (main.tf:7:13)"},
		"by an argument of a module":   {"module \"m\" {\n  source = \"./m\"\n  path = \"${path.module}/p.json\"\n}\n", "variable \"path\" {}\n" + other + "  content = file(var.path)\n}\n", "perhaps also used by aws_organizations_policy.s (m/main.tf:4:13)"},
		"by a template in a map":       {"locals {\n  paths = { x = \"${path.module}/${terraform.workspace}.json\" }\n}\n" + each("local.paths", "each.value"), "", "perhaps also used by aws_organizations_policy.s (main.tf:10:13)"},
		"a path of another file":       {each(`toset(["app.json", "json", "./q.json"])`, "each.value"), "", ""},
		"a text that nobody may read":  {other + "  content = \"p.json\"\n}\n", "", ""},
		"a call of which all is known": {other + "  content = file(\"${path.module}/q.json\")\n}\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sources, _ := Find(treeOf(&txtar.Archive{Files: []txtar.File{
				{Name: "main.tf", Data: []byte(read + tt.text)},
				{Name: "m/main.tf", Data: []byte(tt.module)},
				{Name: "p.json", Data: []byte(`{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}`)},
			}}))
			if len(sources) != 1 || sources[0].Problem != tt.want {
				t.Errorf("found %s, want the problem %q", describe(sources, nil), tt.want)
			}
		})
	}
}
