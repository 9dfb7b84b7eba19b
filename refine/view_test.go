package refine_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// What the trie prints is what Policy puts in the entry's place.
func TestTriePrintsWhatPolicyWrites(t *testing.T) {
	cat, err := catalog.Read("catalog-2024-06.json", read(t, "catalog-2024-06.json"))
	if err != nil {
		t.Fatal(err)
	}
	unused, err := usage.ParseUnused("unused.json", read(t, "myrole", "unused.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"s3:Get*", "s3:*", "S3:GET*", "s3:*Bucket*", "s3:Get?ucket*", "s3:List*", "s3:GetBucketAcl"} {
		entry := mustEntry(t, text)
		root, err := refine.New(cat).Trie(entry, unused)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse("policy.json", []byte(`{"Statement": [
			{"Effect": "Allow", "Resource": "*", "Action": "`+text+`"},
			{"Effect": "Allow", "Resource": "*", "Action": "iam:GetUser"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		result, err := refine.Policy(cat, doc, unused)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Sorted(slices.Values(written(result, text)))
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(printed(root)))); diff != "" {
			t.Errorf("%s: -policy +trie\n%s", text, diff)
		}
	}
}

// A node counts what its children count, and its own action.
func TestTrieCountsAddUp(t *testing.T) {
	unused := usage.Of([]policy.Action{{Service: "ec2", Name: "describevolumes"}}, nil)
	root, err := refine.New(catalog.Embedded()).Trie(mustEntry(t, "ec2:Describe*"), unused)
	if err != nil {
		t.Fatal(err)
	}
	var check func(n refine.Node)
	check = func(n refine.Node) {
		matched := 0
		if n.Action != "" {
			matched++
		}
		for _, c := range n.Children {
			matched += c.Matched
			check(c)
		}
		if matched != n.Matched {
			t.Errorf("%q matches %d actions, and its parts %d", n.Text, n.Matched, matched)
		}
	}
	check(root)
	if root.Unused != 1 || root.Safe() {
		t.Errorf("%d unused, want 1", root.Unused)
	}
}

func TestTrieOfNothing(t *testing.T) {
	for text, want := range map[string]string{
		"*":         `every service has a trie of its own: name one, such as "s3:*"`,
		"s33:Get*":  `"s33" is not a service in the catalog`,
		"s3:Nicht*": "the catalog knows no action that it matches",
	} {
		_, err := refine.New(catalog.Embedded()).Trie(mustEntry(t, text), usage.Unused{})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func mustEntry(t *testing.T, text string) policy.ActionEntry {
	t.Helper()
	p, err := policy.ParseActionPattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return policy.ActionEntry{Text: text, Pattern: p}
}

// written is what the entry became: itself if it stayed.
func written(result refine.Result, text string) []string {
	for _, e := range result.Edits {
		if e.Statement == 0 {
			return e.In
		}
	}
	return []string{text}
}

func printed(n refine.Node) []string {
	out := slices.Clone(n.Printed)
	for _, c := range n.Children {
		out = append(out, printed(c)...)
	}
	return out
}
