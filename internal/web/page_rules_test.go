package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// formFields are what a browser would send of a page's form, as it was filled in by the server.
func formFields(form *element) url.Values {
	out := url.Values{}
	for _, e := range form.find("*") {
		switch e.name {
		case "input":
			if e.attr["type"] != "checkbox" {
				out.Add(e.attr["name"], e.attr["value"])
			}
		case "textarea":
			out.Add(e.attr["name"], rawText(e))
		case "select":
			chosen := e.find("option")[0].attr["value"]
			for _, o := range e.find("option") {
				if _, ok := o.attr["selected"]; ok {
					chosen = o.attr["value"]
				}
			}
			out.Add(e.attr["name"], chosen)
		}
	}
	return out
}

// rawText is the text of an element with its line breaks.
func rawText(e *element) string {
	var text strings.Builder
	text.WriteString(e.text)
	for _, c := range e.children {
		text.WriteString(rawText(c))
	}
	return text.String()
}

// formWith is the form of a page that has a field or is sent to an address.
func formWith(t testing.TB, root *element, action string) *element {
	t.Helper()
	for _, f := range root.find("form") {
		if f.attr["action"] == action {
			return f
		}
	}
	t.Fatalf("no form to %s", action)
	return nil
}

func TestARuleIsSavedAsTheFormSays(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		name, form string
		want       finding.Filter
	}{
		{"one value", "key=resource&op=contains&values=dev-", finding.Filter{"resource": {Contains: []string{"dev-"}}}},
		{"several, line by line", "key=resourceOwnerAccount&op=eq&values=111122223333%0D%0A++444455556666+%0D%0A%0D%0A", finding.Filter{"resourceOwnerAccount": {Eq: []string{"111122223333", "444455556666"}}}},
		{"two operators of a key", "key=resource&op=contains&values=a&key=resource&op=neq&values=b", finding.Filter{"resource": {Contains: []string{"a"}, Neq: []string{"b"}}}},
		{"rows without a key aren't looked at", "key=&op=eq&values=x&key=findingType&op=neq&values=UnusedIAMRole&key=&op=contains&values=", finding.Filter{"findingType": {Neq: []string{"UnusedIAMRole"}}}},
		{"no value at all", "key=error&op=missing&values=", finding.Filter{"error": {Exists: new(false)}}},
		{"any value", "key=id&op=exists&values=ignored", finding.Filter{"id": {Exists: new(true)}}},
		{"role or user", "key=resourceType&op=eq&values=AWS::IAM::User", finding.Filter{"resourceType": {Eq: []string{"AWS::IAM::User"}}}},
	} {
		w := s.post(t, store.Operator, "/rules/save", "name=mine&"+c.form)
		if w.Code != http.StatusSeeOther {
			t.Errorf("%s: status %d: %s", c.name, w.Code, parse(t, w.Body.String()).words())
			continue
		}
		r, err := s.store.Rule(t.Context(), theARN, "mine")
		check(t, err)
		if !cmp.Equal(c.want, r.Filter) {
			t.Errorf("%s (-want +got):\n%s", c.name, cmp.Diff(c.want, r.Filter))
		}
		check(t, s.store.DeleteRule(t.Context(), s.by(), theARN, "mine"))
	}
}

func TestWhatIsWrongWithARuleStandsBesideItsField(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ name, form, field, want string }{
		{"no name", "name=&key=id&op=eq&values=x", "name", "no name"},
		{"a name that AWS doesn't take", "name=1a&key=id&op=eq&values=x", "name", "want a letter first"},
		{"no value", "name=a&key=id&op=eq&values=x&key=resource&op=contains&values=", "values2", "no value"},
		{"a key and an operator twice", "name=a&key=id&op=eq&values=x&key=id&op=eq&values=y", "values2", "stands above already"},
		{"both, a value and none", "name=a&key=id&op=exists&values=&key=id&op=missing&values=", "values2", "stands above already"},
		{"a key that lists alone have", "name=a&key=status&op=eq&values=ACTIVE", "values1", "archive rules don't look at status"},
		{"a key that there isn't", "name=a&key=nonsense&op=eq&values=x", "values1", "is no filter key"},
		{"an operator that there isn't", "name=a&key=id&op=like&values=x", "values1", "no operator"},
		{"too many values", "name=a&key=id&op=eq&values=" + strings.Repeat("x%0A", 21), "values1", "21 values: want 1 to 20"},
		{"nothing", "name=a&key=&op=eq&values=x", "", "no criterion, which would archive every finding"},
	} {
		w := s.post(t, store.Operator, "/rules/save", c.form)
		root := checkPage(t, w.Body.String())
		if w.Code != http.StatusBadRequest || len(root.class("wrong")) != 1 {
			t.Errorf("%s: status %d, %d messages: %s", c.name, w.Code, len(root.class("wrong")), root.words())
			continue
		}
		message := root.class("wrong")[0]
		if !strings.Contains(message.words(), c.want) {
			t.Errorf("%s: %q, want %q", c.name, message.words(), c.want)
		}
		if c.field == "" {
			continue
		}
		var beside []string
		for _, e := range message.parent.find("*") {
			if e.attr["aria-invalid"] != "" {
				beside = append(beside, e.attr["id"])
			}
		}
		if !cmp.Equal([]string{c.field}, beside) {
			t.Errorf("%s: the message stands beside %q, want %s", c.name, beside, c.field)
		}
	}
	part, err := s.store.Rules(t.Context(), theARN, store.Page{})
	check(t, err)
	if len(part.Items) != 0 {
		t.Errorf("saved nevertheless: %v", part.Items)
	}
}

