package gate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// policiesIn are the policies of files, with the meaning that the files give them.
func policiesIn(t *testing.T, files map[string]string) []gate.Policy {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read, err := tree.Read(t.Context(), tree.Options{Root: dir})
	if err != nil || len(read.Problems) > 0 {
		t.Fatal(err, read.Problems)
	}
	definitions := gate.Define(read.Files, os.DirFS(dir))
	var out []gate.Policy
	for _, s := range read.Sources {
		p := gate.FromSource(s)
		definitions.Settle(&p)
		out = append(out, p)
	}
	return out
}

// hcl is a policy that allows, or denies, s3:GetObject on a resource.
func hcl(resource, more string) string { return effect("Allow", resource, more) }

func effect(effect, resource, more string) string {
	return `resource "aws_iam_policy" "p" {
  name = "p"
  ` + more + `
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "` + effect + `", Action = ["s3:GetObject"], Resource = [` + resource + `] }] })
}
`
}

// template is the same of CloudFormation.
func template(resource, sections, more string) string {
	return sections + `
Resources:
  P:
    Type: AWS::IAM::ManagedPolicy
` + more + `    Properties:
      PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: ` + resource + `}]}
`
}

// In each, what is computed is written as before, and more comes of it.
func TestSameExpressionOfSomethingElse(t *testing.T) {
	const one, all = `"arn:aws:s3:::a"`, `"*"`
	in := func(name, format string, args ...string) [2]map[string]string {
		var out [2]map[string]string
		for i, value := range []string{one, all} {
			out[i] = map[string]string{name: strings.ReplaceAll(format, "VALUE", value)}
			for j := 0; j+1 < len(args); j += 2 {
				out[i][args[j]] = strings.ReplaceAll(args[j+1], "VALUE", value)
			}
		}
		return out
	}
	const ssm = "resource \"aws_ssm_parameter\" \"a\" {\n  name  = \"x\"\n  value = lower(VALUE)\n}\n"
	logical := func(kind, properties string) string {
		return template("!GetAtt L.Value", "", "") + "  L:\n    Type: " + kind + "\n    Properties: " + properties + "\n"
	}
	const parameter = "Parameters: {A: {Type: String}}"
	for name, files := range map[string][2]map[string]string{
		"a type's default":                            in("m.tf", hcl("upper(var.o.r)", "")+"variable \"o\" {\n  type    = object({ r = optional(string, VALUE) })\n  default = {}\n}\n"),
		"an attribute of some":                        in("m.tf", hcl("aws_ssm_parameter.a[*].value", "")+ssm),
		"of all, as it was written once":              in("m.tf", hcl("aws_ssm_parameter.a.*.value", "")+ssm),
		"of one that is computed":                     in("m.tf", hcl(`aws_ssm_parameter.a[local.x["y"]].value`, "")+ssm),
		"a resource as a whole":                       in("m.tf", hcl(`lookup(aws_ssm_parameter.a, "value")`, "")+ssm),
		"what AWS makes of an attribute":              in("m.tf", hcl("aws_ssm_parameter.a.insecure_value", "")+ssm),
		"what AWS makes of a name":                    in("m.tf", hcl("aws_s3_bucket.a.arn", "")+"resource \"aws_s3_bucket\" \"a\" { bucket = VALUE }\n"),
		"how many there are":                          in("m.tf", hcl(`length(aws_s3_bucket.a) > 1 ? "*" : "a"`, "")+"resource \"aws_s3_bucket\" \"a\" { for_each = { x = VALUE } }\n"),
		"a module that isn't in the tree":             in("m.tf", hcl("module.m.id", "")+"module \"m\" {\n  source = \"a/b/c\"\n  name   = VALUE\n}\n"),
		"an output of some calls":                     in("m.tf", hcl("module.m[each.key].a", "for_each = { x = 1 }")+"module \"m\" { source = \"./m\" }\n", "m/m.tf", "output \"a\" { value = lower(VALUE) }\n"),
		"an argument in JSON":                         in("m.tf.json", `{"module": {"m": {"source": "./m", "a": VALUE}}}`, "m/m.tf", hcl("upper(var.a)", "")+"variable \"a\" {}\n"),
		"variables of a module that an example calls": in("m.tf", hcl("upper(var.a)", "")+"variable \"a\" {}\n", "e/m.tf", "module \"m\" {\n  source = \"../\"\n  a      = 1\n}\n", "x.tfvars", "a = VALUE\n"),
		"a file":                             in("m.tf", hcl(`trimspace(file("a.txt"))`, ""), "a.txt", "VALUE\n"),
		"a difference":                       in("m.tf", hcl("split(\"\", var.a)[var.n - local.a]", "")+"variable \"n\" { default = 1 }\nlocals { a = length(VALUE) }\n"),
		"a variable less one":                in("m.tf", hcl("upper(var.n - 1)", "")+"variable \"n\" { default = VALUE }\n"),
		"a local value of another alphabet":  in("m.tf", hcl("local.größe", "")+"locals { größe = lower(VALUE) }\n"),
		"a variable of another alphabet":     in("m.tf", hcl("lower(var.ärger)", "")+"variable \"ärger\" { default = VALUE }\n"),
		"a module of another alphabet":       in("m.tf", hcl("module.mö.a", "")+"module \"mö\" { source = \"./m\" }\n", "m/m.tf", "output \"a\" { value = lower(VALUE) }\n"),
		"a file in a folder below":           in("m.tf", hcl(`file("${path.module}/${var.e}.txt")`, "")+"variable \"e\" {}\n", "a.txt", "1", "x/y.txt", "VALUE\n"),
		"files, beside one that is named":    in("m.tf", hcl(`join("", [for f in fileset(path.module, "x/*") : file("${path.module}/${f}")], [file("b.txt")])`, ""), "b.txt", "1", "x/a.txt", "VALUE\n"),
		"a file, by a name that is computed": in("m.tf", hcl(`"${file("b.txt")}${file(replace("x_a.txt", "_", "/"))}"`, ""), "b.txt", "1", "x/a.txt", "VALUE\n"),
		"another template's export":          in("t.yaml", template("!ImportValue shared-a", "", ""), "u.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {A: {Value: VALUE, Export: {Name: shared-a}}}\n"),
		"an export, by a computed name":      in("t.yaml", template("{'Fn::ImportValue': !Sub '${A}-a'}", parameter, ""), "u.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {A: {Value: VALUE, Export: {Name: shared-a}}}\n"),
		"an export whose name is computed":   in("t.yaml", template("!ImportValue shared-a", "", ""), "u.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {A: {Value: VALUE, Export: {Name: !Sub '${AWS::StackName}-a'}}}\n"),
		"a file of the module":               in("m.tf", "module \"m\" { source = \"./m\" }\n", "m/m.tf", hcl(`yamldecode(file("${path.module}/../a.yaml")).a`, ""), "a.yaml", "a: VALUE\n"),
		"a file that a local value names":    in("m.tf", hcl("file(local.a)", "")+"locals { a = \"x/a.txt\" }\n", "x/a.txt", "VALUE\n"),
		"a file of which a part is named":    in("m.tf", hcl(`file("${path.module}/${var.e}.txt")`, "")+"variable \"e\" {}\n", "a.txt", "VALUE\n"),
		"a file that nothing names":          in("m.tf", hcl("file(var.e)", "")+"variable \"e\" {}\n", "x/a.txt", "VALUE\n"),
		"a file that a data source opens":    in("m.tf", hcl("data.local_file.a.content", "")+"data \"local_file\" \"a\" { filename = \"a.txt\" }\n", "a.txt", "VALUE\n"),
		"a file that a template is given":    in("m.tf", "resource \"aws_iam_policy\" \"p\" {\n  policy = templatefile(\"p.json\", { a = file(\"a.txt\") })\n}\n", "p.json", `{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "${a}"}]}`, "a.txt", "VALUE"),
		"a custom resource":                  in("t.yaml", logical("Custom::L", "{Key: VALUE}")),
		"a property":                         in("t.yaml", logical("AWS::SSM::Parameter", "{Value: VALUE}")),
		"a property, in the long form":       in("t.yaml", template("{'Fn::GetAtt': [L, Value]}", "", "")+"  L: {Type: AWS::SSM::Parameter, Properties: {Value: VALUE}}\n"),
		"a name":                             in("t.yaml", template("!Sub '${L}/*'", "", "")+"  L: {Type: AWS::S3::Bucket, Properties: {BucketName: VALUE}}\n"),
		"a stack's parameter":                in("t.yaml", logical("AWS::CloudFormation::Stack", "{TemplateURL: x, Parameters: {A: VALUE}}")),
		"a parameter of a nested stack":      in("t.yaml", template("!Ref A", parameter, ""), "u.yaml", "Resources: {N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: t.yaml, Parameters: {A: VALUE}}}}\n"),
		"parameters of a nested stack":       in("t.yaml", template("!Ref A", parameter, ""), "u.yaml", "Resources: {N: {Type: AWS::Serverless::Application, Properties: {Location: t.yaml, Parameters: !If [C, {A: VALUE}, {}]}}}\n"),
		"a file of parameters":               in("t.yaml", template("!Ref A", parameter, ""), "p.json", `[{"ParameterKey": "A", "ParameterValue": VALUE}]`),
		"a file of parameters in Parameters": in("t.yaml", template("!Ref A", parameter, ""), "p/p.json", `{"Parameters": {"A": VALUE}}`),
		"a file of parameters, as texts":     {{"t.yaml": template("!Ref A", parameter, ""), "p.json": `["A=a"]`}, {"t.yaml": template("!Ref A", parameter, ""), "p.json": `["A=*"]`}},
		"SAM's settings":                     in("t.yaml", template("!Ref A", parameter, ""), "samconfig.toml", "parameter_overrides = 'A=VALUE'\n"),
		"what an alias names":                in("t.yaml", "x: &v VALUE\n"+template("!If [C, 'arn:aws:s3:::a', '*']", "Conditions: {C: !Equals [*v, b]}", "")),
		"a local value":                      in("m.tf", hcl("local.a", "")+"locals { a = lower(VALUE) }\n"),
		"a local value's":                    in("m.tf", hcl("local.a", "")+"locals {\n  a = lower(local.b)\n  b = VALUE\n}\n"),
		"a local value in a text":            in("m.tf", hcl(`"${local.a}/*"`, "")+"locals { a = lower(VALUE) }\n"),
		"a list":                             in("m.tf", hcl("local.a[*]", "")+"locals { a = [VALUE] }\n"),
		"a variable":                         in("m.tf", hcl("lower(var.a)", "")+"variable \"a\" { default = VALUE }\n"),
		"a file of variables":                in("m.tf", hcl("lower(var.a)", "")+"variable \"a\" {}\n", "prod/x.tfvars", "a = VALUE\n"),
		"for_each":                           in("m.tf", hcl("each.value", "for_each = { x = VALUE }")),
		"a data source":                      in("m.tf", hcl("data.external.a.result", "")+"data \"external\" \"a\" { query = { x = VALUE } }\n"),
		"another provider's resource":        in("m.tf", hcl("terraform_data.a.output", "")+"resource \"terraform_data\" \"a\" { input = VALUE }\n"),
		"an attribute of a resource":         in("m.tf", hcl("aws_ssm_parameter.a.value", "")+"resource \"aws_ssm_parameter\" \"a\" { value = lower(VALUE) }\n"),
		"a module's argument":                in("m.tf", "module \"m\" {\n  source = \"./m\"\n  a      = lower(VALUE)\n}\n", "m/m.tf", hcl("var.a", "")+"variable \"a\" {}\n"),
		"a module's output":                  in("m.tf", hcl("module.m.a", "")+"module \"m\" { source = \"./m\" }\n", "m/m.tf", "output \"a\" { value = lower(VALUE) }\n"),
		"a template's variable": in("m.tf", "resource \"aws_iam_policy\" \"p\" {\n  policy = templatefile(\"${path.module}/p.tftpl\", { a = lower(VALUE) })\n}\n",
			"p.tftpl", `{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "${a}"}]}`),
		"a parameter's default": in("t.yaml", template("!Ref A", "Parameters: {A: {Type: String, Default: VALUE}}", "")),
		"a mapping":             in("t.yaml", template("!FindInMap [M, prod, A]", "Mappings: {M: {prod: {A: VALUE}}}", "")),
		"a condition":           in("t.yaml", template("!If [C, 'arn:aws:s3:::a', '*']", "Conditions: {C: !Equals [x, VALUE]}", "")),
	} {
		t.Run(name, func(t *testing.T) {
			before, now := policiesIn(t, files[0]), policiesIn(t, files[1])
			if r := checked(t, gate.Input{Pairs: gate.Pairs(now, before)}); r.Failing(gate.Medium) == 0 {
				t.Error("no result")
			}
			if r := checked(t, gate.Input{Pairs: gate.Pairs(now, policiesIn(t, files[1]))}); len(r.Results) > 0 {
				t.Errorf("of the same: %s", r.Results[0].Message)
			}
		})
	}
}

