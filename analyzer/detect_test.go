package analyzer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// used is when something was last used: known, and then.
func used(at time.Time) inventory.LastUsed { return inventory.LastUsed{Known: true, At: at} }

func TestUnusedRoles(t *testing.T) {
	sawNothing := tracking([]string{"s3"})
	tests := []struct {
		name    string
		created time.Time
		last    inventory.LastUsed
		sources []usage.Source
		want    []string
		skipped []string
	}{
		{"unused for exactly the window", ago(400), used(ago(90)), nil, []string{"r UnusedIAMRole"}, []string{"r not used in the window; UnusedPermission"}},
		{"used a second less ago", ago(400), used(ago(90).Add(time.Second)), nil, nil, []string{"r no evidence; UnusedPermission; nothing says which services it used"}},
		{"never used", ago(400), used(time.Time{}), nil, []string{"r UnusedIAMRole"}, []string{"r not used in the window; UnusedPermission"}},
		{"used in the future, by a clock that is ahead", ago(400), used(ago(-1)), []usage.Source{sawNothing}, nil, nil},
		{"made exactly when the window began", ago(90), used(time.Time{}), nil, []string{"r UnusedIAMRole"}, []string{"r not used in the window; UnusedPermission"}},
		{"made a second later", ago(90).Add(time.Second), used(time.Time{}), nil, nil, []string{"r younger than the window"}},
		{"made nobody knows when", time.Time{}, used(time.Time{}), nil, nil, []string{"r younger than the window"}},
		{"last used nobody knows when", ago(400), inventory.LastUsed{}, nil, nil,
			[]string{"r no evidence; UnusedIAMRole; when the role was last used isn't known", "r not used in the window; UnusedPermission"}},
		{"another source saw a use, of what it isn't granted", ago(400), used(ago(200)), []usage.Source{tracking(nil, "sqs:SendMessage")}, nil, nil},
		{"another source saw a use long ago", ago(400), used(ago(200)), []usage.Source{evidence{kind: usage.CloudTrail, last: map[string]time.Time{"s3:GetObject": ago(90)}}},
			[]string{"r UnusedIAMRole"}, []string{"r not used in the window; UnusedPermission"}},
		{"the other source can't be read", ago(400), used(ago(200)), []usage.Source{brokenSource{}}, nil,
			[]string{"r no evidence; UnusedIAMRole; " + broken, "r no evidence; UnusedPermission; " + broken}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.role("r", tt.sources...)
			r.CreatedAt, r.LastUsed = tt.created, tt.last
			found, summary := w.run()
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("findings: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.skipped, skips(summary)); diff != "" {
				t.Errorf("not judged: -want +got\n%s", diff)
			}
		})
	}
}

const broken = "evidence about arn:aws:iam::123456789012:role/r: usage.jsonl:7: cut off"

func TestUnusedKeys(t *testing.T) {
	key := func(id string, created time.Time, last inventory.LastUsed) inventory.Key {
		return inventory.Key{ID: id, Active: true, CreatedAt: created, LastUsed: last}
	}
	inactive := key("AKIAOFF", ago(400), used(ago(200)))
	inactive.Active = false
	slot := key("", ago(400), used(ago(200)))
	slot.Slot = 2
	tests := []struct {
		name    string
		keys    []inventory.Key
		known   bool
		want    []string
		skipped []string
	}{
		{"unused for exactly the window, and a second less", []inventory.Key{key("AKIA1", ago(400), used(ago(90))), key("AKIA2", ago(400), used(ago(90).Add(time.Second)))}, true,
			[]string{"u UnusedIAMUserAccessKey AKIA1"}, nil},
		{"never used", []inventory.Key{key("AKIA1", ago(400), used(time.Time{}))}, true, []string{"u UnusedIAMUserAccessKey AKIA1"}, nil},
		{"an inactive key is no finding", []inventory.Key{inactive}, true, nil, nil},
		{"made exactly when the window began, and a second later", []inventory.Key{key("AKIA1", ago(90), used(time.Time{})), key("AKIA2", ago(90).Add(time.Second), used(time.Time{}))}, true,
			[]string{"u UnusedIAMUserAccessKey AKIA1"}, []string{"u younger than the window; UnusedIAMUserAccessKey; AKIA2"}},
		{"made nobody knows when", []inventory.Key{key("AKIA1", time.Time{}, used(ago(200)))}, true, nil, []string{"u younger than the window; UnusedIAMUserAccessKey; AKIA1"}},
		{"last used nobody knows when", []inventory.Key{key("AKIA1", ago(400), inventory.LastUsed{})}, true, nil,
			[]string{"u no evidence; UnusedIAMUserAccessKey; AKIA1; when the key was last used isn't known"}},
		{"nobody knows which keys there are", nil, false, nil, []string{"u no evidence; UnusedIAMUserAccessKey; which access keys the user has isn't known"}},
		{"a key by its place in the credential report", []inventory.Key{slot}, true, []string{"u UnusedIAMUserAccessKey"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("u", tracking([]string{"s3"}, "s3:GetObject"))
			u.Keys, u.KeysKnown = tt.keys, tt.known
			found, summary := w.run()
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("findings: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.skipped, skips(summary)); diff != "" {
				t.Errorf("not judged: -want +got\n%s", diff)
			}
		})
	}
}

