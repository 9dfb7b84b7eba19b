package serve_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

var update = flag.Bool("update", false, "rewrite the example file, and the table of docs/server.md")

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pare.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// TestTheStrongestSourceWins gives one setting in each source, and one fewer each time.
func TestTheStrongestSourceWins(t *testing.T) {
	path := file(t, "listen: 127.0.0.1:1\nregion: eu-west-1\nscan: {workers: 3}\n")
	from := serve.Sources{File: path, Environ: []string{"PARE_SERVE_LISTEN=127.0.0.1:2", "PARE_SERVE_REGION=eu-west-2", "HOME=/"}, Flags: map[string]string{"listen": "127.0.0.1:3"}}
	c, values, err := serve.Load(from)
	must(t, err)
	got := map[string][2]string{}
	for _, v := range values {
		if slices.Contains([]string{"listen", "region", "scan.workers", "log.level", "catalog"}, v.Key) {
			got[v.Key] = [2]string{v.Value, v.Origin}
		}
	}
	want := map[string][2]string{
		"listen": {"127.0.0.1:3", "flag --listen"}, "region": {"eu-west-2", "environment PARE_SERVE_REGION"},
		"scan.workers": {"3", "file " + path + ":3"}, "log.level": {"info", "default"}, "catalog": {"", "default"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if c.Listen != "127.0.0.1:3" || c.Region != "eu-west-2" || c.Workers != 3 || c.Grace != 20*time.Second {
		t.Errorf("got %+v", c)
	}
}

func TestWhatFollowsFromOtherSettings(t *testing.T) {
	c, _, err := serve.Load(serve.Sources{File: file(t, `
data_dir: /srv/pare
accounts:
  - {id: "444455556666", folder: a}
  - {id: "111122223333", role_arn: "arn:aws:iam::111122223333:role/r", external_id: e, trail: all}
oidc: {issuer: "https://id.example.com", client_id: pare, roles: {a.b/c: admin}}
proxy: {behind: true, trusted: [10.0.0.0/8, 192.0.2.1/32]}
retention: {resolved: 30d}
`)})
	must(t, err)
	got := []any{c.Database, c.KeyFile, c.Account, len(c.Accounts), c.Accounts[1].ExternalID, c.Accounts[1].Trail, c.Login.Roles, c.Proxy.Trusted, c.Retention.Resolved}
	want := []any{
		filepath.Join("/srv/pare", "pare.db"), filepath.Join("/srv/pare", "key"), "444455556666", 2, "e", "all",
		map[string]store.UserRole{"a.b/c": store.Admin}, []string{"10.0.0.0/8", "192.0.2.1/32"}, 30 * 24 * time.Hour,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestErrorsSayWhereAndWhatWasMeant(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  string
		want []string
	}{
		"an unknown key":              {file: "\nlisten: 127.0.0.1:1\nlogin:\n  pasword_file: x\n", want: []string{"pare.yaml:4: login.pasword_file: there is no such setting (did you mean \"login.password_file\"?)"}},
		"an unknown section":          {file: "loggin: {level: debug}\n", want: []string{"pare.yaml:1: loggin: there is no such setting (did you mean \"login\"?)"}},
		"all that is unknown":         {file: "a: 1\nzzzzzzzzzz: 2\n", want: []string{"pare.yaml:1: a:", "pare.yaml:2: zzzzzzzzzz: there is no such setting: `pare config show` lists them"}},
		"an unknown field of a list":  {file: "accounts:\n  - id: \"111122223333\"\n    foldr: x\n", want: []string{"pare.yaml:3: accounts[0].foldr: there is no such setting (did you mean \"folder\"?)"}},
		"an unknown variable":         {env: "PARE_SERVE_LISTN=x", want: []string{"PARE_SERVE_LISTN: there is no such setting (did you mean \"PARE_SERVE_LISTEN\"?)"}},
		"a section that is a value":   {file: "tls: yes\n", want: []string{"pare.yaml:1:", "want settings, a line each"}},
		"a value that is a section":   {file: "listen: {a: 1}\n", want: []string{"pare.yaml:1: listen: want a value"}},
		"a list that is a value":      {file: "accounts: x\n", want: []string{"pare.yaml:1: accounts: want a list of maps"}},
		"a key that is there twice":   {file: "listen: a\nlisten: b\n", want: []string{"pare.yaml", "listen"}},
		"YAML that can't be read":     {file: "a: [\n", want: []string{"pare.yaml"}},
		"a time without a unit":       {file: "scan:\n  every: 90\n", want: []string{`pare.yaml:2: scan.every: "90": want a time such as 90d, 24h or 30s`}},
		"a time that is negative":     {env: "PARE_SERVE_SCAN_EVERY=-1h", want: []string{`PARE_SERVE_SCAN_EVERY: "-1h": want a time`}},
		"a word that isn't one of":    {file: "log: {level: loud}\n", want: []string{`"loud": want debug, info, warn, error`}},
		"no number":                   {file: "scan: {workers: 0}\n", want: []string{`"0": want a number, 1 or more`}},
		"neither true nor false":      {file: "proxy: {behind: maybe}\n", want: []string{`"maybe": want true or false`}},
		"an account without quotes":   {file: "account: 011122223333x\n", want: []string{"want the twelve digits of an account, in quotes"}},
		"an account twice":            {file: "accounts: [{id: \"111122223333\", folder: a}, {id: \"111122223333\", folder: b}]\n", want: []string{"account 111122223333: it is there twice"}},
		"an account without a source": {file: "accounts: [{id: \"111122223333\"}]\n", want: []string{"account 111122223333: want folder or role_arn, and one of them"}},
		"a trail of a folder":         {file: "accounts: [{id: \"111122223333\", folder: a, trail: all}]\n", want: []string{"account 111122223333: trail goes with role_arn; into a folder `pare ingest` puts what logs show"}},
		"a trail that isn't one":      {file: "accounts: [{id: \"111122223333\", role_arn: r, trail: logs/}]\n", want: []string{`account 111122223333: trail: "logs/": want a trail's name or ARN, or s3://bucket/prefix`}},
		"a pattern of a trail's":      {file: "accounts: [{id: \"111122223333\", role_arn: r, trail: \"s3://logs/*\"}]\n", want: []string{"account 111122223333: trail: s3://logs/*: S3 knows no patterns"}},
		"a role that there isn't":     {file: "oidc: {roles: {a: boss}}\n", want: []string{`role "boss": want a map from groups`}},
		"half of a pair":              {file: "tls: {cert_file: a}\n", want: []string{"tls.cert_file and tls.key_file: want both or neither"}},
		"a network that isn't one":    {file: "proxy: {behind: true, trusted: proxy.local}\n", want: []string{`"proxy.local": want networks such as 10.0.0.0/8`}},
	} {
		t.Run(name, func(t *testing.T) {
			var environ []string
			if c.env != "" {
				environ = []string{c.env}
			}
			_, _, err := serve.Load(serve.Sources{File: file(t, c.file), Environ: environ})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	const secret = "s3cr3t"
	_, values, err := serve.Load(serve.Sources{Environ: []string{
		"PARE_SERVE_DATABASE=postgres://pare:" + secret + "@db/pare?sslpassword=" + secret,
		`PARE_SERVE_ACCOUNTS=[{id: "111122223333", role_arn: "arn:aws:iam::111122223333:role/r", external_id: ` + secret + `}]`,
	}})
	must(t, err)
	for _, v := range values {
		if strings.Contains(v.Value, secret) {
			t.Errorf("%s: %s", v.Key, v.Value)
		}
	}
	_, _, err = serve.Load(serve.Sources{Environ: []string{`PARE_SERVE_ACCOUNTS=[{id: x, external_id: ` + secret + `}]`}})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

// TestTheExampleFileIsCurrent compares it with the table of settings, and reads it.
func TestTheExampleFileIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "deploy", "server", "pare.yaml")
	current(t, path, func([]byte) []byte { return serve.ExampleFile() })
	_, values, err := serve.Load(serve.Sources{File: path})
	must(t, err)
	var there []string
	for _, s := range serve.Settings() {
		if s.Default != "" {
			there = append(there, s.Key)
		}
	}
	var read []string
	for _, v := range values {
		if strings.HasPrefix(v.Origin, "file ") {
			read = append(read, v.Key)
		}
	}
	if diff := cmp.Diff(there, read); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestTheExampleFileWithoutCommentsIsRead takes the marks off all settings that have no
// default, and reads them.
func TestTheExampleFileWithoutCommentsIsRead(t *testing.T) {
	var whole []string
	known := map[string]bool{}
	for _, s := range serve.Settings() {
		known[s.Key[strings.LastIndex(s.Key, ".")+1:]] = true
	}
	for line := range strings.Lines(string(serve.ExampleFile())) {
		bare := strings.Replace(line, "# ", "", 1)
		if name, _, found := strings.Cut(strings.TrimSpace(bare), ": "); found && known[name] {
			line = bare
		}
		whole = append(whole, line)
	}
	_, values, err := serve.Load(serve.Sources{File: file(t, strings.Join(whole, ""))})
	must(t, err)
	for _, v := range values {
		if v.Origin == "default" {
			t.Errorf("%s isn't in it", v.Key)
		}
	}
}

func TestTheTableOfTheManualIsCurrent(t *testing.T) {
	const begin, end = "<!-- settings -->\n", "<!-- end of settings -->\n"
	current(t, filepath.Join("..", "..", "docs", "server.md"), func(now []byte) []byte {
		before, rest, _ := bytes.Cut(now, []byte(begin))
		_, after, found := bytes.Cut(rest, []byte(end))
		if !found {
			t.Fatalf("no %s", end)
		}
		return slices.Concat(before, []byte(begin), serve.Table(), []byte(end), after)
	})
}

// current compares a file with what it should be, or makes it so.
func current(t *testing.T, path string, want func(now []byte) []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	wanted := want(got)
	if *update {
		must(t, os.WriteFile(path, wanted, 0o644))
	} else if diff := cmp.Diff(string(wanted), string(got)); diff != "" {
		t.Errorf("%s: go test ./internal/serve -update: -want +got\n%s", path, diff)
	}
}

// TestExamplesAreRead reads the files of deploy/server, and asks whether they may start.
func TestExamplesAreRead(t *testing.T) {
	for _, path := range []string{"postgres/pare.yaml", "one/pare.yaml"} {
		c, _, err := serve.Load(serve.Sources{File: filepath.Join("..", "..", "deploy", "server", path)})
		must(t, err)
		must(t, serve.Safe(&c))
	}
}

// TestAllThatIsGivenIsInEffect: whatever is given for settings, in any source, each is as its
// strongest source says, and comes from there.
func TestAllThatIsGivenIsInEffect(t *testing.T) {
	keys := map[string]*rapid.Generator[string]{
		"region": rapid.StringMatching(`[a-z]{2}-[a-z]{4}-[0-9]`), "scan.workers": rapid.StringMatching(`[1-9][0-9]?`),
		"scan.every": rapid.StringMatching(`[1-9][0-9]?[dhms]`), "log.level": rapid.SampledFrom([]string{"debug", "info", "warn", "error"}),
		"data_dir": rapid.StringMatching(`[a-z/]{1,8}`),
	}
	rapid.Check(t, func(r *rapid.T) {
		var text strings.Builder
		var environ []string
		want := map[string][2]string{}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if rapid.Bool().Draw(r, key+" in the file") {
				v := keys[key].Draw(r, key)
				want[key] = [2]string{v, "file"}
				section, leaf, nested := strings.Cut(key, ".")
				if !nested {
					text.WriteString(key + ": \"" + v + "\"\n")
				} else if section == "log" {
					text.WriteString("log: {level: \"" + v + "\"}\n")
				} else if !strings.Contains(text.String(), "scan:") {
					text.WriteString("scan: {" + leaf + ": \"" + v + "\"}\n")
				} else {
					delete(want, key) // one of a section is enough here
				}
			}
			if rapid.Bool().Draw(r, key+" in the environment") {
				v := keys[key].Draw(r, key)
				want[key] = [2]string{v, "environment"}
				environ = append(environ, "PARE_SERVE_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+v)
			}
		}
		_, values, err := serve.Load(serve.Sources{File: file(t, text.String()), Environ: environ})
		if err != nil {
			r.Fatal(err)
		}
		for _, v := range values {
			origin, _, _ := strings.Cut(v.Origin, " ")
			if w, given := want[v.Key]; given && w != [2]string{v.Value, origin} {
				r.Fatalf("%s: got %s from %s, want %v", v.Key, v.Value, v.Origin, w)
			} else if !given && v.Origin != "default" {
				r.Fatalf("%s: from %s", v.Key, v.Origin)
			}
		}
	})
}