// What is shown in a form and sent again unchanged is the same rule.
func TestARuleIsWhatItWasAfterItIsSavedUnchanged(t *testing.T) {
	s := newSite(t)
	rapid.Check(t, func(r *rapid.T) {
		value := rapid.StringMatching(`[ -~äß<>"']{0,12}[!-~]`).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
		values := rapid.SliceOfN(value, 1, 4)
		want := finding.Filter{}
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"resource", "id", "error", "findingType", "resourceType", "resourceOwnerAccount"}), 1, 4, rapid.ID).Draw(r, "keys") {
			c := finding.Criterion{}
			for len(c.Eq)+len(c.Neq)+len(c.Contains) == 0 && c.Exists == nil {
				if rapid.Bool().Draw(r, "eq") {
					c.Eq = values.Draw(r, "values")
				}
				if rapid.Bool().Draw(r, "neq") {
					c.Neq = values.Draw(r, "values")
				}
				if rapid.Bool().Draw(r, "contains") {
					c.Contains = values.Draw(r, "values")
				}
				if rapid.Bool().Draw(r, "exists") {
					c.Exists = new(rapid.Bool().Draw(r, "there"))
				}
			}
			want[key] = c
		}
		check(t, s.store.CreateRule(t.Context(), s.by(), theARN, finding.ArchiveRule{Name: "law", Filter: want}, ""))
		root := parse(t, s.get(t, store.Operator, "/rules/edit?rule=law").Body.String())
		w := s.post(t, store.Operator, "/rules/save", formFields(formWith(t, root, "/rules/edit")).Encode())
		if w.Code != http.StatusSeeOther {
			r.Fatalf("status %d: %s", w.Code, w.Body)
		}
		got, err := s.store.Rule(t.Context(), theARN, "law")
		check(t, err)
		check(t, s.store.DeleteRule(t.Context(), s.by(), theARN, "law"))
		if !cmp.Equal(want, got.Filter) {
			r.Errorf("(-want +got):\n%s", cmp.Diff(want, got.Filter))
		}
	})
}

func TestAPreviewShowsWhatTheRuleArchives(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		form   string
		filter finding.Filter
	}{
		{"key=findingType&op=eq&values=UnusedIAMRole", finding.Filter{"findingType": {Eq: []string{"UnusedIAMRole"}}}},
		{"key=resource&op=contains&values=role/M%0Auser/", finding.Filter{"resource": {Contains: []string{"role/M", "user/"}}}},
		{"key=resourceOwnerAccount&op=neq&values=" + account, finding.Filter{"resourceOwnerAccount": {Neq: []string{account}}}},
		{"key=error&op=exists&values=", finding.Filter{"error": {Exists: new(true)}}},
		{"key=resource&op=contains&values=" + url.QueryEscape(quotes), finding.Filter{"resource": {Contains: []string{quotes}}}},
		{"key=id&op=exists&values=", finding.Filter{"id": {Exists: new(true)}}},
	} {
		bad, _ := attacks(s.now)
		n := 0
		for _, f := range slices.Concat(s.findings, bad) {
			if c.filter.Matches(&f) {
				n++
			}
		}
		root := checkPage(t, s.get(t, store.Viewer, "/rules/edit?"+c.form).Body.String())
		want := fmt.Sprintf("It matches %d active findings now", n)
		if n == 1 {
			want = "It matches 1 active finding now"
		}
		if !strings.Contains(root.words(), want) {
			t.Errorf("%s: the preview doesn't say %q: %s", c.form, want, root.words())
		}
		rows := 0
		if tables := root.find("tbody"); len(tables) > 0 {
			rows = len(tables[0].find("tr"))
		}
		if rows != min(n, 20) {
			t.Errorf("%s: %d findings are shown, want %d", c.form, rows, min(n, 20))
		}
	}
	if part, err := s.store.Rules(t.Context(), theARN, store.Page{}); err != nil || len(part.Items) != 0 {
		t.Errorf("a preview saved something: %v %v", part.Items, err)
	}
}

func TestARuleThatIsAppliedArchivesAndSaysHowMany(t *testing.T) {
	s := newSite(t)
	s.settle(t)
	w := s.post(t, store.Operator, "/rules/apply", "analyzer=unused&rule=emergency")
	if got := w.Header().Get("Location"); !strings.Contains(got, "done=archived&n=2") {
		t.Errorf("to %q", got)
	}
	n, err := s.store.Count(t.Context(), store.Query{Analyzer: theARN, Filter: finding.Filter{"status": {Eq: []string{"ARCHIVED"}}}})
	check(t, err)
	if n != 2 {
		t.Errorf("%d findings are archived, want 2", n)
	}
	if page := parse(t, s.get(t, store.Viewer, w.Header().Get("Location")).Body.String()).words(); !strings.Contains(page, "2 findings are archived now.") {
		t.Errorf("the page doesn't say so: %s", page)
	}
}
