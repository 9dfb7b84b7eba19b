package inventory_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/inventory"
)

// Whatever the files hold: there is an account or an error, the order of the files makes
// no difference, and neither does a file that is given twice. Each problem says what and
// where, and whatever was left out has one.
func FuzzParse(f *testing.F) {
	specimen := string(mustRead(f, "authorization-details.json").Bytes)
	report, keys := string(mustRead(f, "credential-report.csv").Bytes), string(mustRead(f, "access-keys.json").Bytes)
	f.Add(specimen, `{"RoleDetailList": []}`, report, keys)
	f.Add(page(roles(role("a"))), page(users(user("u", `"GroupList": ["g"]`)), groups(`{"Arn": "arn:aws:iam::111111111111:group/g"}`)), header+root, "[]")
	f.Add(page(roles(role("a", `"RolePolicyList": [{"PolicyName": "p", "PolicyDocument": "%7B%22Statement%22%3A[]%7D"}]`))), "", string(mustRead(f, "credential-report.json").Bytes), "")
	f.Add(`[{"Policies": [{"Arn": "arn:aws:iam::aws:policy/p", "PolicyVersionList": [{"IsDefaultVersion": true, "Document": {"Statement": [], "Statement": {}}}]}], "GroupDetailList": null}]`, "", "", `{"AccessKeyId": "AKIA1"}`)
	f.Add(page(roles(role("a"), role("a", `"RoleLastUsed": {"LastUsedDate": "x"}`))), page(roles(role("a"))), header+me+noPass+january+never+noKey+noCert, `{"AccessKeyLastUsed": {}}`)
	f.Fuzz(func(t *testing.T, first, second, report, keys string) {
		files := []inventory.File{file("first.json", first)}
		if second != "" {
			files = append(files, file("second.json", second))
		}
		parse := func(details ...inventory.File) (*inventory.Account, []inventory.Problem, error) {
			all := inventory.Files{Details: details}
			if report != "" {
				all.Report = file("report.csv", report)
			}
			if keys != "" {
				all.Keys = []inventory.File{file("keys.json", keys)}
			}
			return inventory.Parse(all)
		}
		want, problems, err := parse(files...)
		if (want == nil) != (err != nil) || err != nil && problems != nil {
			t.Fatalf("account %v, problems %v, error %v", want, problems, err)
		}
		backwards := slices.Clone(files)
		slices.Reverse(backwards)
		for _, again := range [][]inventory.File{backwards, slices.Concat(files, files)} {
			got, _, errAgain := parse(again...)
			if (err == nil) != (errAgain == nil) {
				t.Fatalf("one order: %v; another: %v", err, errAgain)
			}
			if diff := cmp.Diff(want, got, documents); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
		}
		if err == nil {
			checkProblems(t, want, problems)
		}
	})
}

func checkProblems(t *testing.T, a *inventory.Account, problems []inventory.Problem) {
	var texts strings.Builder
	for _, p := range problems {
		if p.File == "" || p.Text == "" {
			t.Errorf("a problem that doesn't say where, or what: %+v", p)
		}
		texts.WriteString(p.Subject + ": " + p.Text + "\n")
	}
	about := func(subject, text string) {
		if !strings.Contains(texts.String(), subject+": "+text) {
			t.Errorf("no problem says of %q: %s", subject, text)
		}
	}
	for _, r := range a.Roles {
		if r.Trust == nil {
			about(r.ARN, "the trust policy can't be read")
		}
		for _, attached := range r.Attached {
			if attached.Policy == nil {
				about(attached.ARN, "the policy isn't in the files")
			}
		}
	}
	for _, p := range a.Policies {
		if p.Document == nil {
			about(p.ARN, "the ")
		}
	}
}