func TestUnusedPasswords(t *testing.T) {
	tests := []struct {
		name     string
		password inventory.Password
		want     []string
		skipped  []string
	}{
		{"unused for exactly the window", inventory.Password{Known: true, Enabled: true, ChangedAt: ago(400), LastUsed: used(ago(90))}, []string{"u UnusedIAMUserPassword"}, nil},
		{"used a second less ago", inventory.Password{Known: true, Enabled: true, ChangedAt: ago(400), LastUsed: used(ago(90).Add(time.Second))}, nil, nil},
		{"set exactly when the window began", inventory.Password{Known: true, Enabled: true, ChangedAt: ago(90), LastUsed: used(time.Time{})}, []string{"u UnusedIAMUserPassword"}, nil},
		{"set a second later", inventory.Password{Known: true, Enabled: true, ChangedAt: ago(90).Add(time.Second), LastUsed: used(ago(200))}, nil,
			[]string{"u younger than the window; UnusedIAMUserPassword"}},
		{"set nobody knows when", inventory.Password{Known: true, Enabled: true, LastUsed: used(ago(200))}, nil, []string{"u younger than the window; UnusedIAMUserPassword"}},
		{"not enabled", inventory.Password{Known: true, ChangedAt: ago(400), LastUsed: used(ago(200))}, nil, nil},
		{"no credential report", inventory.Password{}, nil, []string{"u no evidence; UnusedIAMUserPassword; whether the user has a password isn't known"}},
		{"last used nobody knows when", inventory.Password{Known: true, Enabled: true, ChangedAt: ago(400)}, nil,
			[]string{"u no evidence; UnusedIAMUserPassword; when the password was last used isn't known"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("u", tracking([]string{"s3"}, "s3:GetObject"))
			u.Password = tt.password
			found, summary := w.run()
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("findings: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.skipped, skips(summary)); diff != "" {
				t.Errorf("not judged: -want +got\n%s", diff)
			}
		})
	}
}

func TestUnusedPermissions(t *testing.T) {
	all := []string{"s3", "s3:*", "sqs", "sqs:*"}
	tests := []struct {
		name    string
		actions []string
		sources []usage.Source
		want    string
	}{
		{"actions of a service in use, and a whole service", []string{"s3:Get*", "sqs:*"}, []usage.Source{tracking(all, "s3:GetObject")},
			"r UnusedPermission s3:GetBucketAcl s3:GetBucketTagging sqs:*"},
		{"what a source doesn't track is kept", []string{"s3:Get*"}, []usage.Source{tracking([]string{"s3:GetBucketAcl"}, "s3:GetObject")},
			"r UnusedPermission s3:GetBucketAcl"},
		{"a service that is unused by its actions alone isn't unused as a whole", []string{"s3:Get*", "sqs:*"}, []usage.Source{tracking([]string{"sqs"}, "s3:GetObject")},
			"r UnusedPermission sqs:ReceiveMessage sqs:SendMessage"},
		{"one source's use outweighs another's silence", []string{"sqs:*"}, []usage.Source{tracking([]string{"sqs"}), tracking(nil, "sqs:SendMessage")},
			"r UnusedPermission sqs:ReceiveMessage"},
		{"a service that no catalog knows, unused as a whole", []string{"s3:GetObject", "deepracer:*"}, []usage.Source{tracking([]string{"deepracer:*"}, "s3:GetObject")},
			"r UnusedPermission deepracer:*"},
		{"everything is used", []string{"s3:GetObject"}, []usage.Source{tracking(all, "s3:GetObject")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			inline(&w.role("r", tt.sources...).Entity, "p", allow(t, tt.actions...))
			found, summary := w.run()
			if got := strings.Join(lines(found), "\n"); got != tt.want || len(summary.Skipped) > 0 {
				t.Errorf("got %q, want %q; not judged: %q", got, tt.want, skips(summary))
			}
		})
	}
}

