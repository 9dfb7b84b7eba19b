package serve_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/login/oidctest"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

// publicURL is what people type; the tests go to where the server listens instead.
const publicURL = "http://127.0.0.1:1"

// withProvider is a service whose people log in at a provider, with the sample scanned.
func withProvider(t *testing.T) (*running, *oidctest.Provider, serve.Demonstration) {
	t.Helper()
	p := oidctest.New(t, time.Now)
	c := configured(t, filepath.Join(t.TempDir(), "pare.db"))
	c.PublicURL = publicURL
	c.Login.Issuer, c.Login.ClientID, c.Login.UserClaim, c.Login.GroupsClaim = p.URL, oidctest.ClientID, "email", "groups"
	c.Login.SecretFile = filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(c.Login.SecretFile, []byte(oidctest.ClientSecret+"\n"), 0o600))
	c.Login.Roles = map[string]login.Role{"everybody": store.Viewer, "review": store.Reviewer}
	s := start(t, c)
	s.url = "http://" + s.Address()
	return s, p, s.scanned(t)
}

// visitor is a browser that keeps cookies and doesn't follow where it is led.
type visitor struct {
	*http.Client
	t *testing.T
	s *running
}

func (r *running) visitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &visitor{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t, r}
}

// goes gets a page of the server, or sends it a form if there is one.
func (v *visitor) goes(path string, form url.Values) (resp *http.Response, body string) {
	v.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.s.url+path, strings.NewReader(form.Encode()))
	must(v.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err = v.Do(r)
	must(v.t, err)
	text, err := io.ReadAll(resp.Body)
	must(v.t, errors.Join(err, resp.Body.Close()))
	return resp, string(text)
}

// enters logs in at the provider, and returns the answer to coming back.
func (v *visitor) enters(p *oidctest.Provider) (*http.Response, string) {
	v.t.Helper()
	begun, _ := v.goes("/oidc/login?next=/findings", nil)
	back := p.Authorize(begun.Header.Get("Location"))
	path, found := strings.CutPrefix(back, publicURL)
	if !found {
		v.t.Fatalf("the provider was told to send people to %s", back)
	}
	return v.goes(path, nil)
}

// TestRolesComeFromTheProvidersGroups has people of several groups log in, look at a finding,
// and try to archive it.
func TestRolesComeFromTheProvidersGroups(t *testing.T) {
	s, p, d := withProvider(t)
	part, err := s.Store.Findings(t.Context(), store.Query{Analyzer: d.Analyzer}, store.Page{Limit: 1})
	must(t, err)
	id := part.Items[0].ID
	at := "/findings/" + id
	if resp, _ := s.visitor(t).goes(at, nil); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login?next=") {
		t.Errorf("who hasn't logged in: %s to %s", resp.Status, resp.Header.Get("Location"))
	}
	for _, c := range []struct {
		groups  []string
		entered int
		archive int
		after   finding.Status
	}{
		{[]string{"others"}, http.StatusForbidden, http.StatusSeeOther, finding.Active}, // to the login
		{[]string{"everybody"}, http.StatusSeeOther, http.StatusForbidden, finding.Active},
		{[]string{"everybody", "review"}, http.StatusSeeOther, http.StatusSeeOther, finding.Archived},
	} {
		p.User["groups"] = c.groups
		v := s.visitor(t)
		if resp, body := v.enters(p); resp.StatusCode != c.entered {
			t.Errorf("%v: the login answers %s %s", c.groups, resp.Status, body)
		}
		if resp, body := v.goes(at, nil); (resp.StatusCode == http.StatusOK) != (c.entered == http.StatusSeeOther) || strings.Contains(body, `value="ARCHIVED"`) != (c.after == finding.Archived) {
			t.Errorf("%v: the finding's page answers %s\n%s", c.groups, resp.Status, body)
		}
		if resp, _ := v.goes(at+"/status", url.Values{"to": {"ARCHIVED"}}); resp.StatusCode != c.archive {
			t.Errorf("%v: archiving answers %s, want %d", c.groups, resp.Status, c.archive)
		}
		f, err := s.Store.Finding(t.Context(), d.Analyzer, id)
		must(t, err)
		if f.Status != c.after {
			t.Errorf("%v: the finding is %s, want %s", c.groups, f.Status, c.after)
		}
	}
	log, err := s.Store.AuditLog(t.Context(), "", store.Page{Limit: 4})
	must(t, err)
	var lines []string
	for _, e := range slices.Backward(log.Items) {
		lines = append(lines, e.Who+" "+e.Action+" "+e.Outcome)
	}
	want := []string{
		"ann@example.com Login no group has a role", "ann@example.com Login ", "ann@example.com Login ", "ann@example.com UpdateFindings ",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("audit log: -want +got\n%s", diff)
	}
}
