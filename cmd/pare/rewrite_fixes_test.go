package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
	"github.com/pare-iam/pare/policy"
)

// corpusMarks are how the corpus writes what can't be seen.
var corpusMarks = strings.NewReplacer("␍", "\r", "␉", "\t", "␠", " ", "⟪BOM⟫", "\uFEFF", "⟪EOF⟫\n", "")

// TestFixesAreWhatRewriteWrites has an account for each case of the corpus of styles, in
// which nobody uses what the case takes out. The fixes that pare check puts in SARIF make
// the same bytes of the files as pare rewrite does.
func TestFixesAreWhatRewriteWrites(t *testing.T) {
	names, err := filepath.Glob("../../internal/iac/tree/testdata/corpus/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var same []string // cases in which nothing changes
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			checked, rewritten, data := filepath.Join(dir, "checked"), filepath.Join(dir, "rewritten"), filepath.Join(dir, "account")
			var changes []string
			for _, f := range archive.Files {
				if path, ok := strings.CutPrefix(f.Name, "before/"); ok {
					for _, root := range []string{checked, rewritten} {
						write(t, filepath.Join(root, path), []byte(corpusMarks.Replace(string(f.Data))))
					}
				} else if f.Name == "changes" {
					changes = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				}
			}
			corpusAccountOf(t, checked, changes).write(t, data)
			args := []string{"--data", data, "--window", "90d", "--analyzer-age", "90d", "--quiet"}
			_, said, code := command(t, "", append([]string{"rewrite", rewritten, "--write", "--allow-left"}, args...)...)
			if code != 0 {
				t.Fatalf("rewrite: exit code %d\n%s", code, said)
			}
			sarif, said, code := command(t, "", append([]string{"check", checked, "-o", "sarif", "--fail-on", "none"}, args...)...)
			if code != 0 && code != 3 { // 3: something that isn't known is beside it
				t.Fatalf("check: exit code %d\n%s", code, said)
			}
			before, want := filesIn(t, checked), filesIn(t, rewritten)
			if diff := gocmp.Diff(want, fixed(t, before, sarif)); diff != "" {
				t.Errorf("-rewrite +the fixes of check\n%s", diff)
			}
			if maps.Equal(before, want) {
				same = append(same, filepath.Base(name))
			}
		})
	}
	if len(same) > len(names)/8 {
		t.Errorf("in %d of %d cases nothing changes, which shows little: %v", len(same), len(names), same)
	}
}

func write(t *testing.T, path string, src []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, src, 0o666); err != nil {
		t.Fatal(err)
	}
}

// filesIn are the texts of a folder's files, by their paths below it.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			for name, text := range filesIn(t, filepath.Join(dir, e.Name())) {
				out[e.Name()+"/"+name] = text
			}
			continue
		}
		out[e.Name()] = readText(t, filepath.Join(dir, e.Name()))
	}
	return out
}

// replaced is a stretch of a file that a fix replaces.
type replaced struct {
	path          string
	start, length int
	text          string
}

