package web

import (
	"errors"
	"net/http"
	"slices"

	"github.com/pare-iam/pare/internal/store"
)

// route is one thing that can be asked for.
type route struct {
	pattern string         // of http.ServeMux: "GET /findings/{id}"
	role    store.UserRole // what somebody has to be at least
	menu    string         // its entry in the menu; "" for none
	answer  func(*visit) (answer, error)
}

// routes are those of all pages, in the order of the menu.
func (s *site) routes() []route {
	return slices.Concat(
		overviewRoutes(),
		findingsRoutes(),
		findingRoutes(),
		principalsRoutes(),
		policiesRoutes(),
		queueRoutes(),
		accountsRoutes(),
		runsRoutes(),
		rulesRoutes(),
		settingsRoutes(),
		settingsListRoutes(),
		auditRoutes(),
	)
}

// handler answers one route: it looks who asks, and shows errors as pages.
func (s *site) handler(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v := &visit{Request: req, site: s, now: s.Now().UTC(), made: func() {}}
		if req.Method == http.MethodGet || req.Method == http.MethodHead { // forms may have to wait for a run that writes
			end := s.Turns.Wait(req.Context())
			if end == nil {
				v.fail(w, req.Context().Err())
				return
			}
			defer end()
			v.made = end
		}
		a, err := v.ask(r)
		if err == nil {
			err = a.write(w, v)
		}
		if err != nil {
			v.fail(w, err)
		}
	})
}

// ask finds out who asks and what about, and gives the answer.
func (v *visit) ask(r route) (answer, error) {
	name, role, ok := v.site.Who(v.Context())
	if !ok {
		return nil, &problem{status: http.StatusUnauthorized, text: "nobody is logged in"}
	}
	v.name, v.role = name, role
	if err := v.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, err
		}
		return nil, bad("the address or the form can't be read: " + err.Error())
	}
	if !v.May(r.role) {
		return nil, forbidden(r.role)
	}
	if err := v.chooseAnalyzer(); err != nil {
		return nil, err
	}
	return r.answer(v)
}
