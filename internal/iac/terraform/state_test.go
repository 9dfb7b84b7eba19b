package terraform_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac/terraform"
)

const aws = `provider[\"registry.terraform.io/hashicorp/aws\"]`

// stored is a terraform.tfstate of some resources.
func stored(resources ...string) string {
	return `{"version": 4, "terraform_version": "1.9.8", "serial": 3, "lineage": "x", "outputs": {}, "resources": [` + strings.Join(resources, ",") + `], "check_results": null}`
}

// made is a resource of a terraform.tfstate with instances.
func made(module, kind, provider string, instances ...string) string {
	return `{"module": "` + module + `", "mode": "managed", "type": "` + kind + `", "name": "x", "provider": "` + provider + `", "instances": [` + strings.Join(instances, ",") + `]}`
}

const set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"

func TestReadState(t *testing.T) {
	tests := []struct {
		name string
		src  string
		want []terraform.StateResource
	}{
		{"no resources", stored(), nil},
		{"what isn't IAM's is left out, whatever its attributes are", stored(made("", "aws_instance", aws, `{"attributes": {"user": {"a": 1}, "arn": 7}}`)), nil},
		{"a managed policy", stored(made("", "aws_iam_policy", aws,
			`{"schema_version": 0, "attributes": {"id": "arn:aws:iam::111122223333:policy/team/p", "arn": "arn:aws:iam::111122223333:policy/team/p", "name": "p", "path": "/team/", "policy": "{}", "tags": null}, "sensitive_attributes": []}`)),
			[]terraform.StateResource{{
				Type: "aws_iam_policy", Address: "aws_iam_policy.x", Instance: "aws_iam_policy.x", Account: "111122223333",
				ID: "arn:aws:iam::111122223333:policy/team/p", ARN: "arn:aws:iam::111122223333:policy/team/p", Name: "p", Path: "/team/",
			}}},
		{"keys of count and for_each stand apart from the address", stored(made(`module.a[\"k].\\\"[\"].module.b[0]`, "aws_iam_group_policy", aws,
			`{"index_key": 1, "attributes": {"id": "g:p", "name": "p", "group": "g"}}`, `{"index_key": "q\".[", "attributes": {"id": "h:p", "name": "p", "group": "h"}}`)),
			[]terraform.StateResource{
				{Type: "aws_iam_group_policy", Address: "module.a.module.b.aws_iam_group_policy.x", Instance: `module.a["k].\"["].module.b[0].aws_iam_group_policy.x["q\".["]`, ID: "h:p", Name: "p", Holder: "h"},
				{Type: "aws_iam_group_policy", Address: "module.a.module.b.aws_iam_group_policy.x", Instance: `module.a["k].\"["].module.b[0].aws_iam_group_policy.x[1]`, ID: "g:p", Name: "p", Holder: "g"},
			}},
		{"an inline policy is of the account that its provider made other things in", stored(
			made("", "aws_s3_bucket", aws, `{"attributes": {"arn": "arn:aws:s3:::b"}}`),
			made("", "aws_iam_instance_profile", aws, `{"attributes": {"arn": "arn:aws:iam::111122223333:instance-profile/x"}}`),
			made("", "aws_iam_instance_profile", aws+".other", `{"attributes": {"arn": "arn:aws:iam::444455556666:instance-profile/x"}}`),
			made("", "aws_iam_user_policy", aws+".other", `{"attributes": {"id": "u:p", "name": "p", "user": "u"}}`)),
			[]terraform.StateResource{{Type: "aws_iam_user_policy", Address: "aws_iam_user_policy.x", Instance: "aws_iam_user_policy.x", Account: "444455556666", ID: "u:p", Name: "p", Holder: "u"}}},
		{"or that the provider says it is in", stored(
			`{"mode": "data", "type": "aws_caller_identity", "name": "c", "provider": "`+aws+`", "instances": [{"attributes": {"account_id": "111122223333", "arn": "arn:aws:sts::111122223333:assumed-role/x/y"}}]}`,
			made("", "aws_iam_user_policy", aws, `{"attributes": {"id": "u:p", "name": "p", "user": "u"}}`)),
			[]terraform.StateResource{{Type: "aws_iam_user_policy", Address: "aws_iam_user_policy.x", Instance: "aws_iam_user_policy.x", Account: "111122223333", ID: "u:p", Name: "p", Holder: "u"}}},
		{"other data sources show somebody else's ARNs", stored(
			`{"mode": "data", "type": "aws_iam_role", "name": "c", "provider": "`+aws+`", "instances": [{"attributes": {"arn": "arn:aws:iam::111122223333:role/x", "name": "u"}}]}`,
			made("", "aws_iam_user_policy", aws, `{"attributes": {"id": "u:p", "name": "p", "user": "u"}}`)),
			[]terraform.StateResource{{Type: "aws_iam_user_policy", Address: "aws_iam_user_policy.x", Instance: "aws_iam_user_policy.x", ID: "u:p", Name: "p", Holder: "u"}}},
		{"a role's inline policies by name, and one that names nothing is none", stored(made("", "aws_iam_role", aws,
			`{"attributes": {"id": "r", "arn": "arn:aws:iam::111122223333:role/r", "name": "r", "path": "/", "inline_policy": [{"name": "q", "policy": "{}"}, {"name": "p", "policy": "{}"}, {"name": "", "policy": ""}]}}`)),
			[]terraform.StateResource{{
				Type: "aws_iam_role", Address: "aws_iam_role.x", Instance: "aws_iam_role.x", Account: "111122223333", ID: "r", ARN: "arn:aws:iam::111122223333:role/r", Name: "r", Path: "/",
				Inline: []string{"p", "q"},
			}}},
		{"a permission set's policy has the set's name", stored(
			made("", "aws_ssoadmin_permission_set", aws, `{"attributes": {"arn": "`+set+`", "id": "`+set+`,i", "name": "Dev"}}`),
			made("", "aws_ssoadmin_permission_set_inline_policy", aws, `{"attributes": {"id": "`+set+`,i", "permission_set_arn": "`+set+`", "inline_policy": "{\"Version\":\"2012-10-17\"}"}}`)),
			[]terraform.StateResource{
				{Type: "aws_ssoadmin_permission_set", Address: "aws_ssoadmin_permission_set.x", Instance: "aws_ssoadmin_permission_set.x", ID: set + ",i", ARN: set, Name: "Dev", PermissionSet: "Dev"},
				{Type: "aws_ssoadmin_permission_set_inline_policy", Address: "aws_ssoadmin_permission_set_inline_policy.x", Instance: "aws_ssoadmin_permission_set_inline_policy.x", ID: set + ",i", PermissionSet: "Dev"},
			}},
		{"what is going to be deleted is left out", stored(made("", "aws_iam_user_policy", aws, `{"deposed": "00000001", "attributes": {"id": "u:p"}}`)), nil},
		{"terraform show -json of a state, with the role's account for its policy, though the provider is of two", `{"format_version": "1.0", "terraform_version": "1.9.8", "values": {"root_module": {
			"resources": [
				{"address": "aws_iam_role.x", "mode": "managed", "type": "aws_iam_role", "name": "x", "provider_name": "aws", "values": {"arn": "arn:aws:iam::111122223333:role/r", "name": "r"}},
				{"address": "aws_iam_role.y", "mode": "managed", "type": "aws_iam_role", "name": "y", "provider_name": "aws", "values": {"arn": "arn:aws:iam::444455556666:role/q", "name": "q"}}],
			"child_modules": [{"address": "module.a[0]", "resources": [
				{"address": "module.a[0].aws_iam_role_policy.x", "mode": "managed", "type": "aws_iam_role_policy", "name": "x", "provider_name": "aws", "values": {"id": "q:p", "name": "p", "role": "q"}, "sensitive_values": {}}]}]}}}`,
			[]terraform.StateResource{
				{Type: "aws_iam_role", Address: "aws_iam_role.x", Instance: "aws_iam_role.x", Account: "111122223333", ARN: "arn:aws:iam::111122223333:role/r", Name: "r"},
				{Type: "aws_iam_role", Address: "aws_iam_role.y", Instance: "aws_iam_role.y", Account: "444455556666", ARN: "arn:aws:iam::444455556666:role/q", Name: "q"},
				{Type: "aws_iam_role_policy", Address: "module.a.aws_iam_role_policy.x", Instance: "module.a[0].aws_iam_role_policy.x", Account: "444455556666", ID: "q:p", Name: "p", Holder: "q"},
			}},
		{"of a plan, the state before it", `{"format_version": "1.2", "planned_values": {"root_module": {"resources": [{"mode": "managed", "type": "aws_iam_policy", "name": "new", "values": {}}]}},
			"prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": [{"mode": "managed", "type": "aws_iam_user_policy", "name": "x", "index": "k", "values": {"id": "u:p", "name": "p", "user": "u"}}]}}}}`,
			[]terraform.StateResource{{Type: "aws_iam_user_policy", Address: "aws_iam_user_policy.x", Instance: `aws_iam_user_policy.x["k"]`, ID: "u:p", Name: "p", Holder: "u"}}},
		{"of a first plan, nothing", `{"format_version": "1.2", "planned_values": {"root_module": {}}}`, nil},
		{"of an empty state, nothing", `{"format_version": "1.0"}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := terraform.ReadState("s.json", []byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&terraform.State{Name: "s.json", Resources: tt.want}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoState(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"no JSON", "resource {}", "not a Terraform state"},
		{"another JSON file", `{"Version": "2012-10-17", "Statement": []}`, "it has neither version nor format_version"},
		{"an old version", `{"version": 3, "modules": []}`, "a Terraform state of version 3: want 4, of Terraform 0.12 or newer"},
		{"a format to come", `{"format_version": "2.0", "values": {}}`, "format_version 2.0: want 1.x of `terraform show -json`"},
		{"an encrypted state", `{"encrypted_data": "x", "encryption_version": "v0"}`, "the state is encrypted"},
		{"attributes of another kind", stored(made("", "aws_iam_policy", aws, `{"attributes": {"arn": 7}}`)), "aws_iam_policy.x: attributes of another kind than the AWS provider's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := terraform.ReadState("s.json", []byte(tt.src))
			if err == nil || !strings.HasPrefix(err.Error(), "s.json: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v: want an error with %q", got, err, tt.want)
			}
		})
	}
}
