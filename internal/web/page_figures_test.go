package web_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// found are findings about roles that are called so.
func (s *testSite) found(names ...string) []finding.Finding {
	var out []finding.Finding
	for i, name := range names {
		out = append(out, finding.Finding{
			ID: fmt.Sprintf("%s-%d", name, i), Type: finding.UnusedIAMRole, Status: finding.Active, Account: account,
			Resource: "arn:aws:iam::" + account + ":role/" + name, AnalyzedAt: s.now, CreatedAt: s.now, UpdatedAt: s.now,
		})
	}
	return out
}

// runAt is a run that ended some days ago.
func (s *testSite) runAt(t testing.TB, ago int, findings []finding.Finding) {
	t.Helper()
	at := s.now.AddDate(0, 0, -ago)
	run, err := s.store.StartRun(t.Context(), theARN, account, at)
	check(t, err)
	_, err = s.store.CompleteRun(t.Context(), run.ID, store.Found{
		Findings: sequence(findings),
		Closing:  func() store.Closing { return store.Closing{FinishedAt: at, WindowDays: 90, WindowEnd: at} },
	})
	check(t, err)
}

func whole(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	check(t, err)
	return n
}

// The number beside a group is that of the findings behind its link: also of a role whose
// name is the beginning of another's.
func TestAGroupHasAsManyFindingsAsItsList(t *testing.T) {
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	s.runAt(t, 0, append(s.found("app", "app-2", "app-2/app", "app"), s.findings...))
	for _, by := range []string{"principal", "account", "type", "service"} {
		rows := parse(t, s.get(t, store.Viewer, "/findings?group="+by).Body.String()).find("tbody")[0].find("tr")
		if len(rows) == 0 {
			t.Errorf("no groups by %s", by)
		}
		for _, row := range rows {
			link := row.find("a")[0]
			if want, got := whole(t, row.find("td")[0].words()), len(s.listed(t, link.attr["href"]+"&size=250")); got != want {
				t.Errorf("%s by %s: %d findings, and %d behind %s", link.words(), by, want, got, link.attr["href"])
			}
		}
	}
}

// A figure of the overview that counts findings is the length of the list behind it, however
// long ago they were resolved.
func TestFiguresOfFindingsAreTheLengthsOfTheirLists(t *testing.T) {
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	s.runAt(t, 61, s.found("old", "older", "new"))
	s.runAt(t, 60, s.found("old", "new"))
	s.runAt(t, 1, s.found("new"))
	var counted []string
	for _, e := range parse(t, s.get(t, store.Viewer, "/").Body.String()).class("tiles")[0].find("a") {
		words := strings.Fields(e.words())
		if n, err := strconv.Atoi(words[0]); err == nil && words[1] != "Principals" {
			counted = append(counted, words[1])
			if got := len(s.listed(t, e.attr["href"]+"&size=250")); got != n {
				t.Errorf("%q, and %d findings behind %s", e.words(), got, e.attr["href"])
			}
		}
	}
	if !slices.Contains(counted, "Active") || !slices.Contains(counted, "Resolved") {
		t.Errorf("figures of findings are %v", counted)
	}
}

func TestAListSaysHowManyThereAre(t *testing.T) {
	s := emptySite(t)
	s.analyzer(t, theARN, "unused")
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("r%d", i))
	}
	s.runAt(t, 0, s.found(names...))
	if got := parse(t, s.get(t, store.Viewer, "/findings?size=25").Body.String()).class("pager")[0].find("span")[0].words(); got != "1–25 of 30" {
		t.Errorf("got %q", got)
	}
}
