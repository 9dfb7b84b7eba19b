package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const unknown = "pare-unknown-0123456789abcdef"

// made is a policy of statements, each on a line of main.tf of its own, from line 11.
func made(t *testing.T, address string, statements ...string) gate.Policy {
	t.Helper()
	doc, err := policy.Parse(address, []byte(`{"Version": "2012-10-17", "Statement": [`+strings.Join(statements, ", ")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := gate.Policy{
		Address: address, Root: ".", Document: doc, At: gate.Place{Path: "main.tf", Line: 10, Column: 1, EndLine: 10, EndColumn: 1},
		Unknown: map[string]string{unknown: "${var.bucket}"},
	}
	for i := range statements {
		p.Statements = append(p.Statements, gate.Place{Path: "main.tf", Line: 11 + i, Column: 5, EndLine: 11 + i, EndColumn: 30})
	}
	return p
}

func allow(action, resource string) string { return statement("Allow", action, resource) }
func deny(action, resource string) string  { return statement("Deny", action, resource) }

func but(action, resource string) string {
	return fmt.Sprintf(`{"Effect": "Allow", "Action": %q, "NotResource": %q}`, action, resource)
}

func statement(effect, action, resource string) string {
	return fmt.Sprintf(`{"Effect": %q, "Action": %q, "Resource": %q}`, effect, action, resource)
}

func checked(t *testing.T, in gate.Input) *gate.Report {
	t.Helper()
	in.Catalog, in.Now = catalog.Embedded(), now
	r, err := gate.Check(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are results in short; suppressed ones with by what, and then the notes.
func lines(r *gate.Report) []string {
	var out []string
	for _, x := range r.Results {
		line := fmt.Sprintf("%s %s %s %s", x.At, x.Rule, x.Address, x.Message)
		if x.Undecided {
			line += " (undecided)"
		}
		if x.Suppressed != nil {
			line += fmt.Sprintf(" (%s: %s)", x.Suppressed.By, x.Suppressed.Reason)
		}
		out = append(out, line)
	}
	return append(out, r.Notes...)
}

func TestNewAccess(t *testing.T) {
	const a = "aws_iam_policy.a"
	logs, secrets := "arn:aws:s3:::logs/*", "arn:aws:s3:::secrets/*"
	for name, c := range map[string]struct {
		now, before []string // statements; nil: there is no policy
		want        string   // in the result; empty: there is none
	}{
		"the same policy":                         {[]string{allow("s3:*", logs)}, []string{allow("s3:*", logs)}, ""},
		"the same in other words":                 {[]string{allow("s3:GetObject", logs), allow("s3:*", logs)}, []string{allow("s3:*", logs)}, ""},
		"a narrower one":                          {[]string{allow("s3:GetObject", logs)}, []string{allow("s3:*", logs)}, ""},
		"a wider action":                          {[]string{allow("s3:Get*", logs)}, []string{allow("s3:GetObject", logs)}, "main.tf:11:5 pare/new-access aws_iam_policy.a newly allows s3:Get"},
		"another statement":                       {[]string{allow("s3:Get*", logs), allow("iam:PassRole", "*")}, []string{allow("s3:Get*", logs)}, "main.tf:12:5 pare/new-access aws_iam_policy.a newly allows iam:PassRole on "},
		"another resource":                        {[]string{allow("s3:Get*", secrets)}, []string{allow("s3:Get*", logs)}, "on arn:aws:s3:::secrets/"},
		"a new policy is one result":              {[]string{allow("s3:Get*", logs), allow("iam:*", "*")}, nil, "is new: everything that it allows is, such as "},
		"a new one that allows nothing":           {[]string{deny("s3:Get*", logs)}, nil, ""},
		"one that is gone":                        {nil, []string{allow("s3:*", logs)}, ""},
		"one that is gone, and denied":            {nil, []string{allow("s3:*", logs), deny("s3:Put*", "*")}, "main.tf:10:1 pare/new-access aws_iam_policy.a is gone, and no longer denies s3:Put"},
		"a statement that denied is gone":         {[]string{allow("s3:Get*", logs)}, []string{allow("s3:Get*", logs), deny("iam:*", "*")}, "no longer denies iam:"},
		"a statement denies less":                 {[]string{deny("iam:Pass*", "*")}, []string{deny("iam:*", "*")}, "no longer denies iam:"},
		"one denies more":                         {[]string{allow("s3:Get*", logs), deny("iam:*", "*")}, []string{allow("s3:Get*", logs), deny("iam:Pass*", "*")}, ""},
		"what isn't known, as before":             {[]string{allow("s3:Get*", "arn:aws:s3:::"+unknown)}, []string{allow("s3:*", "arn:aws:s3:::"+unknown)}, ""},
		"what isn't known, newly":                 {[]string{allow("s3:GetObject", "arn:aws:s3:::"+unknown+"/*")}, []string{allow("s3:GetObject", logs)}, "newly allows s3:GetObject on arn:aws:s3:::${var.bucket}/"},
		"its letters are no match":                {[]string{allow("s3:GetObject", "arn:aws:s3:::"+unknown)}, []string{allow("s3:GetObject", "arn:aws:s3:::pare-*")}, "newly allows s3:GetObject on "},
		"its length is no match":                  {[]string{allow("s3:GetObject", "arn:aws:s3:::"+unknown)}, []string{allow("s3:GetObject", "arn:aws:s3:::"+strings.Repeat("?", len(unknown)))}, "newly allows s3:GetObject on "},
		"what isn't known, and was all":           {[]string{allow("s3:GetObject", "arn:aws:s3:::"+unknown)}, []string{allow("s3:GetObject", "arn:aws:s3:::*")}, ""},
		"an action that isn't known":              {[]string{allow(unknown+":x", "*")}, []string{allow("s3:*", "*")}, "newly allows ${var.bucket}:x on "},
		"what a denial excepts isn't known":       {[]string{allow("s3:GetObject", logs), `{"Effect": "Deny", "Action": "s3:*", "NotResource": "` + unknown + `"}`}, []string{allow("s3:PutObject", logs)}, "it could not be decided"},
		"what was excepted isn't known":           {[]string{allow("s3:GetObject", logs), but("s3:Get*", unknown)}, []string{but("s3:Get*", unknown)}, "newly allows s3:GetObject on arn:aws:s3:::logs/"},
		"what is excepted isn't known, as before": {[]string{allow("s3:GetObject", logs), but("s3:Get*", unknown)}, []string{but("s3:Get*", unknown), allow("s3:*", logs)}, ""},
		"all that is left is what isn't known":    {[]string{but("s3:Get*", unknown)}, []string{but("s3:Get*", unknown), allow("s3:*", logs)}, ""},
		"an action in the catalog's case":         {[]string{allow("S3:PUTOBJECT", logs)}, []string{allow("s3:GetObject", logs)}, "newly allows s3:PutObject on "},
		"one that it doesn't know, as written":    {[]string{allow("s3:PutObjectTwice", logs)}, []string{allow("s3:GetObject", logs)}, "newly allows s3:PutObjectTwice on "},
		"a condition less":                        {[]string{allow("s3:GetObject", logs)}, []string{`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "` + logs + `", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}`}, "newly allows s3:GetObject on "},
	} {
		var policies [2][]gate.Policy
		for i, statements := range [][]string{c.now, c.before} {
			if statements != nil {
				policies[i] = []gate.Policy{made(t, a, statements...)}
			}
		}
		r := checked(t, gate.Input{Pairs: gate.Pairs(policies[0], policies[1])})
		got := strings.Join(lines(r), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, x := range r.Results {
			if x.Request == nil || strings.Contains(name, "excepted isn't known") {
				continue // there is a request only once the placeholder stands for something
			}
			allowsNow, allowedBefore := allows(policies[0], *x.Request), allows(policies[1], *x.Request)
			if !strings.Contains(x.Message, "denies") && (!allowsNow || allowedBefore) && !strings.Contains(name, "no match") {
				t.Errorf("%s: %+v: allowed now %t, before %t", name, *x.Request, allowsNow, allowedBefore)
			}
		}
	}
}

func allows(policies []gate.Policy, req access.Request) bool {
	return len(policies) == 1 && access.Allows(policies[0].Document, req)
}

func TestWhatIsNotKnown(t *testing.T) {
	p := made(t, "a", allow("s3:*", "*"))
	computed := gate.Policy{Address: "a", Root: ".", At: p.At, Problem: "main.tf:3:4: a for expression"}
	got := lines(checked(t, gate.Input{
		Pairs:    append(gate.Pairs([]gate.Policy{computed}, []gate.Policy{p}), gate.Pairs([]gate.Policy{p}, []gate.Policy{computed})...),
		Problems: []iac.Problem{{Where: "b.tf:3:7", What: "an unclosed brace\nat the end"}, {Where: "c.tf", What: "larger than 16 MB: not read"}},
	}))
	want := []string{
		"main.tf:10:1 pare/new-access a what it allowed before is not known: main.tf:3:4: a for expression (undecided)",
		`b.tf:3:7 pare/unreadable  an unclosed brace\nat the end`,
		"c.tf pare/unreadable  larger than 16 MB: not read",
		"main.tf:10:1 pare/unreadable a main.tf:3:4: a for expression",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

const denyList = `
- actions: [iam:PassRole, "iam:Create*"]
  reason: only the platform team does this
- actions: ["s3:*"]
  resources: ["arn:aws:s3:::secrets*"]
  reason: the secrets are theirs
`

func denials(t *testing.T, src string) []gate.Denial {
	t.Helper()
	out, err := gate.ParseDeny("deny.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDeniedAccess(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		want       []string // parts of the results
	}{
		"nothing of the list": {[]string{allow("s3:*", "arn:aws:s3:::logs/*"), allow("iam:Get*", "*")}, nil},
		"an action of it":     {[]string{allow("s3:Get*", "arn:aws:s3:::logs/*"), allow("iam:*", "*")}, []string{"main.tf:12:5 pare/denied-access a allows iam:"}},
		"all of it": {[]string{allow("*", "*")}, []string{
			"which the deny list has: only the platform team does this", "which the deny list has: the secrets are theirs",
		}},
		"what the policy denies itself":                           {[]string{allow("iam:*", "*"), deny("iam:PassRole", "*"), deny("iam:Create*", "*")}, nil},
		"what isn't known may be on it":                           {[]string{allow("s3:GetObject", "arn:aws:s3:::"+unknown+"/*")}, []string{"may allow, by what isn't known of it, s3:GetObject on arn:aws:s3:::secrets"}},
		"nor can it be on it":                                     {[]string{allow("s3:GetObject", "arn:aws:s3:::logs-"+unknown+"/*")}, nil},
		"an action that isn't known may be on it":                 {[]string{allow(unknown+":x", "arn:aws:iam::123456789012:role/a")}, []string{"may allow, by what isn't known of it, iam:"}},
		"a denial of what isn't known denies nothing":             {[]string{allow("iam:PassRole", "*"), deny("iam:PassRole", "arn:aws:iam::*:role/"+unknown)}, []string{"allows iam:PassRole"}},
		"a denial of all but what isn't known may not be of this": {[]string{allow("iam:PassRole", "arn:aws:iam::123456789012:role/x"), `{"Effect": "Deny", "Action": "iam:PassRole", "NotResource": "` + unknown + `"}`}, []string{"may allow, by what isn't known of it, iam:PassRole"}},
		"what isn't known isn't taken for denied":                 {[]string{allow("iam:PassRole", "arn:aws:iam::123456789012:role/"+unknown), deny("iam:PassRole", "arn:aws:iam::123456789012:role/"+unknown)}, []string{"may allow, by what isn't known of it, iam:PassRole"}},
		"a denial that may be all, or nothing of it":              {[]string{allow("iam:PassRole", "*"), deny(unknown+":x", "*")}, []string{"allows iam:PassRole"}},
		"an exception that isn't known excepts nothing":           {[]string{`{"Effect": "Allow", "NotAction": ["` + unknown + `:x", "iam:*"], "Resource": "arn:aws:s3:::` + unknown + `"}`}, []string{"may allow, by what isn't known of it, s3:"}},
		"a resource but one that isn't known is any":              {[]string{`{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "` + unknown + `"}`}, []string{"allows s3:GetObject on arn:aws:s3:::secrets"}},
		"all resources but those of which that is unsaid":         {[]string{`{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": ["arn:aws:s3:::secrets*", "` + unknown + `"]}`}, nil},
	} {
		r := checked(t, gate.Input{Pairs: gate.Alone([]gate.Policy{made(t, "a", c.statements...)}), Deny: denials(t, denyList)})
		got := lines(r)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], c.want[i]) {
				t.Errorf("%s: %q, want %q", name, got[i], c.want[i])
			}
			if r.Results[i].Undecided != strings.Contains(got[i], "may allow") {
				t.Errorf("%s: undecided %t: %q", name, r.Results[i].Undecided, got[i])
			}
		}
	}
}

func TestBadDenyLists(t *testing.T) {
	for src, want := range map[string]string{
		"- actions: [passrole]\n  reason: x\n":                   "deny.yaml:1: ",
		"- reason: x\n- actions: [iam:PassRole]\n":               "deny.yaml:1: no actions: want at least one, such as iam:PassRole\ndeny.yaml:2: no reason",
		"- actions: [iam:PassRole]\n  reason: x\n  because: y\n": "line 3",
		"actions: [iam:PassRole]":                                "deny.yaml: want a list of entries",
		"- actions: [":                                           "deny.yaml: want a list of entries",
	} {
		_, err := gate.ParseDeny("deny.yaml", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
	for _, src := range []string{"", "# nothing\n", "[]", "---\n"} {
		if list, err := gate.ParseDeny("deny.yaml", []byte(src)); err != nil || len(list) != 0 {
			t.Errorf("%q: %v, %v: want an empty list", src, list, err)
		}
	}
	if list := denials(t, `[{"actions": ["iam:PassRole"], "reason": "JSON is YAML"}]`); len(list) != 1 {
		t.Error(list)
	}
}

func TestPairs(t *testing.T) {
	file := func(path string) gate.Policy { return gate.Policy{At: gate.Place{Path: path}} }
	in := func(root, address string) gate.Policy { return gate.Policy{Root: root, Address: address} }
	var got []string
	for _, p := range gate.Pairs(
		[]gate.Policy{in(".", "a"), in("x", "a"), file("p.json"), file("q.json"), in(".", "twice"), in(".", "twice")},
		[]gate.Policy{file("p.json"), in("x", "a"), in("x", "b"), in(".", "twice")},
	) {
		got = append(got, side(p.New)+" → "+side(p.Old))
	}
	want := []string{". a → nothing", "x a → x a", "p.json → p.json", "q.json → nothing", ". twice → . twice", ". twice → nothing", "nothing → x b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func side(p *gate.Policy) string {
	if p == nil {
		return "nothing"
	}
	return strings.TrimSpace(p.Root + " " + p.Title())
}