// The same files, and files in other places or for others, that say something else.
func TestSameTextOfSomethingElse(t *testing.T) {
	reads := hcl("upper(var.a)", "") + "variable \"a\" {}\n"
	two := func(call string) map[string]string {
		return map[string]string{
			"m.tf":   "module \"one\" {\n  source = \"./m\"\n  a = \"x\"\n}\nmodule \"two\" {\n  source = \"./m\"\n  a = \"y\"\n}\nresource \"aws_iam_policy\" \"p\" {\n  policy = " + call + ".json\n}\n",
			"m/m.tf": "variable \"a\" {}\ndata \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [upper(var.a)]\n  }\n}\noutput \"json\" { value = data.aws_iam_policy_document.d.json }\n",
		}
	}
	of := func(key string) map[string]string {
		return map[string]string{"m.tf": "data \"aws_iam_policy_document\" \"d\" {\n  for_each = { a = 1, b = 2 }\n  statement {\n    actions   = [\"s3:GetObject\"]\n    resources = [upper(each.key)]\n  }\n}\nresource \"aws_iam_policy\" \"p\" {\n  policy = data.aws_iam_policy_document.d[\"" + key + "\"].json\n}\n"}
	}
	for name, files := range map[string][2]map[string]string{
		"variables of two stages change places": {{"m.tf": reads, "dev.tfvars": `a = "*"`, "prod.tfvars": `a = "x"`}, {"m.tf": reads, "dev.tfvars": `a = "x"`, "prod.tfvars": `a = "*"`}},
		"one of two calls":                      {two("module.one"), two("module.two")},
		"one of two instances":                  {of("a"), of("b")},
		"a resource of another type":            {{"t.yaml": template("!GetAtt L.Arn", "", "") + "  L: {Type: AWS::S3::Bucket}\n"}, {"t.yaml": template("!GetAtt L.Arn", "", "") + "  L: {Type: AWS::SNS::Topic}\n"}},
		"local values change names":             {{"m.tf": hcl("upper(local.a)", "") + "locals {\n  a = lower(\"*\")\n  b = lower(\"x\")\n}\n"}, {"m.tf": hcl("upper(local.a)", "") + "locals {\n  b = lower(\"*\")\n  a = lower(\"x\")\n}\n"}},
		"a local value of others":               {{"m.tf": hcl("upper(local.a * 2 + local.z)", "") + "locals {\n  a = var.a + 1\n  z = var.z\n}\n"}, {"m.tf": hcl("upper(var.a + 1 * 2 + local.z)", "") + "locals {\n  a = var.a + 1\n  z = var.z\n}\n"}},
		"a for's own name":                      {{"m.tf": hcl("upper([for local in var.a : local.b][0])", "") + "locals { b = var.b }\n"}, {"m.tf": hcl("upper([for local in var.a : local.c][0])", "") + "locals { c = var.b }\n"}},
		"a parameter's name, and its value":     {{"t.yaml": template("!Ref A", "Parameters: {A: {Type: 'AWS::SSM::Parameter::Value<String>', Default: a}}", "")}, {"t.yaml": template("!Ref A", "Parameters: {A: {Type: String, Default: a}}", "")}},
	} {
		if r := checked(t, gate.Input{Pairs: gate.Pairs(policiesIn(t, files[1]), policiesIn(t, files[0]))}); r.Failing(gate.Medium) == 0 {
			t.Errorf("%s: no result", name)
		}
	}
}

