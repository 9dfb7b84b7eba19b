package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/pare-iam/pare/internal/store"
)

// visit is a request on its way: who asks, when, and about which analyzer.
type visit struct {
	*http.Request
	site *site
	now  time.Time
	name string
	role store.UserRole
	made func() // is called when there is nothing left but to send it

	analyzers []store.Analyzer // all, by name
	analyzer  store.Analyzer   // the one that is looked at; zero if there is none
}

var roles = [...]store.UserRole{store.Viewer, store.Reviewer, store.Operator, store.Admin}

// May says whether who asks may do what a role may.
func (v *visit) May(role store.UserRole) bool {
	has := slices.Index(roles[:], v.role)
	return has >= 0 && has >= slices.Index(roles[:], role)
}

// by is who asks, for the store.
func (v *visit) by() store.By {
	return store.By{Who: v.name, Origin: v.site.Origin(v.Request), At: v.now}
}

// origin is the address at the other end of the connection.
func origin(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// chooseAnalyzer takes the analyzer that is named in the address or the form, or else the
// first.
func (v *visit) chooseAnalyzer() error {
	part, err := v.site.Store.Analyzers(v.Context(), "", store.Page{Limit: 1000})
	if err != nil {
		return err
	}
	v.analyzers = part.Items
	name := v.Form.Get("analyzer")
	if name == "" && len(v.analyzers) > 0 {
		v.analyzer = v.analyzers[0]
	}
	if name == "" {
		return nil
	}
	v.analyzer, err = v.site.Store.Analyzer(v.Context(), name)
	return err
}

// Link is the address of a page about the same analyzer, with parameters as names and
// values in turn; those without a value are left out.
func (v *visit) Link(path string, parameters ...string) string {
	q := url.Values{}
	if len(v.analyzers) > 1 {
		q.Set("analyzer", v.analyzer.Name)
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			q.Add(parameters[i], parameters[i+1])
		}
	}
	return withQuery(path, q)
}

// Here is the address of this page with some parameters changed, as in Link; "" takes one
// away.
func (v *visit) Here(parameters ...string) string {
	q := v.URL.Query()
	for i := 0; i+1 < len(parameters); i += 2 {
		if q.Del(parameters[i]); parameters[i+1] != "" {
			q.Set(parameters[i], parameters[i+1])
		}
	}
	return withQuery(v.URL.Path, q)
}

func withQuery(path string, q url.Values) string {
	u := url.URL{Path: path, RawQuery: q.Encode()}
	return u.String()
}

// query is a parameter of the address.
func (v *visit) query(name string) string { return v.URL.Query().Get(name) }

// back is where to go after a form: to the page that it names, if it is one of ours, or
// else to another. What is done is told there, as noticeText says it.
func (v *visit) back(otherwise, done string, n int) answer {
	to, err := url.Parse(v.Form.Get("back"))
	if err != nil || to.Path == "" || to.Host != "" || to.Scheme != "" || to.Opaque != "" || !localPath(to.Path) {
		to, err = url.Parse(otherwise)
	}
	if err != nil {
		return redirect("/")
	}
	q := to.Query()
	q.Set("done", done)
	q.Set("n", plainNumber(n))
	return redirect(withQuery(to.Path, q))
}

// localPath says whether a path stays on this server: browsers read // and /\ as another.
func localPath(p string) bool {
	return p[0] == '/' && (len(p) == 1 || p[1] != '/' && p[1] != '\\')
}
