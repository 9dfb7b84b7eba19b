package serve_test

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/store"
)

var certificateLink = regexp.MustCompile(`href="(/findings/[^"]*/certificate\?[^"]*)"`)

// TestDownloadedCertificatesHold asks for a recommendation on the page of a finding, downloads
// the certificates that the page offers then, and has cvc5 answer them.
func TestDownloadedCertificatesHold(t *testing.T) {
	cvc5 := awstest.Need(t, awstest.CVC5)
	s := small(t)
	d := s.scanned(t)
	part, err := s.Store.Findings(t.Context(), store.Query{Analyzer: d.Analyzer, Filter: finding.Filter{
		"resource": {Eq: []string{announced}}, "findingType": {Eq: []string{string(finding.UnusedPermission)}},
	}}, store.Page{})
	must(t, err)
	if len(part.Items) != 1 {
		t.Fatalf("%d findings of %s", len(part.Items), announced)
	}
	at := "/findings/" + part.Items[0].ID
	v := s.visitor(t)
	if resp, body := v.goes(at+"/recommend", url.Values{}); resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("asking for a recommendation: %s %s", resp.Status, body)
	}
	var links []string
	until(t, "the page offers certificates", func() bool {
		_, body := v.goes(at, nil)
		for _, m := range certificateLink.FindAllStringSubmatch(body, -1) {
			links = append(links, html.UnescapeString(m[1]))
		}
		return len(links) > 0
	})
	for _, claim := range []string{"no-new-access", "used-kept", "unused-gone"} {
		if !slices.ContainsFunc(links, func(l string) bool { return strings.Contains(l, claim+".smt2") }) {
			t.Errorf("no certificate of %s among %q", claim, links)
		}
	}
	for _, link := range links {
		resp, body := v.goes(link, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Disposition"), ".smt2") {
			t.Fatalf("%s: %s %v", link, resp.Status, resp.Header)
		}
		asked := strings.Count(body, "(check-sat")
		answers := answered(t, cvc5, body)
		if len(answers) != asked || asked == 0 || slices.ContainsFunc(answers, func(a string) bool { return a != "unsat" }) {
			t.Errorf("%s: %d questions, and cvc5 answers %q", link, asked, answers)
		}
	}
}

// answered is what cvc5 says to a file, called as the page says.
func answered(t *testing.T, cvc5, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "claim.smt2")
	must(t, os.WriteFile(file, []byte(text), 0o600))
	out, err := exec.CommandContext(t.Context(), cvc5, "--lang=smt2", "--strings-exp", file).CombinedOutput()
	if err != nil {
		t.Fatalf("cvc5: %v\n%s", err, out)
	}
	return strings.Fields(string(out))
}
