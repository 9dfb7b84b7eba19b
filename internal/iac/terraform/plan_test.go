package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func shownPlan(t *testing.T, src string) []string {
	t.Helper()
	p, err := ReadPlan("plan.json", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range p.Policies {
		out = append(out, fmt.Sprintf("%s: %s → %s", c.Address, shownSide(c.Before), shownSide(c.After)))
	}
	return append(out, p.Problems...)
}

func shownSide(p PlannedPolicy) string {
	switch {
	case p.Unknown != "":
		return "unknown"
	case p.Text == "":
		return "none"
	}
	for _, action := range []string{"GetObject", "PutObject", "{}"} {
		if strings.Contains(p.Text, action) {
			return action
		}
	}
	return p.Text
}

// The plan is one that Terraform 1.11 and the provider 5.100 printed, without what isn't
// read. Its role "plain" has no blocks, and so none that aren't known; "dynamic" has a
// dynamic block, of which the configuration says nothing.
func TestReadPlanOfTerraform(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`aws_iam_policy.known["a b"]: none → GetObject`,
		`aws_iam_policy.known["c\"d"]: none → GetObject`,
		`aws_iam_role.blocks.inline_policy["first"]: none → PutObject`,
		`aws_iam_role.blocks.inline_policy["second"]: none → unknown`,
		`aws_iam_role.dynamic.inline_policy["x"]: none → unknown`,
		`aws_iam_role_policy.unknown: none → unknown`,
		`module.m["one.two"].aws_iam_user_policy.u: none → none`,
		`module.m["x]y"].aws_iam_user_policy.u: none → none`,
	}
	if diff := cmp.Diff(want, shownPlan(t, string(src))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

const planBegin = `{"format_version": "1.2", "planned_values": {}, `

// planOfRole is a change of a role, and the configuration of its module.
func planOfRole(address, module, change, expressions string) string {
	config := `{"resources": [{"address": "aws_iam_role.r", "expressions": ` + expressions + `}]}`
	if module != "" {
		config = `{"module_calls": {"m": {"module": ` + config + `}}}`
	}
	return planBegin + `"resource_changes": [{"address": "` + address + `", "module_address": "` + module +
		`", "mode": "managed", "type": "aws_iam_role", "name": "r", "change": ` + change + `}], "configuration": {"root_module": ` + config + `}}`
}

func TestReadPlan(t *testing.T) {
	policy := func(more, change string) string {
		return planBegin + `"resource_changes": [{"address": "aws_iam_policy.p", "mode": "managed", "type": "aws_iam_policy", "name": "p"` + more + `, "change": ` + change + `}]}`
	}
	const blocks = `{"inline_policy": [{}]}`
	for name, c := range map[string]struct {
		src  string
		want []string
	}{
		"a policy that changes": {
			policy("", `{"actions": ["update"], "before": {"policy": "GetObject"}, "after": {"policy": "PutObject"}, "after_unknown": {}}`),
			[]string{"aws_iam_policy.p: GetObject → PutObject"},
		},
		"one that stays": {
			policy("", `{"actions": ["no-op"], "before": {"policy": "GetObject"}, "after": {"policy": "GetObject"}, "after_unknown": {}}`),
			[]string{"aws_iam_policy.p: GetObject → GetObject"},
		},
		"one that goes": {
			policy("", `{"actions": ["delete"], "before": {"policy": "GetObject"}, "after": null, "after_unknown": {}}`),
			[]string{"aws_iam_policy.p: GetObject → none"},
		},
		"one that changes to what isn't known": {
			policy("", `{"actions": ["update"], "before": {"policy": "GetObject"}, "after": {}, "after_unknown": {"policy": true}}`),
			[]string{"aws_iam_policy.p: GetObject → unknown"},
		},
		"a resource of which nothing is known": {
			policy("", `{"actions": ["create"], "before": null, "after": {}, "after_unknown": true}`),
			[]string{"aws_iam_policy.p: none → unknown"},
		},
		"one that is forgotten stays in AWS": {policy("", `{"actions": ["forget"], "before": {"policy": "GetObject"}, "after": null}`), nil},
		"an object that is deposed goes beside what the resource has": {
			planBegin + `"resource_changes": [
				{"address": "aws_iam_policy.p[\"a\"]", "mode": "managed", "type": "aws_iam_policy", "name": "p", "index": "a", "change": {"actions": ["no-op"], "before": {"policy": "GetObject"}, "after": {"policy": "GetObject"}, "after_unknown": {}}},
				{"address": "aws_iam_policy.p[\"a\"]", "mode": "managed", "type": "aws_iam_policy", "name": "p", "index": "a", "deposed": "0a1b2c3d", "change": {"actions": ["delete"], "before": {"policy": "PutObject"}, "after": null, "after_unknown": {}}}]}`,
			[]string{`aws_iam_policy.p["a"]: GetObject → GetObject`, `aws_iam_policy.p["a"] (deposed object 0a1b2c3d): PutObject → none`},
		},
		"a deposed object that is forgotten stays in AWS": {policy(`, "deposed": "1234"`, `{"actions": ["forget"], "before": {"policy": "GetObject"}, "after": null}`), nil},
		"a deposed role's policies go": {
			strings.Replace(planOfRole("aws_iam_role.r", "", `{"actions": ["delete"], "before": {"inline_policy": [{"name": "a", "policy": "GetObject"}]}, "after": null, "after_unknown": {}}`, blocks), `"name": "r"`, `"name": "r", "deposed": "1234"`, 1),
			[]string{`aws_iam_role.r.inline_policy["a"] (deposed object 1234): GetObject → none`},
		},
		"a permission set's is text in its own way": {
			planBegin + `"resource_changes": [{"address": "a", "mode": "managed", "type": "aws_ssoadmin_permission_set_inline_policy", "change": {"actions": ["create"], "before": null, "after": {"inline_policy": "GetObject"}, "after_unknown": {}}}]}`,
			[]string{"a: none → GetObject"},
		},
		"data sources and other resources have no policy of their own": {
			planBegin + `"resource_changes": [{"address": "a", "mode": "data", "type": "aws_iam_policy", "change": {"actions": ["read"], "before": null, "after": {"policy": "GetObject"}}}, {"address": "b", "mode": "managed", "type": "aws_s3_bucket_policy", "change": {"actions": ["create"], "before": null, "after": {"policy": "GetObject"}}}]}`,
			nil,
		},
		"a role's policies go by their names": {
			planOfRole("aws_iam_role.r", "", `{"actions": ["update"], "before": {"inline_policy": [{"name": "a", "policy": "GetObject"}, {"name": "b", "policy": "{}"}]}, "after": {"inline_policy": [{"name": "b", "policy": "PutObject"}]}, "after_unknown": {"inline_policy": [{}]}}`, blocks),
			[]string{`aws_iam_role.r.inline_policy["a"]: GetObject → none`, `aws_iam_role.r.inline_policy["b"]: {} → PutObject`},
		},
		"a role with an empty block has none": {
			planOfRole("aws_iam_role.r", "", `{"actions": ["update"], "before": {"inline_policy": [{"name": "a", "policy": "GetObject"}]}, "after": {"inline_policy": [{"name": null, "policy": null}]}, "after_unknown": {"inline_policy": [{}]}}`, blocks),
			[]string{`aws_iam_role.r.inline_policy["a"]: GetObject → none`},
		},
		"a role that says nothing of its policies keeps them": {
			planOfRole(`module.m[\"a.b]\"].aws_iam_role.r`, `module.m[\"a.b]\"]`, `{"actions": ["update"], "before": {"inline_policy": [{"name": "a", "policy": "GetObject"}]}, "after": {}, "after_unknown": {"inline_policy": true}}`, `{}`),
			[]string{`module.m["a.b]"].aws_iam_role.r.inline_policy["a"]: GetObject → GetObject`},
		},
		"a role with blocks that aren't known": {
			planOfRole("module.m.aws_iam_role.r", "module.m", `{"actions": ["create"], "before": null, "after": {}, "after_unknown": {"inline_policy": true}}`, blocks),
			[]string{"module.m.aws_iam_role.r.inline_policy: none → unknown"},
		},
		"a role of a module that the configuration doesn't have": {
			strings.Replace(planOfRole("module.m.aws_iam_role.r", "module.m", `{"actions": ["create"], "before": null, "after": {}, "after_unknown": {"inline_policy": true}}`, `{}`), `{"m":`, `{"n":`, 1),
			[]string{"module.m.aws_iam_role.r.inline_policy: none → unknown"},
		},
		"a policy that a later plan has": {
			planBegin + `"deferred_changes": [{"reason": "instance_count_unknown", "resource_change": {"address": "aws_iam_policy.p", "type": "aws_iam_policy"}}]}`,
			[]string{"aws_iam_policy.p: deferred to a later plan: its policies are not known"},
		},
	} {
		if diff := cmp.Diff(c.want, shownPlan(t, c.src)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestReadPlanRefuses(t *testing.T) {
	for src, want := range map[string]string{
		`{`:                         "plan.json:1:2: want what `terraform show -json PLAN` prints",
		`[]`:                        "plan.json:1:1: want what",
		`{"resource_changes": []}`:  "no format_version",
		`{"format_version": "2.0"}`: "format_version 2.0: want 1",
		`{"format_version": "1.0", "values": {}}`:                            "a state, not a plan",
		`{"format_version": "1.2", "resource_changes": [], "errored": true}`: "ended with an error",
		planBegin + `"resource_changes": [{"address": "aws_iam_policy.p", "mode": "managed", "type": "aws_iam_policy", "change": {"after": {"policy": 1}}}]}`: "aws_iam_policy.p: policy:",
	} {
		_, err := ReadPlan("plan.json", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}

// Whatever a plan is, reading it ends, and a policy isn't both known and unknown.
func FuzzReadPlan(f *testing.F) {
	f.Add(planOfRole(`module.m[\"a.b]\"].aws_iam_role.r`, `module.m[\"a.b]\"]`, `{"after": {"inline_policy": [{"name": "a"}]}, "after_unknown": {"inline_policy": [{"policy": true}]}}`, `{}`))
	f.Fuzz(func(t *testing.T, src string) {
		p, err := ReadPlan("plan.json", []byte(src))
		if err != nil {
			return
		}
		for _, c := range p.Policies {
			for _, side := range []PlannedPolicy{c.Before, c.After} {
				if side.Text != "" && side.Unknown != "" {
					t.Errorf("%s: %+v", c.Address, side)
				}
			}
		}
	})
}

func TestUndeposed(t *testing.T) {
	for address, want := range map[string]string{
		`aws_iam_policy.p["a"] (deposed object 0a1b2c3d)`:          `aws_iam_policy.p["a"]`,
		`aws_iam_policy.p["a (deposed object 0a1b2c3d)"]`:          `aws_iam_policy.p["a (deposed object 0a1b2c3d)"]`,
		`aws_iam_role.r.inline_policy["x"] (deposed object 01234)`: `aws_iam_role.r.inline_policy["x"]`,
		`aws_iam_policy.p`: `aws_iam_policy.p`,
	} {
		if got := Undeposed(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
