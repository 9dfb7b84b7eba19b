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
	definitions := gate.Define(read.Files)
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
	for name, files := range map[string][2]map[string]string{
		"a local value":               in("m.tf", hcl("local.a", "")+"locals { a = lower(VALUE) }\n"),
		"a local value's":             in("m.tf", hcl("local.a", "")+"locals {\n  a = lower(local.b)\n  b = VALUE\n}\n"),
		"a local value in a text":     in("m.tf", hcl(`"${local.a}/*"`, "")+"locals { a = lower(VALUE) }\n"),
		"a list":                      in("m.tf", hcl("local.a[*]", "")+"locals { a = [VALUE] }\n"),
		"a variable":                  in("m.tf", hcl("lower(var.a)", "")+"variable \"a\" { default = VALUE }\n"),
		"a file of variables":         in("m.tf", hcl("lower(var.a)", "")+"variable \"a\" {}\n", "prod/x.tfvars", "a = VALUE\n"),
		"for_each":                    in("m.tf", hcl("each.value", "for_each = { x = VALUE }")),
		"a data source":               in("m.tf", hcl("data.external.a.result", "")+"data \"external\" \"a\" { query = { x = VALUE } }\n"),
		"another provider's resource": in("m.tf", hcl("terraform_data.a.output", "")+"resource \"terraform_data\" \"a\" { input = VALUE }\n"),
		"an attribute of a resource":  in("m.tf", hcl("aws_ssm_parameter.a.value", "")+"resource \"aws_ssm_parameter\" \"a\" { value = lower(VALUE) }\n"),
		"a module's argument":         in("m.tf", "module \"m\" {\n  source = \"./m\"\n  a      = lower(VALUE)\n}\n", "m/m.tf", hcl("var.a", "")+"variable \"a\" {}\n"),
		"a module's output":           in("m.tf", hcl("module.m.a", "")+"module \"m\" { source = \"./m\" }\n", "m/m.tf", "output \"a\" { value = lower(VALUE) }\n"),
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
	if both.Partial() != 1 || len(both.Results) != 1 {
		t.Errorf("%q", lines(both))
	}
}
