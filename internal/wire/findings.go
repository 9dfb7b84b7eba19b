package wire

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// findingJSON is a FindingSummaryV2.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingSummaryV2.html
type findingJSON struct {
	AnalyzedAt   string         `json:"analyzedAt"`
	CreatedAt    string         `json:"createdAt"`
	ID           string         `json:"id"`
	Resource     string         `json:"resource"`
	ResourceType string         `json:"resourceType"`
	Account      string         `json:"resourceOwnerAccount"`
	Status       finding.Status `json:"status"`
	UpdatedAt    string         `json:"updatedAt"`
	Type         finding.Type   `json:"findingType"`
}

// detailsJSON is a union: one member is there.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingDetails.html
type detailsJSON struct {
	Role       *lastJSON       `json:"unusedIamRoleDetails,omitzero"`
	Key        *keyJSON        `json:"unusedIamUserAccessKeyDetails,omitzero"`
	Password   *lastJSON       `json:"unusedIamUserPasswordDetails,omitzero"`
	Permission *permissionJSON `json:"unusedPermissionDetails,omitzero"`
}

type lastJSON struct {
	Last string `json:"lastAccessed,omitzero"`
}

type keyJSON struct {
	ID   string `json:"accessKeyId"`
	Last string `json:"lastAccessed,omitzero"`
}

// permissionJSON is one service. No actions: the whole service.
type permissionJSON struct {
	Actions   []actionJSON `json:"actions,omitempty"`
	Namespace string       `json:"serviceNamespace"`
	Last      string       `json:"lastAccessed,omitzero"`
}

type actionJSON struct {
	Action string `json:"action"`
	Last   string `json:"lastAccessed,omitzero"`
}

func summarized(f *finding.Finding) findingJSON {
	return findingJSON{
		AnalyzedAt: at(f.AnalyzedAt), CreatedAt: at(f.CreatedAt), ID: f.ID, Resource: f.Resource, ResourceType: f.ResourceType(),
		Account: f.Account, Status: f.Status, UpdatedAt: at(f.UpdatedAt), Type: f.Type,
	}
}

type listInput struct {
	Analyzer string     `json:"analyzerArn"`
	Filter   filterJSON `json:"filter"`
	Max      *int       `json:"maxResults"`
	Next     string     `json:"nextToken"`
	Sort     struct {
		By    string `json:"attributeName"`
		Order string `json:"orderBy"`
	} `json:"sort"`
}

