package inventory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-iam/pare/inventory"
)

// A large account as the command line prints it: 5,000 roles, 500 users, 1,500 policies.
func BenchmarkParse(b *testing.B) {
	for _, bench := range []struct {
		name  string
		same  int // how many entities have one text
		pages int
	}{{"own policies", 1, 1}, {"shared texts", 20, 1}, {"pages", 1, 70}} {
		b.Run(bench.name, func(b *testing.B) {
			files := largeAccount(bench.same, bench.pages)
			size := 0
			for _, f := range files.Details {
				size += len(f.Bytes)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				a, problems, err := inventory.Parse(files)
				if err != nil || problems != nil || len(a.Roles) != 5000 || len(a.Users) != 500 || len(a.Policies) != 1500 {
					b.Fatal(err, problems)
				}
			}
		})
	}
}

func largeAccount(same, pages int) inventory.Files {
	var rs, us, ps []string
	rows := []string{header}
	for i := range 5000 {
		rs = append(rs, role(fmt.Sprintf("role%d", i), fmt.Sprintf(`"RolePolicyList": [{"PolicyName": "own", "PolicyDocument": %s}],
			"AttachedManagedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:aws:iam::111111111111:policy/p%d"}], "RoleLastUsed": {"LastUsedDate": "2026-05-06T07:08:09+00:00", "Region": "us-east-1"}`, largePolicy(i/same), i%1500)))
	}
	for i := range 500 {
		name := fmt.Sprintf("user%d", i)
		us = append(us, user(name, fmt.Sprintf(`"UserPolicyList": [{"PolicyName": "own", "PolicyDocument": %s}]`, largePolicy(i/same))))
		rows = append(rows, strings.ReplaceAll(me, "me", name)+noPass+january+never+noKey+noCert)
	}
	for i := range 1500 {
		ps = append(ps, fmt.Sprintf(`{"Arn": "arn:aws:iam::111111111111:policy/p%d", "DefaultVersionId": "v1", "PolicyVersionList": [{"VersionId": "v1", "Document": %s}]}`, i, largePolicy(i/same)))
	}
	files := inventory.Files{Report: file("report.csv", strings.Join(rows, ""))}
	cut := func(all []string, i int) []string { return all[i*len(all)/pages : (i+1)*len(all)/pages] }
	for i := range pages {
		members := page(roles(cut(rs, i)...), users(cut(us, i)...), `"Policies": [`+strings.Join(cut(ps, i), ",")+"]")
		files.Details = append(files.Details, file(fmt.Sprintf("%d.json", i), members))
	}
	return files
}

// largePolicy is a policy of about 2,500 characters as the command line indents it.
func largePolicy(n int) string {
	var b strings.Builder
	b.WriteString(`{
                        "Version": "2012-10-17",
                        "Statement": [`)
	for i := range 5 {
		fmt.Fprintf(&b, `%s
                            {
                                "Sid": "Statement%d",
                                "Effect": "Allow",
                                "Action": [
                                    "s3:GetObject",
                                    "s3:ListBucket",
                                    "dynamodb:Query"
                                ],
                                "Resource": "arn:aws:s3:::bucket-%d/*"
                            }`, map[bool]string{true: ","}[i > 0], i, n)
	}
	b.WriteString("\n                        ]\n                    }")
	return b.String()
}
