package gate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/gate"
	"github.com/pare-iam/pare/internal/iac"
)

func ignores(t *testing.T, src string) []gate.Ignore {
	t.Helper()
	out, err := gate.ParseIgnore(".pareignore.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// widened is a policy that now passes roles and creates users.
func widened(t *testing.T) []gate.Pair {
	now := made(t, "module.app.aws_iam_policy.a", allow("s3:Get*", "*"), allow("iam:PassRole", "*"), allow("iam:CreateUser", "*"))
	before := made(t, "module.app.aws_iam_policy.a", allow("s3:Get*", "*"))
	return gate.Pairs([]gate.Policy{now}, []gate.Policy{before})
}

func TestIgnoreFile(t *testing.T) {
	const reason, until = "\n  reason: it is meant\n  expires: ", "2026-11-23"
	const suppressed = "(ignore file: it is meant, until 2026-11-23)"
	for name, c := range map[string]struct {
		src  string
		want string // the end of the result, or of the note after it
	}{
		"by address, on its last day": {"- rule: pare/new-access\n  address: module.app.*" + reason + until, suppressed},
		"by path":                     {"- rule: pare/new-access\n  path: '*.tf'" + reason + until, suppressed},
		"with an owner":               {"- rule: pare/new-access\n  path: main.tf\n  owner: platform" + reason + until, "(ignore file: it is meant, until 2026-11-23, platform)"},
		"by the address of another":   {"- rule: pare/new-access\n  path: main.tf\n  address: module.web.*" + reason + until, ".pareignore.yaml:1: ignores nothing: there is no such result"},
		"by another rule":             {"- rule: pare/unreadable\n  path: main.tf" + reason + until, ".pareignore.yaml:1: ignores nothing: there is no such result"},
		"when it has expired":         {"- rule: pare/new-access\n  path: main.tf" + reason + "2026-11-22", ".pareignore.yaml:1: expired after 2026-11-22, and ignores nothing: it is meant"},
		"for one of two actions":      {"- rule: pare/new-access\n  path: main.tf\n  action: iam:PassRole" + reason + until, "newly allows iam:CreateUser on *"},
		"for the other one":           {"- rule: pare/new-access\n  path: main.tf\n  action: iam:CreateUser" + reason + until, "main.tf:12:5 pare/new-access module.app.aws_iam_policy.a newly allows iam:PassRole on *"},
		"for a pattern of both":       {"- rule: pare/new-access\n  path: main.tf\n  action: iam:*" + reason + until, suppressed},
		"for both, one after the other": {
			"- rule: pare/new-access\n  path: main.tf\n  action: iam:PassRole" + reason + until + "\n- rule: pare/new-access\n  path: main.tf\n  action: iam:CreateUser\n  reason: so is this\n  expires: 2027-01-01",
			"(ignore file: it is meant, until 2026-11-23; so is this)",
		},
	} {
		got := lines(checked(t, gate.Input{Pairs: widened(t), Ignore: ignores(t, c.src)}))
		if last := got[len(got)-1]; !strings.HasSuffix(last, c.want) || len(got) > 2 {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		const by = "(ignore file: "
		if strings.Contains(got[0], by) != strings.Contains(c.want, by) {
			t.Errorf("%s: %q", name, got[0])
		}
	}
}

func TestBadIgnoreFiles(t *testing.T) {
	_, err := gate.ParseIgnore(".pareignore.yaml", []byte(`
- rule: pare/new
  reason: x
  expires: tomorrow
- rule: pare/new-access
  address: a
  action: passrole
  expires: 2027-02-30
`))
	want := `.pareignore.yaml:2: rule: "pare/new": no such rule: want pare/new-access, pare/denied-access, pare/unused-access or pare/unreadable
.pareignore.yaml:2: neither path nor address: want at least one, such as address: module.app.*
.pareignore.yaml:2: expires: want the last day on which this is ignored, such as 2027-03-31
.pareignore.yaml:5: no reason: say why this is ignored
.pareignore.yaml:5: expires: want the last day on which this is ignored, such as 2027-03-31
.pareignore.yaml:5: action: want service:name, such as iam:PassRole or s3:*`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	_, err = gate.ParseIgnore(".pareignore.yaml", []byte("- rule: pare/new-access\n  adress: a\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "adress") {
		t.Errorf("an unknown key: %v", err)
	}
}

// What an entry accepts in one file it doesn't accept in another, though the result shows
// one of both.
func TestIgnoreFileOfOneFile(t *testing.T) {
	const entry = "- rule: pare/%s\n  path: %s\n  reason: it is meant\n  expires: 2026-11-23\n"
	two := made(t, "a", allow("iam:PassRole", "*"), allow("iam:PassRole", "*"))
	two.Statements[1].Path = "other.tf"
	for name, c := range map[string]struct {
		entries string
		want    int // results that count
	}{
		"one of two files":              {fmt.Sprintf(entry, "denied-access", "main.tf") + fmt.Sprintf(entry, "new-access", "main.tf"), 2},
		"the other":                     {fmt.Sprintf(entry, "denied-access", "other.tf") + fmt.Sprintf(entry, "new-access", "other.tf"), 2},
		"both":                          {fmt.Sprintf(entry, "denied-access", "'*.tf'") + fmt.Sprintf(entry, "new-access", "'*.tf'"), 0},
		"both, one after the other":     {fmt.Sprintf(entry, "denied-access", "main.tf") + fmt.Sprintf(entry, "denied-access", "other.tf"), 1},
		"an action in one of two files": {fmt.Sprintf(entry, "denied-access", "main.tf\n  action: iam:*"), 2},
	} {
		r := checked(t, gate.Input{Pairs: gate.Pairs([]gate.Policy{two}, nil), Deny: denials(t, denyList), Ignore: ignores(t, c.entries)})
		if got := r.Counting(); len(got) != c.want {
			t.Errorf("%s: %q, want %d that count", name, lines(r), c.want)
		}
	}
}

// What a pull request calls its files and keys can't make lines of its own in a log, which
// GitHub would take for commands.
func TestErrorsAreOneLine(t *testing.T) {
	_, comment := gate.Comments(&iac.File{Path: "a\n::stop-commands::x\n.tf", Lang: iac.HCL, Src: []byte("# pare:ignore\n")})
	_, ignore := gate.ParseIgnore(".pareignore.yaml", []byte("- rule: pare/new-access\n  \"x\\n::stop-commands::x\": 1\n"))
	for _, err := range []error{comment, ignore} {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: want an error of one line", err)
		}
	}
}

// comments are those of a file in which each policy's statements begin at line 11.
func comments(t *testing.T, lang iac.Lang, at map[int]string) []gate.Comment {
	t.Helper()
	text := make([]string, 14)
	for line, comment := range at {
		text[line-1] = comment
	}
	out, err := gate.Comments(&iac.File{Path: "main.tf", Lang: lang, Src: []byte(strings.Join(text, "\r\n"))})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestComments(t *testing.T) {
	const comment = "# pare:ignore pare/new-access it is meant"
	const idle = "ignores nothing: there is no such result on this statement or resource"
	for name, c := range map[string]struct {
		lang iac.Lang
		at   map[int]string
		want string
	}{
		"on the resource":                             {iac.HCL, map[int]string{10: `resource "aws_iam_policy" "a" { ` + comment}, "(comment: it is meant)"},
		"above it":                                    {iac.HCL, map[int]string{9: "  " + comment}, "(comment: it is meant)"},
		"above it, with other comments":               {iac.HCL, map[int]string{7: "// pare:ignore pare/new-access it is meant", 8: "# on", 9: "// more"}, "(comment: it is meant)"},
		"with a line between":                         {iac.HCL, map[int]string{8: comment}, "main.tf:8: " + idle},
		"on one of two statements":                    {iac.HCL, map[int]string{12: "{ " + comment}, "newly allows iam:CreateUser on *"},
		"on both":                                     {iac.HCL, map[int]string{12: "{ " + comment, 13: "{ # pare:ignore pare/new-access this too"}, "(comment: it is meant; this too)"},
		"on a statement that isn't new":               {iac.HCL, map[int]string{11: comment}, "newly allows iam:CreateUser on *"},
		"of another rule":                             {iac.HCL, map[int]string{10: "# pare:ignore pare/unreadable it is meant"}, "main.tf:10: " + idle},
		"of a rule that isn't looked for":             {iac.HCL, map[int]string{10: "# pare:ignore pare/denied-access it is meant"}, "newly allows iam:CreateUser on *"},
		"in a text":                                   {iac.HCL, map[int]string{10: `description = "see ` + comment + `"`}, "newly allows iam:CreateUser on *"},
		"behind a text":                               {iac.HCL, map[int]string{10: `description = "a \" b" ` + comment}, "(comment: it is meant)"},
		"behind another comment's sign":               {iac.HCL, map[int]string{10: "{ # see " + comment}, "(comment: it is meant)"},
		"slashes in JSON":                             {iac.JSON, map[int]string{9: "// pare:ignore pare/new-access it is meant"}, "(comment: it is meant)"},
		"a sign that JSON doesn't have is no comment": {iac.JSON, map[int]string{9: comment}, "newly allows iam:CreateUser on *"},
		"slashes are no comment in YAML":              {iac.YAML, map[int]string{10: "a: // pare:ignore pare/new-access it is meant"}, "newly allows iam:CreateUser on *"},
	} {
		got := lines(checked(t, gate.Input{Pairs: widened(t), Comments: comments(t, c.lang, c.at)}))
		if last := got[len(got)-1]; !strings.HasSuffix(last, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestBadComments(t *testing.T) {
	_, err := gate.Comments(&iac.File{Path: "a.tf", Lang: iac.HCL, Src: []byte("# pare:ignore\n\n# pare:ignore pare/new-access\n# pare:ignore everything please\n")})
	want := `a.tf:1: pare:ignore: no rule: want # pare:ignore pare/new-access and the reason
a.tf:3: pare:ignore: no reason: want it behind pare/new-access
a.tf:4: pare:ignore: "everything": no such rule: want pare/new-access, pare/denied-access, pare/unused-access or pare/unreadable`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Whatever a file is, its comments are found without a panic, and each is for a line after
// or at its own.
func FuzzComments(f *testing.F) {
	f.Add("# pare:ignore pare/new-access x\n\"# pare:ignore pare/new-access y\"\n", uint8(iac.HCL))
	f.Fuzz(func(t *testing.T, src string, lang uint8) {
		out, err := gate.Comments(&iac.File{Path: "a", Lang: iac.Lang(lang % 4), Src: []byte(src)})
		if err != nil {
			return
		}
		for _, c := range out {
			if c.On < c.Line || c.Reason == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

func baseline(t *testing.T, r *gate.Report) *gate.Baseline {
	t.Helper()
	var b bytes.Buffer
	if err := gate.WriteBaseline(&b, r); err != nil {
		t.Fatal(err)
	}
	out, err := gate.ReadBaseline("baseline.json", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A baseline has what was there: what gives more access of the same kind is new.
func TestBaseline(t *testing.T) {
	check := func(b *gate.Baseline, unused []string, statements ...string) *gate.Report {
		p := made(t, "a", statements...)
		in := gate.Input{Pairs: gate.Pairs([]gate.Policy{p}, nil), Deny: denials(t, denyList), Baseline: b}
		if unused != nil {
			in.Unused = []gate.Unused{{Policy: &p, Actions: unused, Covers: unused, Evidence: "by nobody"}}
		}
		return checked(t, in)
	}
	before := check(nil, []string{"s3:GetObject", "s3:PutObject"}, allow("iam:PassRole", "*"), deny("s3:*", "*"))
	known := baseline(t, before)
	for name, c := range map[string]struct {
		report *gate.Report
		want   int // results that count
	}{
		"nothing changed":               {check(known, []string{"s3:GetObject", "s3:PutObject"}, allow("iam:PassRole", "*"), deny("s3:*", "*")), 0},
		"less is unused":                {check(known, []string{"s3:GetObject"}, allow("iam:PassRole", "*"), deny("s3:*", "*")), 0},
		"more is unused":                {check(known, []string{"s3:GetObject", "s3:GetObjectAcl"}, allow("iam:PassRole", "*"), deny("s3:*", "*")), 1},
		"another statement beside":      {check(known, nil, allow("ec2:Describe*", "*"), allow("iam:PassRole", "*"), deny("s3:*", "*")), 1},
		"the statement allows more":     {check(known, nil, allow("iam:*", "*"), deny("s3:*", "*")), 2},
		"less is denied":                {check(known, nil, allow("iam:PassRole", "*"), deny("s3:Get*", "*")), 2},
		"another entry of the list":     {check(known, nil, allow("iam:PassRole", "*"), allow("s3:*", "*")), 3},
		"what was known stays known":    {check(baseline(t, check(known, nil, allow("iam:PassRole", "*"), deny("s3:*", "*"))), nil, allow("iam:PassRole", "*"), deny("s3:*", "*")), 0},
		"without a baseline all counts": {before, 3},
	} {
		if got := c.report.Counting(); len(got) != c.want {
			t.Errorf("%s: %q, want %d that count", name, lines(c.report), c.want)
		}
	}
	for src, want := range map[string]string{`{"schemaVersion": 2}`: "schemaVersion 2", `[]`: "want a baseline", `{"schemaVersion": 1, "extra": 1}`: "want a baseline"} {
		if _, err := gate.ReadBaseline("b.json", []byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}

// A comment's sign in a text is no comment, whatever quotes the text has.
func TestCommentsInTexts(t *testing.T) {
	const comment = "# pare:ignore pare/new-access it is meant"
	for name, c := range map[string]struct {
		lang iac.Lang
		src  string
		want int
	}{
		"a heredoc":            {iac.HCL, "a = <<E\n" + comment + "\nE\n", 0},
		"below a heredoc":      {iac.HCL, "a = <<E\nx\nE\n" + comment + "\n", 1},
		"YAML in quotes":       {iac.YAML, "a: 'x " + comment + "'\n", 0},
		"YAML's block":         {iac.YAML, "a: |\n  " + comment + "\n", 0},
		"YAML below a block":   {iac.YAML, "a: |\n  x\n" + comment + "\nb: 1\n", 1},
		"YAML in letters":      {iac.YAML, "a: x" + comment + "\n", 0},
		"YAML behind letters":  {iac.YAML, "a: x " + comment + "\n", 1},
		"YAML that is damaged": {iac.YAML, "a: [\n" + comment + "\n", 1},
	} {
		names := map[iac.Lang]string{iac.HCL: "m.tf", iac.YAML: "t.yaml"}
		got, err := gate.Comments(&iac.File{Path: names[c.lang], Lang: c.lang, Src: []byte(c.src)})
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %v (%v), want %d", name, got, err, c.want)
		}
	}
}