// Comments and layout, and what doesn't matter to a policy.
func TestSameInOtherLayout(t *testing.T) {
	resource := func(kind, name, body string) string {
		return "resource \"" + kind + "\" \"" + name + "\" {\n" + body + "\n}\n"
	}
	data := func(action string) map[string]string {
		return map[string]string{"m.tf": "resource \"aws_iam_policy\" \"p\" {\n  policy = templatefile(\"p.json\", { a = var.a })\n}\nvariable \"a\" {}\n", "p.json": `{"Statement": [{"Effect": "Allow", "Action": "` + action + `", "Resource": "${a}"}]}`}
	}
	moved := func(above, before string) map[string]string {
		out := data("s3:GetObject")
		out["m.tf"] = above + strings.Replace(out["m.tf"], "templatefile(", before+"templatefile(", 1)
		return out
	}
	const conditions = "Conditions:\n  C: !Equals [a, b]"
	for name, files := range map[string][2]map[string]string{
		"an expression":         {{"m.tf": hcl("upper(var.a)", "")}, {"m.tf": hcl("upper( var.a, )", "")}},
		"one in a text":         {{"m.tf": hcl(`"${var.a}/*"`, "")}, {"m.tf": hcl(`"${ var.a }/*"`, "")}},
		"one of a module":       {{"m.tf": "module \"m\" { source = \"./m\" }\n", "m/m.tf": hcl(`"${var.a}/*"`, "")}, {"m.tf": "module \"m\" { source = \"./m\" }\n", "m/n.tf": hcl(`"${ var.a }/*"`, "")}},
		"a local value":         {{"m.tf": hcl("local.a", "") + "locals { a = upper(var.b) }\n"}, {"m.tf": hcl("local.a", ""), "n.tf": "locals {\n  # why\n  a = upper( var.b ) // so\n}\n"}},
		"a data source":         {{"m.tf": hcl("data.aws_region.a.name", "") + "data \"aws_region\" \"a\" {}\n"}, {"m.tf": hcl("data.aws_region.a.name", "") + "data \"aws_region\" \"a\" {\n}\n"}},
		"a count":               {{"m.tf": hcl(`"*"`, "count = var.a?1:0")}, {"m.tf": hcl(`"*"`, "count = var.a ? 1 : 0 # when asked for")}},
		"line ends":             {{"m.tf": hcl("upper(var.a)", "count = var.a ? 1 : 0")}, {"m.tf": strings.ReplaceAll(hcl("upper(var.a)", "count = var.a ? 1 : 0"), "\n", "\r\n")}},
		"tags of a bucket":      {{"m.tf": hcl("aws_s3_bucket.a.arn", "") + resource("aws_s3_bucket", "a", `bucket = "a"`)}, {"m.tf": hcl("aws_s3_bucket.a.arn", "") + resource("aws_s3_bucket", "a", "bucket = \"a\"\ntags = { a = 1 }")}},
		"a variable's words":    {{"m.tf": hcl("upper(var.a)", "") + "variable \"a\" {}\n"}, {"m.tf": hcl("upper(var.a)", "") + "variable \"a\" { description = \"a\" }\n"}},
		"another variable":      {{"m.tf": hcl("upper(var.a)", ""), "x.tfvars": "a = 1"}, {"m.tf": hcl("upper(var.a)", ""), "x.tfvars": "a = 1\nb = 2"}},
		"a template's actions":  {data("s3:*"), data("s3:GetObject")},
		"a template's call":     {moved("", ""), moved("# a line\n", "  ")},
		"JSON of Terraform's":   {{"m.tf": hcl("upper(var.a)", "count = 2"), "q.tf.json": `{"resource": {"q": {"q": {"a": 1}}}}`}, {"m.tf": hcl("upper(var.a)", "count = 2"), "q.tf.json": "{\n  \"resource\": {\"q\": {\"q\": {\"a\": 1}}}\n}\n"}},
		"a condition":           {{"t.yaml": template("!If [C, a, '*']", conditions, "")}, {"t.yaml": template("!If [C, a, '*']", conditions+" # so\n", "")}},
		"a function":            {{"t.yaml": template("!If [C, !GetAtt L.Arn, '*']", conditions, "")}, {"t.yaml": template("{'Fn::If': [ C, {'Fn::GetAtt': [L, Arn]}, \"*\" ]}", conditions, "")}},
		"a condition's form":    {{"t.yaml": template("!If [C, a, '*']", conditions, "")}, {"t.yaml": template("!If [C, a, '*']", "Conditions: {C: {'Fn::Equals': [a, b]}}", "")}},
		"a mapping":             {{"t.yaml": template("!FindInMap [M, a, b]", "Mappings: {M: {a: {b: c}}}", "")}, {"t.yaml": template("!FindInMap [M, a, b]", "Mappings:\n  M:\n    a:\n      b: 'c'", "")}},
		"another export":        {{"t.yaml": template("!ImportValue ab", "", "") + "Outputs: {B: {Value: '1', Export: {Name: b}}, C: {Value: '1', Export: {Name: !Sub '${A}-b'}}}\n"}, {"t.yaml": template("!ImportValue ab", "", "") + "Outputs: {B: {Value: '2', Export: {Name: b}}, C: {Value: '2', Export: {Name: !Sub '${A}-b'}}}\n"}},
		"a local value's name":  {{"m.tf": hcl("upper(local.a)", "count = local.n") + "locals {\n  a = lower(local.c)\n  c = var.c\n  n = var.n\n}\n"}, {"m.tf": hcl("upper(local.b)", "count = local.m") + "locals {\n  b = lower(local.d)\n  d = var.c\n  m = var.n\n}\n"}},
		"another folder's file": {{"m/m.tf": hcl(`file("${path.module}/${var.e}.txt")`, ""), "n/a.txt": "1"}, {"m/m.tf": hcl(`file("${path.module}/${var.e}.txt")`, ""), "n/a.txt": "2"}},
		"tags in a template":    {{"t.yaml": template("!GetAtt L.Arn", "", "") + "  L: {Type: AWS::S3::Bucket}\n"}, {"t.yaml": template("!GetAtt L.Arn", "", "") + "  L: {Type: AWS::S3::Bucket, Properties: {Tags: []}}\n"}},
	} {
		if r := checked(t, gate.Input{Pairs: gate.Pairs(policiesIn(t, files[1]), policiesIn(t, files[0]))}); len(r.Results) > 0 {
			t.Errorf("%s: %s", name, r.Results[0].Message)
		}
	}
}