func listFindings(c *call) (any, error) {
	in, err := body[listInput](c)
	if err != nil {
		return nil, err
	}
	var v validation
	q := FindingQuery{Analyzer: c.analyzer(&v, "analyzerArn", in.Analyzer), Filter: v.criteria("filter", in.Filter, listKeys)}
	q.Sort = v.sort(in.Sort.By, in.Sort.Order)
	filter, err := json.Marshal(in.Filter, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	scope := c.scope(in.Analyzer, string(filter), in.Sort.By, in.Sort.Order)
	q.Page = c.page(&v, scope, decimal(in.Max), in.Next)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := c.own(q.Analyzer, in.Analyzer); err != nil {
		return nil, err
	}
	list, next, err := c.o.Backend.ListFindings(c.ctx(), q)
	out := struct {
		Findings []findingJSON `json:"findings"`
		Next     string        `json:"nextToken,omitzero"`
	}{Next: c.token(scope, next)}
	for i := range list {
		out.Findings = append(out.Findings, summarized(&list[i]))
	}
	return out, err
}

func (v *validation) sort(by, order string) Sort {
	if by != "" {
		v.oneOf("sort.attributeName", by, SortKeys())
	}
	if order != "" {
		v.oneOf("sort.orderBy", order, []string{"ASC", "DESC"})
	}
	return Sort{By: by, Descending: order == "DESC"}
}

// one reads the analyzer of the query, and the ID in the path.
func (c *call) one() (Ref, string, error) {
	var v validation
	text, id := c.r.URL.Query().Get("analyzerArn"), c.r.PathValue("id")
	ref := c.analyzer(&v, "analyzerArn", text)
	const maxID = 2048
	if len(id) > maxID {
		v.fail("id", id, "Member must have length less than or equal to %d", maxID)
	}
	if err := v.err(); err != nil {
		return ref, id, err
	}
	return ref, id, c.own(ref, text)
}

func getFinding(c *call) (any, error) {
	ref, id, err := c.one()
	if err != nil {
		return nil, err
	}
	f, err := c.o.Backend.Finding(c.ctx(), ref, id)
	if err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	var v validation
	scope := c.scope(ref.Name, id)
	page := c.page(&v, scope, q.Get("maxResults"), q.Get("nextToken"))
	if err := v.err(); err != nil {
		return nil, err
	}
	details, next := detailed(&f, page)
	return struct {
		findingJSON
		Details []detailsJSON `json:"findingDetails"`
		Next    string        `json:"nextToken,omitzero"`
	}{summarized(&f), details, c.token(scope, next)}, nil
}

// detailed is a page of a finding's details. Only unused permissions have more than one:
// those of one service each, so that a page goes on after the last one's namespace.
func detailed(f *finding.Finding, page Page) ([]detailsJSON, string) {
	last := lastJSON{at(f.LastAccessed)}
	switch f.Type {
	case finding.UnusedIAMRole:
		return []detailsJSON{{Role: &last}}, ""
	case finding.UnusedIAMUserAccessKey:
		return []detailsJSON{{Key: &keyJSON{f.AccessKeyID, last.Last}}}, ""
	case finding.UnusedIAMUserPassword:
		return []detailsJSON{{Password: &last}}, ""
	case finding.UnusedPermission:
	}
	var out []detailsJSON
	for i := range f.Permissions {
		p := &f.Permissions[i]
		switch {
		case p.Namespace <= page.After:
		case len(out) == page.Max:
			return out, out[len(out)-1].Permission.Namespace
		default:
			out = append(out, detailsJSON{Permission: permission(p)})
		}
	}
	return out, ""
}

// permission names actions without their service, as AWS's announcement of recommendations
// does.
func permission(p *finding.Permissions) *permissionJSON {
	out := &permissionJSON{Namespace: p.Namespace, Last: at(p.LastAccessed)}
	for _, a := range p.Actions {
		out.Actions = append(out.Actions, actionJSON{strings.TrimPrefix(a.Name, p.Namespace+":"), at(a.LastAccessed)})
	}
	return out
}

func updateFindings(c *call) (any, error) {
	in, err := body[struct {
		Analyzer string   `json:"analyzerArn"`
		Status   string   `json:"status"`
		IDs      []string `json:"ids"`
		Resource string   `json:"resourceArn"`
		Token    string   `json:"clientToken"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	u := FindingUpdate{Analyzer: c.analyzer(&v, "analyzerArn", in.Analyzer), Status: finding.Status(in.Status), IDs: in.IDs, Resource: in.Resource}
	v.oneOf("status", in.Status, []string{string(finding.Active), string(finding.Archived)})
	v.which(in.IDs, in.Resource)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := c.own(u.Analyzer, in.Analyzer); err != nil {
		return nil, err
	}
	return nil, c.o.Backend.UpdateFindings(c.ctx(), c.change(in.Token), u)
}

// which checks which findings are to be updated. AWS doesn't say what IDs and a resource
// together mean.
func (v *validation) which(ids []string, resource string) {
	switch {
	case len(ids) == 0 && resource == "":
		v.fail("ids", "", "Member must not be null, unless resourceArn is there")
	case len(ids) > 0 && resource != "":
		v.fail("resourceArn", resource, "Member must be null, if ids is there")
	case slices.Contains(ids, ""):
		v.fail("ids", "", "Member must have length greater than or equal to 1")
	}
	if _, err := policy.ParseARN(resource); resource != "" && err != nil {
		v.fail("resourceArn", resource, "Member must satisfy regular expression pattern: arn:[^:]*:[^:]*:[^:]*:[^:]*:.*")
	}
}

func getStatistics(c *call) (any, error) {
	in, err := body[struct {
		Analyzer string `json:"analyzerArn"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	ref := c.analyzer(&v, "analyzerArn", in.Analyzer)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := c.own(ref, in.Analyzer); err != nil {
		return nil, err
	}
	stats, updated, err := c.o.Backend.Statistics(c.ctx(), ref)
	if err != nil {
		return nil, err
	}
	return statisticsJSON{[]statisticsUnion{{stats}}, at(updated)}, nil
}

// statisticsJSON is the answer of GetFindingsStatistics.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingsStatistics.html
type statisticsJSON struct {
	All     []statisticsUnion `json:"findingsStatistics"`
	Updated string            `json:"lastUpdatedAt,omitzero"`
}

type statisticsUnion struct {
	Unused finding.Statistics `json:"unusedAccessFindingsStatistics"`
}
