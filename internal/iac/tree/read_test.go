package tree_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

const (
	hcl = `resource "aws_iam_policy" "NAME" {
  name   = "NAME"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }] })
}
`
	yaml = `Resources:
  NAME:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - { Effect: Allow, Action: ["s3:GetObject"], Resource: "*" }
`
	document = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}` + "\n"
)

func named(text, name string) string {
	return string(bytes.ReplaceAll([]byte(text), []byte("NAME"), []byte(name)))
}

// folder writes files, by their paths, and gives their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, o tree.Options) *tree.Tree {
	t.Helper()
	got, err := tree.Read(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// titles are the sources of a tree, and problems where they are.
func titles(t *tree.Tree) []string {
	var out []string
	for _, s := range t.Sources {
		out = append(out, s.File.Path+" "+s.Address)
	}
	return out
}

func TestReadFindsEveryKindOfFile(t *testing.T) {
	got := read(t, tree.Options{Root: folder(t, map[string]string{
		"infra/main.tf":                   named(hcl, "a"),
		"templates/app.yaml":              named(yaml, "B"),
		"templates/app.template":          named(yaml, "C"),
		"policies/p.json":                 document,
		"policies/p.jsonc":                "// a comment\n" + document,
		"package.json":                    `{"name": "no policy"}`,
		"values.yaml":                     "Statement: no template\n",
		"policies/escaped.json":           strings.Replace(document, "Statement", `\u0053tatement`, 1),
		"templates/escaped.yaml":          strings.NewReplacer("AWS::IAM::ManagedPolicy", `"A\x57S\U0000003a:IAM::Managed\`+"\n   "+`Policy"`, "Statement", `"S\u0074atement"`).Replace(named(yaml, "D")),
		"infra/.terraform/modules/m/m.tf": named(hcl, "fetched"),
		"node_modules/x/policy.json":      document,
		"README.md":                       document,
	})})
	want := []string{
		"infra/main.tf aws_iam_policy.a", "policies/escaped.json ", "policies/p.json ", "policies/p.jsonc ",
		"templates/app.template C", "templates/app.yaml B", "templates/escaped.yaml D",
	}
	if diff := cmp.Diff(want, titles(got)); diff != "" || len(got.Problems) > 0 {
		t.Errorf("%v: -want +got\n%s", got.Problems, diff)
	}
}

func TestAFileThatAResourceReadsIsNoPolicyFile(t *testing.T) {
	got := read(t, tree.Options{Root: folder(t, map[string]string{
		"main.tf":        "resource \"aws_iam_policy\" \"a\" {\n  name   = \"a\"\n  policy = file(\"${path.module}/a.json\")\n}\n",
		"a.json":         document,
		"b.json":         document,
		"sub/a.json":     document,
		"sub/nothing.tf": "# nothing\n",
	})})
	if diff := cmp.Diff([]string{"b.json ", "main.tf aws_iam_policy.a", "sub/a.json "}, titles(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestTerraformIsReadOutsideOfWantedPathsToo(t *testing.T) {
	o := tree.Options{Paths: []string{"infra"}, Beyond: true, Root: folder(t, map[string]string{
		"infra/main.tf":      "module \"m\" {\n  source = \"../modules/m\"\n}\n",
		"modules/m/main.tf":  named(hcl, "m"),
		"other/policy.json":  document,
		"other/template.yml": named(yaml, "T"),
	})}
	got := read(t, o)
	if diff := cmp.Diff([]string{"modules/m/main.tf module.m.aws_iam_policy.m"}, titles(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !got.Wanted(got.Sources[0]) {
		t.Error("the module that a wanted root module calls isn't wanted")
	}
	o.Paths = []string{"other"}
	if other := read(t, o); other.Wanted(other.Sources[0]) || !other.Wanted(other.Sources[1]) {
		t.Errorf("wanted are not those below other: %v", titles(other))
	}
	o.Paths = []string{"infra"}
	o.Beyond = false
	if got := read(t, o); len(got.Files) != 1 {
		t.Errorf("%d files are read of the one that is wanted", len(got.Files))
	}
	o.Paths = []string{"modules", "modules/m/main.tf", "modules/m"}
	if diff := cmp.Diff([]string{"modules/m/main.tf aws_iam_policy.m"}, titles(read(t, o))); diff != "" {
		t.Errorf("a path in another: -want +got\n%s", diff)
	}
}

func TestBadFilesDontStopTheOthers(t *testing.T) {
	dir := folder(t, map[string]string{
		"bad.tf":        "resource \"aws_iam_policy\" {{{\n",
		"bad.yaml":      "Resources:\n  A: {Type: AWS::IAM::Role\n",
		"bad.json":      `{"Statement": [}`,
		"good.tf":       named(hcl, "good"),
		"outside/x.txt": "",
	})
	huge := append([]byte(`{"Statement": "`), bytes.Repeat([]byte("x"), tree.MaxSize)...)
	if err := os.WriteFile(filepath.Join(dir, "huge.json"), huge, 0o666); err != nil {
		t.Fatal(err)
	}
	got := read(t, tree.Options{Root: dir})
	if diff := cmp.Diff([]string{"good.tf aws_iam_policy.good"}, titles(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var files []string
	for _, p := range got.Problems {
		files = append(files, pathOf(p.Where))
		if p.What == "" {
			t.Errorf("%s: nothing is said", p.Where)
		}
	}
	if diff := cmp.Diff([]string{"bad.json", "bad.tf", "bad.yaml", "huge.json"}, files); diff != "" {
		t.Errorf("problems: -want +got\n%s\n%v", diff, got.Problems)
	}
}

func pathOf(where string) string {
	name, _, _ := bytes.Cut([]byte(where), []byte(":"))
	return string(name)
}

func TestSymlinksOutOfTheTreeAreNotFollowed(t *testing.T) {
	outside := folder(t, map[string]string{"secret.json": document, "dir/main.tf": named(hcl, "outside")})
	dir := folder(t, map[string]string{"in.json": document})
	for name, to := range map[string]string{
		"out.json":   filepath.Join(outside, "secret.json"),
		"link":       filepath.Join(outside, "dir"),
		"lost.tf":    filepath.Join(outside, "nowhere.tf"),
		"again.json": "in.json",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, tree.Options{Root: dir})
	if diff := cmp.Diff([]string{"in.json "}, titles(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	const what = "a symlink that leads out of the folder, or nowhere: not followed"
	if diff := cmp.Diff([]iac.Problem{{Where: "lost.tf", What: what}, {Where: "out.json", What: what}}, got.Problems); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAPathThatIsNotThereIsAnError(t *testing.T) {
	_, err := tree.Read(t.Context(), tree.Options{Root: t.TempDir(), Paths: []string{"none"}})
	if err == nil || err.Error() != "none: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestWithFindsInOtherBytes(t *testing.T) {
	got := read(t, tree.Options{Root: folder(t, map[string]string{"a.tf": named(hcl, "a"), "b.tf": named(hcl, "b")})})
	next := got.With(map[*iac.File][]byte{got.Files[1]: []byte(named(hcl, "changed"))})
	if diff := cmp.Diff([]string{"a.tf aws_iam_policy.a", "b.tf aws_iam_policy.changed"}, titles(next)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a.tf aws_iam_policy.a", "b.tf aws_iam_policy.b"}, titles(got)); diff != "" {
		t.Errorf("the tree itself changed: -want +got\n%s", diff)
	}
}

// What isn't read is told, where a policy could be in it.
func TestNothingIsPassedOverInSilence(t *testing.T) {
	dir := folder(t, map[string]string{
		"wide.yaml": "\xff\xfeR\x00", "UPPER.YAML": named(yaml, "Upper"), "p.txt": document,
		"common/m.tf": named(hcl, "common"), "common/values.txt": "x", "x:y/broken.tf": "resource {{{",
	})
	for link, to := range map[string]string{"prod/m.tf": "../common/m.tf", "prod/policy.json": "../p.txt", "prod/values.yaml": "../common/values.txt"} {
		at := filepath.Join(dir, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	const unread = ": a symlink to a file that isn't read at its own place, and isn't followed: give the folder that the file is in too"
	for name, c := range map[string]struct {
		paths []string
		want  []string // sources, then problems that concern the paths
	}{
		"everything":           {nil, []string{"UPPER.YAML", "common/m.tf", "prod/policy.json" + unread, "wide.yaml: is UTF-16 or UTF-32: not read; want UTF-8", "x:y/broken.tf:1:11: an argument or block definition is required here"}},
		"links alone":          {[]string{"prod"}, []string{"prod/m.tf" + unread, "prod/policy.json" + unread}},
		"a file of no kind":    {[]string{"common/m.tf", "p.txt"}, []string{"common/m.tf", "p.txt: not read: want .tf, .tf.json, .yaml, .yml, .json or .template"}},
		"a folder with colons": {[]string{"x:y"}, []string{"x:y/broken.tf:1:11: an argument or block definition is required here"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := read(t, tree.Options{Root: dir, Paths: c.paths, Beyond: true})
			var got []string
			for _, s := range tr.Sources {
				if tr.Wanted(s) {
					got = append(got, s.File.Path)
				}
			}
			for _, p := range tr.Problems {
				if tr.Concerns(p) {
					got = append(got, p.String())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What can't be read elsewhere in a repository is no matter of the files asked for, unless
// they call it: a policy of theirs could be in it.
func TestConcernsAreOfWhatIsAskedForAndCalled(t *testing.T) {
	const broken = "resource {{{"
	call := func(source string) string { return "module \"m\" {\n  source = \"" + source + "\"\n}\n" }
	dir := folder(t, map[string]string{
		"infra/main.tf": call("../modules/app"), "modules/app/main.tf": call("../deep"), "modules/app/x.tf": broken, "modules/app/x.json": `{"Statement": `,
		"modules/deep/x.tf": broken, "modules/other/x.tf": broken, "other/main.tf": call("../modules/other"), "other/x.tf": broken,
	})
	for name, c := range map[string]struct {
		paths []string
		want  []string
	}{
		"a root module":           {[]string{"infra"}, []string{"modules/app/x.tf", "modules/deep/x.tf"}},
		"a file of a root module": {[]string{"infra/main.tf"}, []string{"modules/app/x.tf", "modules/deep/x.tf"}},
		"a module":                {[]string{"modules/deep"}, []string{"modules/deep/x.tf"}},
		"the other root module":   {[]string{"other"}, []string{"modules/other/x.tf", "other/x.tf"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := read(t, tree.Options{Root: dir, Paths: c.paths, Beyond: true})
			for _, found := range []*tree.Tree{tr, tr.With(nil)} {
				var got []string
				for _, p := range found.Problems {
					if found.Concerns(p) {
						got = append(got, strings.SplitN(p.Where, ":", 2)[0])
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			}
		})
	}
}

// TestWhatALinkMayUseStays has a module, and a file, that are also read by another name.
func TestWhatALinkMayUseStays(t *testing.T) {
	for name, link := range map[string][2]string{"a folder": {"shared", "x/m"}, "a file": {"shared/main.tf", "x/m.tf"}} {
		dir := folder(t, map[string]string{"shared/main.tf": "locals {\n  l = [\"s3:GetObject\", \"s3:PutObject\"]\n}\n" +
			"resource \"aws_iam_policy\" \"a\" {\n  name   = \"a\"\n  policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = local.l, Resource = \"*\" }] })\n}\n", "x/main.tf": "# nothing\n"})
		if err := os.Symlink(filepath.Join(dir, link[0]), filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
		got := read(t, tree.Options{Root: dir})
		for _, found := range []*tree.Tree{got, got.With(nil)} {
			list := found.Sources[0].Document.Get("Statement").Entries[0].Get("Action")
			if list.Why == "" {
				t.Errorf("%s: the list may be changed", name)
			}
		}
	}
}
