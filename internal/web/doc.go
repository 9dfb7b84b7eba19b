// Package web is the dashboard: pages about findings, made on the server.
//
// In: requests of somebody whom Options.Who knows, the store, and a Queue that takes work.
// Out: HTML, SVG, and lists as CSV, JSON and SARIF. Every page does all it can without
// JavaScript, by links and forms; htmx, where it runs, spares reloading the page. What changes
// something is a POST, needs a role, is in the audit log, and is answered by a redirect.
//
// Names of policies, tags and people come from accounts and are hostile: they reach a page
// through html/template alone, and the content security policy forbids scripts and styles
// that aren't files of this package.
//
// # Adding a page
//
// A page is two files, page_name.go and templates/name.html, and a line in site.routes.
// The Go file has
//
//	func nameRoutes() []route {
//		return []route{
//			{"GET /names", store.Viewer, "Names", (*visit).names}, // with an entry in the menu
//			{"POST /names/change", store.Operator, "", (*visit).changeName},
//		}
//	}
//
//	func (v *visit) names() (answer, error) {
//		…
//		return page{name: "name", title: "Names", menu: "GET /names", data: namesPage{…}}, nil
//	}
//
// The role is checked before, and v.analyzer is the analyzer that was chosen, zero if there
// is none. An error is shown as a page: missing and bad make those of 404 and 400, the
// store's are known, others are a 500 and logged. A POST ends in v.back("/names", "saved", n):
// it goes to the form's field "back", which v.Here() fills, and noticeText tells what was done.
//
// The template defines "content". Its $ is a frame: $.Data is the page's own, $.Link makes
// addresses that keep the analyzer ($.Link "/findings" "status" "ACTIVE"), $.Here and $.List
// are this page with parameters changed, $.At and $.Day show times ({{time ($.At
// .CreatedAt)}}, {{since …}} and {{both …}}), $.May asks for a role ({{if $.May
// "operator"}}). templates/parts.html has the rest: heading, pager, exports, bars, crumbs,
// copied. Lists ask the store for v.asked() and lead on with v.pager; names of columns that
// can be sorted come from v.sortable; a table of class "cards" reads on phones if its cells
// have data-label. In forms that change something {{template "analyzerField" $}} keeps the
// analyzer. Addresses of principals, policies and findings are made by $.Principal, $.Policy
// and $.Finding alone. Templates are well-formed: tests read pages with an XML parser.
//
// In tests newSite fills a store from the sample, and get, post and check ask for pages as
// somebody with a role and look them over; every GET route without a path value is walked
// by itself.
//
// Sources: https://www.w3.org/TR/WCAG22/, https://www.w3.org/TR/CSP3/,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-dashboard.html
package web
