package refine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// AWS's two published recommendations, byte for byte, with the action list of the day.
// Sources: https://www.amazon.science/blog/making-recommendations-to-remediate-unused-permissions (myrole);
// AWS Security Blog, 18 September 2024 (s3readonly).
func TestPublishedRecommendations(t *testing.T) {
	cat, err := catalog.Read("catalog-2024-06.json", read(t, "catalog-2024-06.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"myrole", "s3readonly"} {
		t.Run(name, func(t *testing.T) {
			doc, err := policy.Parse("policy.json", read(t, name, "policy.json"))
			if err != nil {
				t.Fatal(err)
			}
			unused, err := usage.ParseUnused("unused.json", read(t, name, "unused.json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := refine.Policy(cat, doc, unused)
			if err != nil {
				t.Fatal(err)
			}
			want := string(read(t, name, "recommended.json"))
			if diff := cmp.Diff(want, string(got.Document.Bytes())); diff != "" {
				t.Errorf("recommended policy (-want +got):\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return src
}
