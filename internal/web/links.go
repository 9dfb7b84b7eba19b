package web

import (
	"github.com/pare-iam/pare/finding"
)

// Principal is the address of the page about a role or user; "" if there are no such pages.
func (v *visit) Principal(arn string) string {
	if !v.site.paths["/principal"] {
		return ""
	}
	return v.Link("/principal", "arn", arn)
}

// Policy is the address of the page about a policy's text, by its hash; "" without one, and if
// there are no such pages.
func (v *visit) Policy(hash string) string {
	if hash == "" || !v.site.paths["/policies/{hash}"] {
		return ""
	}
	return v.Link("/policies/" + hash)
}

// Finding is the address of the page about a finding.
func (v *visit) Finding(id string) string { return v.Link("/findings/" + id) }

// Active is the address of the active findings of a type; of all if it is "".
func (v *visit) Active(t finding.Type) string {
	return v.Link("/findings", "status", string(finding.Active), "type", string(t))
}

// crumb is a step on the way to a page.
type crumb struct{ Label, URL string }

// Known is the address of a list if this server has such a page; else "".
func (v *visit) Known(path string) string {
	if !v.site.paths[path] {
		return ""
	}
	return v.Link(path)
}
