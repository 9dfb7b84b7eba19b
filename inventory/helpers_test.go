package inventory_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
)

// documents compares policy documents by name and text.
var documents = cmp.Transformer("document", func(d *policy.Document) []string {
	if d == nil {
		return nil
	}
	return []string{d.Name, string(d.Bytes())}
})

func mustRead(t testing.TB, name string) inventory.File {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return inventory.File{Name: name, Bytes: src}
}

func file(name, src string) inventory.File { return inventory.File{Name: name, Bytes: []byte(src)} }

// details is one file of authorization details with these members.
func details(members ...string) inventory.File {
	return file("details.json", page(members...))
}

func page(members ...string) string { return "{" + strings.Join(members, ", ") + "}" }

func roles(rs ...string) string  { return `"RoleDetailList": [` + strings.Join(rs, ", ") + "]" }
func users(us ...string) string  { return `"UserDetailList": [` + strings.Join(us, ", ") + "]" }
func groups(gs ...string) string { return `"GroupDetailList": [` + strings.Join(gs, ", ") + "]" }

const trust = `{"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}`

func role(name string, members ...string) string {
	return page(append([]string{
		fmt.Sprintf(`"RoleName": %q, "Arn": "arn:aws:iam::111111111111:role/%s", "CreateDate": "2026-01-02T03:04:05Z"`, name, name),
		`"AssumeRolePolicyDocument": ` + trust,
	}, members...)...)
}

func user(name string, members ...string) string {
	return page(append([]string{
		fmt.Sprintf(`"UserName": %q, "Arn": "arn:aws:iam::111111111111:user/%s", "CreateDate": "2026-01-02T03:04:05+00:00"`, name, name),
	}, members...)...)
}

// describe is an account in a form that tests can state.
func describe(a *inventory.Account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "account %s %s\n", a.Partition, a.ID)
	for _, r := range a.Roles {
		fmt.Fprintf(&b, "role %s; used %s, profiles %v, trust %s\n", entity(r.Entity), used(r.LastUsed), r.InstanceProfiles, document(r.Trust))
	}
	for _, u := range a.Users {
		fmt.Fprintf(&b, "user %s; in %v\n", entity(u.Entity), u.Groups)
		b.WriteString(credentials(u))
	}
	for _, g := range a.Groups {
		fmt.Fprintf(&b, "group %s; with %v\n", entity(g.Entity), g.Members)
	}
	for _, p := range a.Policies {
		fmt.Fprintf(&b, "policy %s %s made %s, updated %s, attached %d, boundary of %d: %s\n",
			p.ARN, p.Version, day(p.CreatedAt), day(p.UpdatedAt), p.Attachments, p.BoundaryOf, document(p.Document))
	}
	return b.String()
}

func entity(e inventory.Entity) string {
	parts := []string{fmt.Sprintf("%s %q made %s", e.ARN, e.Name, day(e.CreatedAt))}
	for _, key := range slices.Sorted(maps.Keys(e.Tags)) {
		parts = append(parts, fmt.Sprintf("tag %s=%s", key, e.Tags[key]))
	}
	if e.Boundary != "" {
		parts = append(parts, "boundary "+e.Boundary)
	}
	for _, in := range e.Inline {
		parts = append(parts, fmt.Sprintf("inline %q %s", in.Name, document(in.Document)))
	}
	for _, a := range e.Attached {
		known := map[bool]string{true: "known", false: "unknown"}[a.Policy != nil]
		parts = append(parts, fmt.Sprintf("attached %s %s", a.Name, known))
	}
	return strings.Join(parts, ", ")
}

// credentials is a user's password and keys, a line each.
func credentials(u *inventory.User) string {
	var b strings.Builder
	switch p := u.Password; {
	case !p.Known:
		b.WriteString("  password unknown\n")
	case !p.Enabled:
		b.WriteString("  no password\n")
	default:
		fmt.Fprintf(&b, "  password set %s, used %s\n", day(p.ChangedAt), used(p.LastUsed))
	}
	for _, k := range u.Keys {
		status := map[bool]string{true: "active", false: "inactive"}[k.Active]
		fmt.Fprintf(&b, "  key %q slot %d %s, made %s, used %s", k.ID, k.Slot, status, day(k.CreatedAt), used(k.LastUsed))
		if k.Service != "" {
			b.WriteString(" by " + k.Service)
		}
		b.WriteString("\n")
	}
	if !u.KeysKnown {
		b.WriteString("  perhaps more keys\n")
	}
	return b.String()
}

func document(d *policy.Document) string {
	if d == nil {
		return "unreadable"
	}
	return fmt.Sprintf("of %d", len(d.Statements))
}

func used(l inventory.LastUsed) string {
	switch {
	case !l.Known:
		return "unknown"
	case l.At.IsZero():
		return "never"
	}
	return strings.TrimSpace(day(l.At) + " " + l.Region)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// lines is problems in the order in which they come.
func lines(problems []inventory.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s:%s: %s: %s\n", p.File, p.Where, p.Subject, p.Text)
	}
	return b.String()
}
