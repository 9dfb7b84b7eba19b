package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

func build(t testing.TB, facts catalog.Facts) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Build("built", facts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// short lists changes as "+s3", "-s3:GetObject", "~s3:GetObject Read>Write".
func short(changes catalog.Changes) []string {
	var out []string
	for _, s := range changes.ServicesAdded {
		out = append(out, "+"+s.Prefix)
	}
	for _, s := range changes.ServicesRemoved {
		out = append(out, "-"+s.Prefix)
	}
	for _, a := range changes.Added {
		out = append(out, "+"+a.String())
	}
	for _, a := range changes.Removed {
		out = append(out, "-"+a.String())
	}
	for _, c := range changes.Changed {
		out = append(out, "~"+c.Before.String()+" "+c.After.Name+" "+c.Before.Level.String()+">"+c.After.Level.String()+" "+c.Before.Tracked.String()+">"+c.After.Tracked.String())
	}
	return out
}

func TestDiff(t *testing.T) {
	get := catalog.ActionFacts{Name: "Get", Level: catalog.LevelRead, Tracked: catalog.LastAccessed}
	put := catalog.ActionFacts{Name: "Put", Level: catalog.LevelWrite}
	services := func(s ...catalog.ServiceFacts) catalog.Facts { return catalog.Facts{Services: s} }
	service := func(prefix string, actions ...catalog.ActionFacts) catalog.ServiceFacts {
		return catalog.ServiceFacts{Prefix: prefix, Actions: actions}
	}
	relevel, recase, untracked := get, get, get
	relevel.Level, recase.Name, untracked.Tracked = catalog.LevelList, "GET", 0
	names := services(service("a", catalog.ActionFacts{Name: "Get"}))
	names.NamesOnly = true
	for _, tt := range []struct {
		name          string
		before, after catalog.Facts
		want          []string
	}{
		{"nothing", services(service("a", get)), services(service("a", get)), nil},
		{"an action that came and one that went", services(service("a", get)), services(service("a", put)), []string{"+a:Put", "-a:Get"}},
		{"a service that came, with its actions", services(), services(service("a", get, put)), []string{"+a", "+a:Get", "+a:Put"}},
		{"a service that went, with its actions", services(service("a", get), service("b", put)), services(service("a", get)), []string{"-b", "-b:Put"}},
		{"another level", services(service("a", get)), services(service("a", relevel)), []string{"~a:Get Get Read>List last accessed>last accessed"}},
		{"another tracking", services(service("a", get)), services(service("a", untracked)), []string{"~a:Get Get Read>Read last accessed>untracked"}},
		{"another casing", services(service("a", get)), services(service("a", recase)), []string{"~a:Get GET Read>Read last accessed>last accessed"}},
		{"no facts that one side doesn't state", services(service("a", get)), names, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes := catalog.Diff(build(t, tt.before), build(t, tt.after))
			if diff := cmp.Diff(tt.want, short(changes)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if changes.Empty() != (tt.want == nil) {
				t.Errorf("Empty %t", changes.Empty())
			}
		})
	}
}
