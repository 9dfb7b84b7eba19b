package prove

import (
	"os"
	"path/filepath"
	"testing"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

func TestX(t *testing.T) {
	src, _ := os.ReadFile("../refine/testdata/catalog-2024-06.json")
	cat, err := catalog.Read("c", src)
	if err != nil { t.Fatal(err) }
	for _, ex := range []string{"myrole", "s3readonly"} {
		dir := "../refine/testdata/" + ex
		rd := func(n string) []byte { b, err := os.ReadFile(filepath.Join(dir, n)); if err != nil { t.Fatal(err) }; return b }
		old, err := policy.Parse("policy.json", rd("policy.json"))
		if err != nil { t.Fatal(err) }
		new, err := policy.Parse("recommended.json", rd("recommended.json"))
		if err != nil { t.Fatal(err) }
		u, err := usage.ParseUnused("unused.json", rd("unused.json"))
		if err != nil { t.Fatal(err) }
		certs, err := Certificates(cat, old, []*policy.Document{new}, u)
		if err != nil { t.Fatal(err) }
		for _, c := range certs { os.WriteFile("/tmp/w/"+ex+"-"+c.Name, c.Text, 0o644) }
	}
}