func TestPermissionFindingInFull(t *testing.T) {
	w := newWorld(t)
	r := w.roleAt("/service/", "r", evidence{kind: usage.ActionLastAccessed, tracked: []string{"s3:GetBucketAcl", "s3:ListBucket", "sqs:*", "sqs"},
		last: map[string]time.Time{"s3:GetObject": ago(2), "s3:ListBucket": ago(120)}})
	inline(&r.Entity, "p", allow(t, "s3:Get*", "s3:ListBucket", "sqs:*"))
	found, _ := w.run()
	want := []finding.Finding{{
		ID: "aae4b032-3b88-8c53-8b45-3fe0340209d8", Type: finding.UnusedPermission, Status: finding.Active,
		Resource: "arn:aws:iam::123456789012:role/service/r", ResourceID: "IDr", Account: accountID,
		AnalyzedAt: now, CreatedAt: now, UpdatedAt: now, Sources: []string{"iam-last-accessed-actions"},
		Permissions: []finding.Permissions{
			{Namespace: "s3", LastAccessed: ago(2), Granted: 4, Kept: 1, Actions: []finding.Action{
				{Name: "s3:GetBucketAcl", Source: "iam-last-accessed-actions"},
				{Name: "s3:ListBucket", LastAccessed: ago(120), Source: "iam-last-accessed-actions"},
			}},
			{Namespace: "sqs", Granted: 2, Source: "iam-last-accessed-actions"},
		},
	}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhoIsActive(t *testing.T) {
	key := inventory.Key{ID: "AKIA1", Active: true, CreatedAt: ago(400), LastUsed: used(ago(1))}
	password := inventory.Password{Known: true, Enabled: true, ChangedAt: ago(400), LastUsed: used(ago(1))}
	s3 := tracking([]string{"s3", "s3:*"})
	tests := []struct {
		name   string
		user   inventory.User
		source usage.Source
		want   []string
	}{
		{"a key was used", inventory.User{Keys: []inventory.Key{key}, KeysKnown: true, Password: inventory.Password{Known: true}}, s3, []string{"u UnusedPermission s3:*"}},
		{"the password was used", inventory.User{KeysKnown: true, Password: password}, s3, []string{"u UnusedPermission s3:*"}},
		{"a source saw a use", inventory.User{KeysKnown: true, Password: inventory.Password{Known: true}}, tracking([]string{"s3:*", "s3"}, "sqs:SendMessage"), []string{"u UnusedPermission s3:*"}},
		{"nothing was used", inventory.User{KeysKnown: true, Password: inventory.Password{Known: true}}, s3, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("u", tt.source)
			u.Keys, u.KeysKnown, u.Password = tt.user.Keys, tt.user.KeysKnown, tt.user.Password
			inline(&u.Entity, "p", allow(t, "s3:*"))
			found, _ := w.run()
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestEvidenceUnderTheNameWithoutPath(t *testing.T) {
	w := newWorld(t)
	r := w.roleAt("/service/", "r", tracking([]string{"s3"}))
	w.sources["arn:aws:iam::123456789012:role/r"] = []usage.Source{tracking(nil, "s3:GetObject")}
	inline(&r.Entity, "p", allow(t, "s3:Get*"))
	found, _ := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:GetBucketAcl s3:GetBucketTagging"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	got := w.recommend("arn:aws:iam::123456789012:role/r")
	if got.Resource != r.ARN || len(got.Steps) != 2 {
		t.Errorf("asked by the name without path: %s, %d steps", got.Resource, len(got.Steps))
	}
}

func TestUsersHaveWhatTheirGroupsHave(t *testing.T) {
	w := newWorld(t)
	u := w.user("u", tracking([]string{"s3", "sqs"}, "s3:GetObject"))
	inline(&w.group("g", u).Entity, "p", allow(t, "sqs:SendMessage"))
	w.customer("q", allow(t, "s3:PutObject"), &w.account.Groups[0].Entity)
	found, _ := w.run()
	if diff := cmp.Diff([]string{"u UnusedPermission s3:PutObject sqs:SendMessage"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestYoungPolicies(t *testing.T) {
	source := tracking([]string{"s3", "s3:*", "sqs", "sqs:*"}, "lambda:GetFunction")
	tests := []struct {
		name    string
		updated time.Time
		earlier []string // the policy when the window began; nil: not known
		inline  []string // an old policy beside it
		any     bool     // judge whatever the age
		want    []string
	}{
		{"changed exactly when the window began", ago(90), nil, nil, false, []string{"r UnusedPermission s3:*"}},
		{"changed a second later, from nobody knows what: kept", ago(90).Add(time.Second), nil, nil, false, nil},
		{"changed nobody knows when: kept", time.Time{}, nil, nil, false, nil},
		{"but judged if asked to", ago(1), nil, nil, true, []string{"r UnusedPermission s3:*"}},
		{"what it granted before is old", ago(1), []string{"s3:GetObject", "s3:DeleteObject"}, nil, false, []string{"r UnusedPermission s3:GetObject"}},
		{"it granted all of the service before", ago(1), []string{"s3:*", "sqs:*"}, nil, false, []string{"r UnusedPermission s3:*"}},
		{"it granted everything before", ago(1), []string{"*"}, nil, false, []string{"r UnusedPermission s3:*"}},
		{"another policy granted it all along", ago(1), nil, []string{"s3:Get*"}, false, []string{"r UnusedPermission s3:GetBucketAcl s3:GetBucketTagging s3:GetObject"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.role("r", source)
			m := w.customer("p", allow(t, "s3:GetObject", "s3:Put*"), &r.Entity)
			m.UpdatedAt = tt.updated
			w.settings.AnyPolicyAge = tt.any
			if tt.inline != nil {
				inline(&r.Entity, "q", allow(t, tt.inline...))
			}
			if tt.earlier != nil {
				w.input.Earlier = func(*inventory.ManagedPolicy) *policy.Document { return allow(t, tt.earlier...) }
			}
			found, _ := w.run()
			if diff := cmp.Diff(tt.want, lines(found)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// Of a service that is unused as a whole only what is old goes, if something that no
// catalog knows may be young.
func TestYoungUnknownActions(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3", "s3:*"}, "lambda:GetFunction"))
	inline(&r.Entity, "p", allow(t, "s3:GetObject"))
	w.customer("q", allow(t, "s3:GetObject", "s3:BrandNew"), &r.Entity).UpdatedAt = ago(1)
	found, _ := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:GetObject"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A policy that grants everything since lately adds nothing to a service of which all was
// granted before.
func TestYoungAdministrators(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3", "s3:*", "sqs", "sqs:*"}, "lambda:GetFunction"))
	inline(&r.Entity, "p", allow(t, "s3:*", "sqs:SendMessage"))
	w.customer("q", allow(t, "*"), &r.Entity).UpdatedAt = ago(1)
	found, _ := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:* sqs:SendMessage"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A policy that changed and says what it doesn't grant may grant anything else since.
func TestYoungNotAction(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3", "s3:*"}, "lambda:GetFunction"))
	doc := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","lambda:*","sqs:*","s3:Get*"],"Resource":"*"}]}`)
	w.customer("q", doc, &r.Entity).UpdatedAt = ago(1)
	w.input.Earlier = func(*inventory.ManagedPolicy) *policy.Document { return doc }
	found, _ := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:DeleteObject s3:ListBucket s3:PutObject"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAWSManagedPoliciesHaveNoAge(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3"}, "s3:GetObject"))
	w.managed("aws", "ReadOnly", allow(t, "s3:Get*"), &r.Entity).UpdatedAt = ago(1)
	found, _ := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:GetBucketAcl s3:GetBucketTagging"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUnreadablePoliciesAreSaid(t *testing.T) {
	w := newWorld(t)
	r := w.role("r", tracking([]string{"s3"}, "s3:GetObject"))
	inline(&r.Entity, "torn", nil)
	inline(&r.Entity, "p", allow(t, "s3:GetBucketAcl"))
	r.Attached = []inventory.Attachment{{Name: "Missing", ARN: "arn:aws:iam::aws:policy/Missing"}}
	found, summary := w.run()
	if diff := cmp.Diff([]string{"r UnusedPermission s3:GetBucketAcl"}, lines(found)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	want := []string{"r unreadable policy; UnusedPermission; arn:aws:iam::aws:policy/Missing", "r unreadable policy; UnusedPermission; torn"}
	if diff := cmp.Diff(want, skips(summary)); diff != "" {
		t.Errorf("not judged: -want +got\n%s", diff)
	}
}

func TestExclusions(t *testing.T) {
	tests := []struct {
		name    string
		exclude analyzer.Exclusions
		want    []string // the roles that are left
		skipped []string
	}{
		{"nobody", analyzer.Exclusions{}, []string{"App", "Team", "Teams"}, nil},
		{"the account", analyzer.Exclusions{Accounts: []string{"1", accountID}}, nil,
			[]string{"App excluded account; 123456789012", "Team excluded account; 123456789012", "Teams excluded account; 123456789012"}},
		{"another account", analyzer.Exclusions{Accounts: []string{"1"}}, []string{"App", "Team", "Teams"}, nil},
		{"a tag, its key in any case", analyzer.Exclusions{Tags: []analyzer.Tag{{"ENV", "prod"}}}, []string{"Team", "Teams"}, []string{"App excluded tag; ENV=prod"}},
		{"a tag with any value", analyzer.Exclusions{Tags: []analyzer.Tag{{Key: "env"}}}, []string{"Teams"}, []string{"App excluded tag; env=prod", "Team excluded tag; env=dev"}},
		{"a tag with another value", analyzer.Exclusions{Tags: []analyzer.Tag{{"env", "Prod"}}}, []string{"App", "Team", "Teams"}, nil},
		{"a path and all below, but not one that begins alike", analyzer.Exclusions{Paths: []string{"/team"}}, []string{"App", "Teams"}, []string{"Team excluded path; /team"}},
		{"a name", analyzer.Exclusions{Names: []string{"Team?"}}, []string{"App", "Team"}, []string{"Teams excluded name; Team?"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.settings.Exclude = tt.exclude
			for _, r := range []struct{ path, name, env string }{{"/", "App", "prod"}, {"/team/a/", "Team", "dev"}, {"/teams/", "Teams", ""}} {
				role := w.roleAt(r.path, r.name, tracking([]string{"s3"}))
				role.LastUsed.At = ago(100)
				if r.env != "" {
					role.Tags = map[string]string{"env": r.env}
				}
			}
			found, summary := w.run()
			var left []string
			for _, line := range lines(found) {
				left = append(left, strings.Fields(line)[0])
			}
			if diff := cmp.Diff(tt.want, left); diff != "" {
				t.Errorf("findings: -want +got\n%s", diff)
			}
			var skipped []string
			for _, line := range skips(summary) {
				if !strings.Contains(line, "not used in the window") {
					skipped = append(skipped, line)
				}
			}
			if diff := cmp.Diff(tt.skipped, skipped); diff != "" {
				t.Errorf("not judged: -want +got\n%s", diff)
			}
		})
	}
}

func TestReservedRolesAreCountedAndShown(t *testing.T) {
	for _, center := range []bool{false, true} {
		t.Run(fmt.Sprintf("identity center %v", center), func(t *testing.T) {
			w := newWorld(t)
			w.settings.IdentityCenter = center
			for _, at := range [][2]string{
				{"/aws-service-role/ecs.amazonaws.com/", "AWSServiceRoleForECS"},
				{"/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_Admin_0123456789abcdef"},
				{"/aws-reserved/sso.amazonaws.community/", "NotReserved"},
			} {
				w.roleAt(at[0], at[1]).LastUsed.At = ago(100)
			}
			found, summary := w.run()
			want := []string{"NotReserved UnusedIAMRole"}
			if center {
				want = []string{"AWSReservedSSO_Admin_0123456789abcdef UnusedIAMRole", "NotReserved UnusedIAMRole"}
			}
			if diff := cmp.Diff(want, lines(found)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if n := summary.Count(analyzer.ServiceLinked); n != 1 || summary.Roles != 3 || summary.Findings != len(want) {
				t.Errorf("%d service-linked of %d roles, %d findings", n, summary.Roles, summary.Findings)
			}
			if n := summary.Count(analyzer.IdentityCenter); (n == 1) == center {
				t.Errorf("%d of Identity Center", n)
			}
		})
	}
}

func TestArchiveRulesApply(t *testing.T) {
	w := newWorld(t)
	w.role("dev-a").LastUsed.At = ago(100)
	w.role("prod-a").LastUsed.At = ago(100)
	w.settings.Rules = []finding.ArchiveRule{{Name: "dev", Filter: finding.Filter{"resource": {Contains: []string{"role/dev-"}}}}}
	found, _ := w.run()
	var got []string
	for _, f := range found {
		got = append(got, string(f.Status)+" "+f.ArchivedBy)
	}
	if diff := cmp.Diff([]string{"ARCHIVED dev", "ACTIVE "}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestIdentity(t *testing.T) {
	id := func(change func(*inventory.Role)) string {
		w := newWorld(t)
		r := w.role("r")
		r.LastUsed.At = ago(100)
		change(r)
		found, _ := w.run()
		return found[0].ID
	}
	base := id(func(*inventory.Role) {})
	if again := id(func(r *inventory.Role) { r.LastUsed.At = ago(200) }); again != base {
		t.Errorf("the same role: %s and %s", base, again)
	}
	if anew := id(func(r *inventory.Role) { r.ID = "AROANEW" }); anew == base {
		t.Error("a role that was deleted and made anew has the ID of the old one")
	}
	if len(base) != 36 || base[14] != '8' || strings.Count(base, "-") != 4 {
		t.Errorf("%s has no form of a UUID of version 8", base)
	}
}

func TestReportStopsAtTheFirstError(t *testing.T) {
	w := newWorld(t)
	for i := range 50 {
		w.role(fmt.Sprintf("r%02d", i)).LastUsed.At = ago(100)
	}
	w.settings.Workers = 4
	full, n := errors.New("disk full"), 0
	_, err := w.analysis().Findings(func(finding.Finding) error { n++; return full })
	if !errors.Is(err, full) || n != 1 {
		t.Errorf("got %v after %d findings", err, n)
	}
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	ok := w.input
	ok.Account = &w.account
	tests := []struct {
		name string
		edit func(*analyzer.Input)
		want string
	}{
		{"no account", func(in *analyzer.Input) { in.Account = nil }, "analyzer: no account"},
		{"no catalog", func(in *analyzer.Input) { in.Catalog = nil }, "analyzer: no catalog"},
		{"no end of the window", func(in *analyzer.Input) { in.Window.Now = time.Time{} }, "analyzer: a window without an end"},
		{"no window", func(in *analyzer.Input) { in.Window.Age = 0 }, "analyzer: a window of 0s: want 1 to 365 whole days"},
		{"too long", func(in *analyzer.Input) { in.Window.Age = 366 * usage.Day }, "analyzer: a window of 8784h0m0s: want 1 to 365 whole days"},
		{"half a day", func(in *analyzer.Input) { in.Window.Age = 36 * time.Hour }, "analyzer: a window of 36h0m0s: want 1 to 365 whole days"},
	}
	for _, tt := range tests {
		in := ok
		tt.edit(&in)
		if _, err := analyzer.New(in, analyzer.Settings{}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