// fixed are files after all fixes of a SARIF log. Fixes of policies that share a list say the
// same, and count once; others that overlap are a failure.
func fixed(t *testing.T, files map[string]string, log string) map[string]string {
	t.Helper()
	var in struct {
		Runs []struct {
			Results []struct {
				Fixes []struct {
					ArtifactChanges []struct {
						ArtifactLocation struct {
							URI string `json:"uri"`
						} `json:"artifactLocation"`
						Replacements []struct {
							DeletedRegion struct {
								ByteOffset int `json:"byteOffset"`
								ByteLength int `json:"byteLength"`
							} `json:"deletedRegion"`
							InsertedContent struct {
								Text string `json:"text"`
							} `json:"insertedContent"`
						} `json:"replacements"`
					} `json:"artifactChanges"`
				} `json:"fixes"`
			} `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal([]byte(log), &in); err != nil {
		t.Fatal(err)
	}
	all := map[replaced]bool{}
	for _, result := range in.Runs[0].Results {
		for _, fix := range result.Fixes {
			for _, c := range fix.ArtifactChanges {
				path, err := url.PathUnescape(c.ArtifactLocation.URI)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range c.Replacements {
					all[replaced{path, r.DeletedRegion.ByteOffset, r.DeletedRegion.ByteLength, r.InsertedContent.Text}] = true
				}
			}
		}
	}
	out := maps.Clone(files)
	end := map[string]int{} // where what is replaced in a file already begins
	for _, r := range slices.SortedFunc(maps.Keys(all), func(a, b replaced) int { return cmp.Compare(b.start, a.start) }) {
		text, ok := out[r.path]
		if last, before := end[r.path]; !ok || before && r.start+r.length > last {
			t.Fatalf("%+v is of no file, or overlaps another replacement", r)
		}
		end[r.path] = r.start
		out[r.path] = text[:r.start] + r.text + text[r.start+r.length:]
	}
	return out
}

// corpusAccount is an account with a policy for each source of a case, and what is unused.
type corpusAccount struct {
	roles    []*detailRole
	policies []detailPolicy
	unused   map[string]map[string][]string // action names by role ARN and service
}

type detailRole struct {
	Path, RoleName, Arn, CreateDate string
	RoleID                          string `json:"RoleId"`
	AssumeRolePolicyDocument        jsontext.Value
	InstanceProfileList             []string
	RolePolicyList                  []detailInline
	AttachedManagedPolicies         []detailAttached
	RoleLastUsed                    struct{ LastUsedDate, Region string }
}

type detailInline struct {
	PolicyName     string
	PolicyDocument jsontext.Value
}

type detailAttached struct{ PolicyName, PolicyArn string }

type detailPolicy struct {
	PolicyName, Arn, Path, CreateDate, UpdateDate  string
	PolicyID                                       string `json:"PolicyId"`
	DefaultVersionID                               string `json:"DefaultVersionId"`
	AttachmentCount, PermissionsBoundaryUsageCount int
	IsAttachable                                   bool
	PolicyVersionList                              []detailVersion
}

type detailVersion struct {
	VersionID        string `json:"VersionId"`
	CreateDate       string
	IsDefaultVersion bool
	Document         jsontext.Value
}

const (
	corpusID   = "111122223333"
	longAgo    = "2025-01-01T00:00:00Z"
	corpusNow  = "2026-11-01T00:00:00Z"
	lastUsedOn = "2026-10-30T00:00:00Z"
)

// corpusAccountOf has what each source of a folder says as a policy of a role of its own,
// with an action that each change of the case takes out as unused.
func corpusAccountOf(t *testing.T, dir string, changes []string) *corpusAccount {
	t.Helper()
	files, err := tree.Read(t.Context(), tree.Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	a := &corpusAccount{unused: map[string]map[string][]string{}}
	for i, s := range files.Sources {
		own, err := s.Policy()
		if err != nil {
			continue
		}
		holders := s.Holders
		if holders == nil {
			holders = []iac.Holder{{Kind: s.Holder, Name: s.HolderName, LogicalID: s.HolderLogicalID}}
		}
		for _, h := range holders {
			role := a.role(nameOr(h.Name, h.LogicalID, fmt.Sprintf("role-%d", i)))
			a.add(role, nameOr(s.Name, s.LogicalID, fmt.Sprintf("policy-%d", i)), h.Kind, own.Doc.Bytes())
			for _, change := range changes {
				if words := strings.Fields(change); words[0] == s.Title() {
					a.leaveUnused(role.Arn, own.Doc, words[1], words[2:])
				}
			}
		}
	}
	return a
}

// add gives a role a policy: an inline one of a role's, and else a managed one.
func (a *corpusAccount) add(role *detailRole, name string, holder iac.HolderKind, doc []byte) {
	if holder == iac.Role {
		role.RolePolicyList = append(role.RolePolicyList, detailInline{name, doc})
		return
	}
	arn := "arn:aws:iam::" + corpusID + ":policy/" + name
	a.policies = append(a.policies, detailPolicy{
		PolicyName: name, PolicyID: fmt.Sprintf("ANPA%d", len(a.policies)), Arn: arn, Path: "/", DefaultVersionID: "v1", CreateDate: longAgo, UpdateDate: longAgo,
		AttachmentCount: 1, IsAttachable: true, PolicyVersionList: []detailVersion{{VersionID: "v1", CreateDate: longAgo, IsDefaultVersion: true, Document: doc}},
	})
	role.AttachedManagedPolicies = append(role.AttachedManagedPolicies, detailAttached{name, arn})
}

// nameOr is a name that a source has, or else one that CloudFormation makes up, or else
// another.
func nameOr(v *iac.Value, logicalID, other string) string {
	switch {
	case v != nil && v.Kind == iac.Text:
		return v.Text
	case logicalID != "":
		return "app-" + logicalID + "-ABCDEFGHIJKL"
	}
	return other
}

func (a *corpusAccount) role(name string) *detailRole {
	for _, r := range a.roles {
		if r.RoleName == name {
			return r
		}
	}
	r := &detailRole{
		Path: "/", RoleName: name, RoleID: fmt.Sprintf("AROA%d", len(a.roles)), Arn: "arn:aws:iam::" + corpusID + ":role/" + name, CreateDate: longAgo,
		AssumeRolePolicyDocument: jsontext.Value(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	}
	r.RoleLastUsed.LastUsedDate, r.RoleLastUsed.Region = lastUsedOn, "eu-west-1"
	a.roles = append(a.roles, r)
	a.unused[r.Arn] = map[string][]string{}
	return r
}

// leaveUnused says that nobody uses what an entry, or a statement, allows, but for what comes in
// its place and what other entries allow too.
func (a *corpusAccount) leaveUnused(arn string, doc *policy.Document, place string, in []string) {
	at, entry, inList := strings.Cut(place, ".")
	statement, _ := strconv.Atoi(at)
	number, err := strconv.Atoi(entry)
	if inList && err != nil {
		return // something is added, which no rewrite does
	}
	var goes, stays []policy.ActionPattern
	for i, st := range doc.Statements {
		for j, e := range st.Action.Entries {
			if i == statement && (!inList || j == number) {
				goes = append(goes, e.Pattern)
			} else {
				stays = append(stays, e.Pattern)
			}
		}
	}
	for _, text := range in {
		if p, err := policy.ParseActionPattern(text); err == nil {
			stays = append(stays, p)
		}
	}
	for _, s := range catalog.Embedded().Services() {
		for _, known := range s.Actions {
			is := func(p policy.ActionPattern) bool { return p.Match(policy.Action{Service: s.Prefix, Name: known.Lower}) }
			if slices.ContainsFunc(goes, is) && !slices.ContainsFunc(stays, is) {
				a.unused[arn][s.Prefix] = append(a.unused[arn][s.Prefix], known.Name)
			}
		}
	}
}

// write writes the account as a snapshot, with findings of Access Analyzer as its evidence.
func (a *corpusAccount) write(t *testing.T, dir string) {
	t.Helper()
	marshal := func(name string, v any) {
		src, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.FromSlash(name)), bytes.TrimSpace(src))
	}
	marshal("authorization-details.json", struct {
		UserDetailList, GroupDetailList []struct{}
		RoleDetailList                  []*detailRole
		Policies                        []detailPolicy
	}{RoleDetailList: a.roles, Policies: a.policies})
	marshal("snapshot.json", map[string]any{"schemaVersion": 1, "accountId": corpusID, "partition": "aws", "collectedAt": corpusNow})
	for i, r := range a.roles {
		var details []map[string]any
		for _, service := range slices.Sorted(maps.Keys(a.unused[r.Arn])) {
			var actions []map[string]string
			for _, name := range a.unused[r.Arn][service] {
				actions = append(actions, map[string]string{"action": name})
			}
			details = append(details, map[string]any{"unusedPermissionDetails": map[string]any{"serviceNamespace": service, "actions": actions, "lastAccessed": lastUsedOn}})
		}
		if details != nil {
			marshal(fmt.Sprintf("findings/%d.json", i), map[string]any{
				"id": strconv.Itoa(i), "resource": r.Arn, "resourceType": "AWS::IAM::Role", "resourceOwnerAccount": corpusID, "status": "ACTIVE",
				"findingType": "UnusedPermission", "analyzedAt": corpusNow, "createdAt": longAgo, "updatedAt": corpusNow, "findingDetails": details,
			})
		}
	}
}