// A policy that says the same, but is there where it wasn't, or isn't where it was.
func TestWhetherAPolicyIsThere(t *testing.T) {
	const (
		allows  = "pare/new-access aws_iam_policy.p is new: everything that it allows is"
		gone    = "pare/new-access aws_iam_policy.p is gone, and no longer denies"
		perhaps = "it could not be decided whether it allows more than before: what says where it is there has changed"
	)
	switched := func(on string) string {
		return hcl(`"*"`, "count = var.on ? 1 : 0") + "variable \"on\" { default = " + on + " }\n"
	}
	module := func(count string) string { return "module \"m\" {\n  source = \"./m\"\n  " + count + "\n}\n" }
	for name, c := range map[string]struct {
		before, now map[string]string
		want        string // in the one result; empty: there is none
	}{
		"count is 0 no longer":        {map[string]string{"m.tf": hcl(`"*"`, "count = 0")}, map[string]string{"m.tf": hcl(`"*"`, "")}, allows},
		"count is 0 now":              {map[string]string{"m.tf": hcl(`"*"`, "")}, map[string]string{"m.tf": hcl(`"*"`, "count = 0")}, ""},
		"count of a denial is 0 now":  {map[string]string{"m.tf": effect("Deny", `"*"`, "")}, map[string]string{"m.tf": effect("Deny", `"*"`, "count = 0")}, gone},
		"a switch is turned":          {map[string]string{"m.tf": switched("false")}, map[string]string{"m.tf": switched("true")}, perhaps},
		"a switch is as it was":       {map[string]string{"m.tf": switched("true")}, map[string]string{"m.tf": switched("true")}, ""},
		"a module's count is 0":       {map[string]string{"m.tf": module("count = 0"), "m/m.tf": hcl(`"*"`, "")}, map[string]string{"m.tf": module(""), "m/m.tf": hcl(`"*"`, "")}, "is new: everything"},
		"one more of for_each":        {map[string]string{"m.tf": hcl(`"*"`, `for_each = toset(["a"])`)}, map[string]string{"m.tf": hcl(`"*"`, `for_each = toset(["a", "b"])`)}, perhaps},
		"a resource's condition goes": {map[string]string{"t.yaml": template("'*'", "", "    Condition: C\n")}, map[string]string{"t.yaml": template("'*'", "", "")}, perhaps},
		"a count in JSON":             {map[string]string{"m.tf.json": `{"resource": {"aws_iam_policy": {"p": {"count": 0, "policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}"}}}}`}, map[string]string{"m.tf.json": `{"resource": {"aws_iam_policy": {"p": {"policy": "{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}"}}}}`}, allows},
		"a module's count in JSON":    {map[string]string{"m.tf.json": `{"module": {"m": {"source": "./m", "count": 0}}}`, "m/m.tf": hcl(`"*"`, "")}, map[string]string{"m.tf.json": `{"module": {"m": {"source": "./m", "count": 1}}}`, "m/m.tf": hcl(`"*"`, "")}, "is new: everything"},
		"another account's provider":  {map[string]string{"m.tf": hcl(`"*"`, "provider = aws.dev")}, map[string]string{"m.tf": hcl(`"*"`, "provider = aws.prod")}, perhaps},
		"a module's providers":        {map[string]string{"m.tf": module("providers = { aws = aws.dev }"), "m/m.tf": hcl(`"*"`, "")}, map[string]string{"m.tf": module("providers = { aws = aws.prod }"), "m/m.tf": hcl(`"*"`, "")}, perhaps},
		"as many as there are others": {map[string]string{"m.tf": hcl(`"*"`, "count = length(aws_iam_role.r)") + "resource \"aws_iam_role\" \"r\" { count = 0 }\n"}, map[string]string{"m.tf": hcl(`"*"`, "count = length(aws_iam_role.r)") + "resource \"aws_iam_role\" \"r\" { count = 1 }\n"}, perhaps},
		"it isn't left as it is":      {map[string]string{"m.tf": hcl(`"*"`, "lifecycle { ignore_changes = [policy] }")}, map[string]string{"m.tf": hcl(`"*"`, "")}, perhaps},
		"tags are, and that is all":   {map[string]string{"m.tf": hcl(`"*"`, "lifecycle { ignore_changes = [tags] }")}, map[string]string{"m.tf": hcl(`"*"`, "")}, ""},
		"it is enabled":               {map[string]string{"m.tf": hcl(`"*"`, "lifecycle { enabled = false }")}, map[string]string{"m.tf": hcl(`"*"`, "lifecycle { enabled = true }")}, perhaps},
		"a module is enabled":         {map[string]string{"m.tf": module("lifecycle { enabled = false }"), "m/m.tf": hcl(`"*"`, "")}, map[string]string{"m.tf": module("lifecycle { enabled = true }"), "m/m.tf": hcl(`"*"`, "")}, perhaps},
		"what was computed goes":      {map[string]string{"m.tf": "resource \"aws_iam_policy\" \"p\" { policy = jsonencode(merge(var.a, {})) }\n"}, map[string]string{"m.tf": "locals {}\n"}, "is gone, and what it denied is not known: "},
		"an included file comes":      {map[string]string{"t.yaml": template("'*'", "", "")}, map[string]string{"t.yaml": template("'*'", "Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://a/b}}", "")}, perhaps},
		"a macro comes":               {map[string]string{"t.yaml": template("'*'", "", "")}, map[string]string{"t.yaml": template("'*'", "Transform: Mine", "")}, perhaps},
	} {
		t.Run(name, func(t *testing.T) {
			got := lines(checked(t, gate.Input{Pairs: gate.Pairs(policiesIn(t, c.now), policiesIn(t, c.before))}))
			switch {
			case c.want == "" && len(got) == 0:
			case c.want == "", len(got) != 1, !strings.Contains(got[0], c.want):
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A baseline knows what can't be known by what is written, and what that refers to.
func TestBaselineOfWhatIsUnknown(t *testing.T) {
	computed := func(value, more string) map[string]string {
		return map[string]string{"m.tf": "locals {\n  a = " + value + "\n}\n" + more + "resource \"aws_iam_policy\" \"p\" {\n  policy = jsonencode(merge(local.a, {}))\n}\n"}
	}
	one := checked(t, gate.Input{Pairs: gate.Alone(policiesIn(t, computed(`{ x = 1 }`, "")))})
	var known strings.Builder
	if err := gate.WriteBaseline(&known, one); err != nil {
		t.Fatal(err)
	}
	baseline, err := gate.ReadBaseline("b.json", []byte(known.String()))
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]int{`{ x = 1 }`: 0, `{ x = 2 }`: 1} {
		in := gate.Input{Pairs: gate.Alone(policiesIn(t, computed(value, "# moved\n"))), Baseline: baseline}
		if got := checked(t, in).Partial(); got != want {
			t.Errorf("%s: %d, want %d", value, got, want)
		}
	}
}

// A pattern of the old policy matches what isn't known of the new one by letters or length
// that it has by chance: that doesn't cover it.
func TestPatternsDoNotMatchPlaceholders(t *testing.T) {
	for _, pattern := range []string{"*-*", "*o*", "*n*r*", "*p*", "*0*", "????*", "?????????????????????????????", "*[a-z]*", "*Z*"} {
		old := allow("s3:GetObject", "arn:aws:s3:::"+pattern)
		now := allow("s3:GetObject", "arn:aws:s3:::"+unknown)
		pairs := gate.Pairs([]gate.Policy{made(t, "a", old, now)}, []gate.Policy{made(t, "a", old)})
		if r := checked(t, gate.Input{Pairs: pairs}); r.Failing(gate.Medium) != 1 {
			t.Errorf("%s: no result", pattern)
		}
	}
	old := allow("s3:GetObject", "arn:aws:s3:::*")
	pairs := gate.Pairs([]gate.Policy{made(t, "a", old, allow("s3:GetObject", "arn:aws:s3:::"+unknown))}, []gate.Policy{made(t, "a", old)})
	if r := checked(t, gate.Input{Pairs: pairs}); len(r.Results) > 0 {
		t.Errorf("*: %s", r.Results[0].Message)
	}
}

// A file that couldn't be read at the base may have denied anything; one that can't be read
// now either is told of once.
func TestFilesThatCouldNotBeRead(t *testing.T) {
	broken := iac.Problem{Where: "a.tf:3:1", What: "broken"}
	got := lines(checked(t, gate.Input{Before: []iac.Problem{broken}}))
	if len(got) != 1 || !strings.Contains(got[0], "a.tf pare/new-access") || !strings.Contains(got[0], "what its policies allowed and denied before is not known: a.tf:3:1: broken") {
		t.Errorf("%q", got)
	}
	both := checked(t, gate.Input{Before: []iac.Problem{broken}, Problems: []iac.Problem{broken}})
	known := baseline(t, checked(t, gate.Input{Before: []iac.Problem{broken}, Files: []*iac.File{{Path: "a.tf", Src: []byte("1")}}}))
	for text, want := range map[string]int{"1": 0, "2": 1} {
		again := checked(t, gate.Input{Before: []iac.Problem{broken}, Files: []*iac.File{{Path: "a.tf", Src: []byte(text)}}, Baseline: known})
		if again.Failing(gate.Medium) != want {
			t.Errorf("a baseline of 1, and now %s: %q", text, lines(again))
		}
	}
	if both.Partial() != 1 || len(both.Results) != 1 {
		t.Errorf("%q", lines(both))
	}
}
