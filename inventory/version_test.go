package inventory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pare-iam/pare/inventory"
)

// What a policy allowed when a window began is known by the versions that are kept.
func TestAsOf(t *testing.T) {
	version := func(id, day, action, isDefault string) string {
		return fmt.Sprintf(`{"VersionId": %q, "IsDefaultVersion": %s, "CreateDate": "%sT00:00:00Z",
			"Document": {"Version": "2012-10-17", "Statement": {"Sid": %q, "Effect": "Allow", "Action": %q, "Resource": "*"}}}`, id, isDefault, day, id, action)
	}
	details := `{"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [{
		"PolicyName": "app", "PolicyId": "ANPA1", "Arn": "arn:aws:iam::123456789012:policy/app", "Path": "/",
		"DefaultVersionId": "v3", "AttachmentCount": 0, "PermissionsBoundaryUsageCount": 0, "IsAttachable": true,
		"CreateDate": "2026-01-01T00:00:00Z", "UpdateDate": "2026-09-01T00:00:00Z",
		"PolicyVersionList": [` + version("v1", "2026-01-01", "s3:GetObject", "false") + `,` + version("v3", "2026-09-01", "s3:*", "true") + `,` +
		version("v2", "2026-05-01", "s3:Get*", "false") + `, {"VersionId": "v4", "IsDefaultVersion": false, "CreateDate": "2026-02-01T00:00:00Z", "Document": "%7Bnot a policy"}]}]}`
	account, problems, err := inventory.Parse(inventory.Files{Details: []inventory.File{{Name: "details.json", Bytes: []byte(details)}}})
	if err != nil || len(problems) != 0 {
		t.Fatalf("%v %v", err, problems)
	}
	for day, want := range map[string]string{
		"2025-12-31": "", "2026-01-01": "v1", "2026-04-30": "v1", "2026-05-01": "v2", "2026-08-31": "v2", "2026-09-01": "v3", "2026-11-01": "v3",
	} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if doc := account.Policies[0].AsOf(at); doc != nil {
			got = doc.Statements[0].Sid
		}
		if got != want {
			t.Errorf("%s: version %q, want %q", day, got, want)
		}
	}
}
