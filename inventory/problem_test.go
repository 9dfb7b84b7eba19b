package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/inventory"
)

// What is wrong with one entity is said, and the rest goes on.
func TestProblems(t *testing.T) {
	const (
		appARN = "arn:aws:iam::111111111111:role/app"
		run    = "aws iam get-account-authorization-details --output json"
		app    = `role arn:aws:iam::111111111111:role/app "app" made 2026-01-02 03:04:05`
		rest   = "; used unknown, profiles [], trust of 1\n"
	)
	managed := func(members ...string) string {
		return `"Policies": [` + page(append([]string{`"Arn": "arn:aws:iam::111111111111:policy/p"`}, members...)...) + "]"
	}
	for _, test := range []struct {
		name     string
		details  inventory.File
		account  string
		problems string
	}{
		{
			"an unknown field is not a problem",
			details(roles(role("app", `"Color": {"a": [1]}`)), `"Weather": "fine"`),
			app + rest, "",
		},
		{
			"lists that are null or not there are empty",
			details(roles(role("app", `"Tags": null, "RolePolicyList": null, "RoleLastUsed": null`)), `"UserDetailList": null`),
			app + rest, "",
		},
		{
			"a byte order mark, and a role that is given twice, with its times written otherwise",
			file("details.json", "\ufeff"+page(roles(role("app"), strings.Replace(role("app"), "05Z", "05+00:00", 1)))),
			app + rest, "",
		},
		{
			"a role last used, in a Region, with a fraction of a second",
			details(roles(role("app", `"RoleLastUsed": {"LastUsedDate": "2026-05-06T07:08:09.5+02:00", "Region": "eu-west-1"}`))),
			app + "; used 2026-05-06 05:08:09 eu-west-1, profiles [], trust of 1\n", "",
		},
		{
			"a role last used in a Region at no time is of unknown use",
			details(roles(role("app", `"RoleLastUsed": {"Region": "eu-west-1"}`))),
			app + rest, "",
		},
		{
			"a role last used at a time that makes no sense is of unknown use",
			details(roles(role("app", `"RoleLastUsed": {"LastUsedDate": "yesterday"}`))),
			app + rest,
			`details.json:1:21: ` + appARN + `: RoleLastUsed: "yesterday": want a time, such as 2026-11-23T07:56:06+00:00; taken as not known` + "\n",
		},
		{
			"a broken inline policy",
			details(roles(role("app", `
"RolePolicyList": [
    {"PolicyName": "good", "PolicyDocument": {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}},
    {"PolicyName": "bad~/1", "PolicyDocument": {"Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*", "s3"], "Resource": "*"}
    ]}}
]`))),
			app + `, inline "bad~/1" unreadable, inline "good" of 1` + rest,
			`details.json:5:51: ` + appARN + `: the inline policy "bad~/1" can't be read and is left out: /Statement/0/Action/1: "s3": want service:name, such as "s3:GetObject", or "*"` + "\n",
		},
		{
			"a policy in a URL-encoded string, without statements",
			details(roles(role("app", `"RolePolicyList": [{"PolicyDocument": "%7B%22Statement%22%3A%5B%5D%7D", "PolicyName": "bad"}]`))),
			app + `, inline "bad" unreadable` + rest,
			`details.json:1:301: ` + appARN + `: the inline policy "bad" can't be read and is left out: /Statement: empty list: want at least one statement` + "\n",
		},
		{
			"a broken policy in a string, broken twice",
			details(roles(role("app", `"RolePolicyList": [{"PolicyName": "bad", "PolicyDocument": "{\"Statement\": {\"Effect\": \"allow\", \"Action\": \"s3\"}}"}]`))),
			app + `, inline "bad" unreadable` + rest,
			`details.json:1:322: ` + appARN + `: the inline policy "bad" can't be read and is left out: /Statement/Effect: "allow": want "Allow" or "Deny", exactly so (and 1 more)` + "\n",
		},
		{
			"a policy that isn't URL-encoded rightly",
			details(roles(role("app", `"RolePolicyList": [{"PolicyName": "bad", "PolicyDocument": "%7B%2"}]`))),
			app + `, inline "bad" unreadable` + rest,
			`details.json:1:322: ` + appARN + `: the inline policy "bad" can't be read and is left out: invalid URL escape "%2": want JSON, plain or URL-encoded` + "\n",
		},
		{
			"a role without a trust policy",
			details(roles(`{"Arn": "` + appARN + `", "CreateDate": "2026-01-02T03:04:05Z"}`)),
			app + "; used unknown, profiles [], trust unreadable\n",
			`details.json:1:21: ` + appARN + `: the trust policy can't be read and is left out: there is no document` + "\n",
		},
		{
			"a role with a field of a wrong type",
			details(roles(`{"Arn": "`+appARN+`", "Tags": [{"Key": 5}]}`, role("b"))),
			strings.ReplaceAll(app, "app", "b") + rest,
			`details.json:1:21: ` + appARN + `: an entry of RoleDetailList is left out: /Tags/0/Key: found a number, want a string` + "\n",
		},
		{
			"a role with a policy document, given as an object, that has a key twice",
			details(roles(role("app", `"RolePolicyList": [{"PolicyDocument": {"Statement": [], "Statement": []}}]`), role("b"))),
			strings.ReplaceAll(app, "app", "b") + rest,
			`details.json:1:21: ` + appARN + `: an entry of RoleDetailList is left out: /RolePolicyList/0/PolicyDocument/Statement: duplicate object member name` + "\n",
		},
		{
			"things that aren't roles among the roles",
			details(roles(`"é"`, `{}`, user("u"), `{"Arn": "arn:aws:iam::1:role/x"}`, role("app"))),
			app + rest, `details.json:1:21: : an entry of RoleDetailList is left out: found a string, want an object
details.json:1:26: : an entry of RoleDetailList is left out: /Arn: "": want an ARN, such as "arn:aws:iam::123456789012:role/Name"
details.json:1:30: arn:aws:iam::111111111111:user/u: an entry of RoleDetailList is left out: /Arn: "arn:aws:iam::111111111111:user/u": want the ARN of an IAM role
details.json:1:135: arn:aws:iam::1:role/x: an entry of RoleDetailList is left out: /Arn: "arn:aws:iam::1:role/x": want an account of twelve digits
`,
		},
		{
			"a group and policies that the files don't hold",
			details(roles(role("app", `"AttachedManagedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]`)),
				users(user("a", `"GroupList": ["g"]`), user("b", `"GroupList": ["g"]`), user("c", `"GroupList": ["g"]`), user("d", `"GroupList": ["g"]`))),
			app + `, attached ReadOnlyAccess unknown` + rest + strings.Join([]string{uline("a"), uline("b"), uline("c"), uline("d")}, ""),
			`details.json:: g: the group isn't in the files, but has members (a, b, c and 1 more): what it grants isn't known; run: ` + run + `
details.json:: arn:aws:iam::aws:policy/ReadOnlyAccess: the policy isn't in the files, but is attached (to ` + appARN + `): what it grants isn't known; run, without --filter: ` + run + "\n",
		},
		{
			"members by name, whatever their paths",
			details(users(`{"Arn": "arn:aws:iam::111111111111:user/a", "GroupList": ["g"]}`, `{"Arn": "arn:aws:iam::111111111111:user/B/z", "GroupList": ["g"]}`), groups(`{"Arn": "arn:aws:iam::111111111111:group/g"}`)),
			`user arn:aws:iam::111111111111:user/B/z "z" made unknown; in [g]
  password unknown
  perhaps more keys
user arn:aws:iam::111111111111:user/a "a" made unknown; in [g]
  password unknown
  perhaps more keys
group arn:aws:iam::111111111111:group/g "g" made unknown; with [a z]
`, "",
		},
		{
			"the default version is not among the versions",
			details(roles(role("app")), managed(`"DefaultVersionId": "v3", "PolicyVersionList": [{"VersionId": "v1", "Document": {}}]`)),
			app + rest + "policy arn:aws:iam::111111111111:policy/p  made unknown, updated unknown, attached -1, boundary of -1: unreadable\n",
			`details.json:1:278: arn:aws:iam::111111111111:policy/p: the policy's document is left out: want one version that is the default, v3` + "\n",
		},
		{
			"two versions are the default",
			details(roles(role("app")), managed(`"DefaultVersionId": "v3", "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": true}, {"VersionId": "v3"}]`)),
			app + rest + "policy arn:aws:iam::111111111111:policy/p  made unknown, updated unknown, attached -1, boundary of -1: unreadable\n",
			`details.json:1:278: arn:aws:iam::111111111111:policy/p: the policy's document is left out: want one version that is the default, v3` + "\n",
		},
		{
			"the first pages alone",
			details(roles(role("app")), `"IsTruncated": true, "Marker": "AAE"`),
			app + rest,
			"details.json:: : every page says that more follow: pages are missing, and what they describe is left out; run, without --max-items: " + run + "\n",
		},
		{
			"cut short by --max-items",
			details(roles(role("app")), `"NextToken": "eyJNYXJrZXIiOiBudWxsfQ=="`),
			app + rest,
			"details.json:: : every page says that more follow: pages are missing, and what they describe is left out; run, without --max-items: " + run + "\n",
		},
		{
			"nobody at all",
			details(roles()), "",
			"details.json:: : no role, user, group or policy says which account this is; run: " + run + "\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, problems, err := inventory.Parse(inventory.Files{Details: []inventory.File{test.details}})
			if err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(describe(a), "\n")
			if diff := cmp.Diff(test.account, got); diff != "" {
				t.Errorf("account: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, lines(problems)); diff != "" {
				t.Errorf("problems: -want +got\n%s", diff)
			}
			lacks := strings.Contains(test.problems, "DetailList is left out: ") || strings.Contains(test.problems, "pages are missing")
			if a.Incomplete != lacks {
				t.Errorf("incomplete: %t", a.Incomplete)
			}
		})
	}
}

// uline is a user who has nothing and of whom nothing more is known.
func uline(name string) string {
	return `user arn:aws:iam::111111111111:user/` + name + ` "` + name + `" made 2026-01-02 03:04:05; in [g]` + "\n  password unknown\n  perhaps more keys\n"
}
