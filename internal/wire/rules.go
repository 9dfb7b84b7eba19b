package wire

import (
	"maps"
	"slices"
	"strconv"

	"github.com/pare-iam/pare/finding"
)

// ruleKeys are what an archive rule can look at; a list can look at the status too.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-filter-keys.html
var (
	ruleKeys = [...]string{"error", "findingType", "id", "resource", "resourceOwnerAccount", "resourceType"}
	listKeys = append(ruleKeys[:], "status")
)

const maxValues = 20 // in a list of a criterion

// criterionJSON tells a list that isn't there from an empty one.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Criterion.html
type criterionJSON struct {
	Eq       *[]string `json:"eq,omitzero"`
	Neq      *[]string `json:"neq,omitzero"`
	Contains *[]string `json:"contains,omitzero"`
	Exists   *bool     `json:"exists,omitzero"`
}

type filterJSON map[string]criterionJSON

type inlineRuleJSON struct {
	Name   string     `json:"ruleName"`
	Filter filterJSON `json:"filter"`
}

type ruleJSON struct {
	Name      string     `json:"ruleName"`
	Filter    filterJSON `json:"filter"`
	CreatedAt string     `json:"createdAt"`
	UpdatedAt string     `json:"updatedAt"`
}

// filter reads the filter of an archive rule, which isn't empty: an empty one would archive
// all that there is.
func (v *validation) filter(field string, in filterJSON, keys []string) finding.Filter {
	if len(in) == 0 {
		v.fail(field, "{}", "Member must have length greater than or equal to 1")
	}
	return v.criteria(field, in, keys)
}

// criteria reads any filter.
func (v *validation) criteria(field string, in filterJSON, keys []string) finding.Filter {
	out := finding.Filter{}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(keys, key) {
			v.fail(field, key, "Map keys must satisfy enum value set: %v", keys)
		}
		out[key] = v.criterion(field+"."+key, in[key])
	}
	return out
}

func (v *validation) criterion(field string, in criterionJSON) finding.Criterion {
	if in == (criterionJSON{}) {
		v.fail(field, "{}", "Member must have eq, neq, contains or exists")
	}
	return finding.Criterion{
		Eq: v.values(field+".eq", in.Eq), Neq: v.values(field+".neq", in.Neq),
		Contains: v.values(field+".contains", in.Contains), Exists: in.Exists,
	}
}

// values reads a list of a criterion.
func (v *validation) values(field string, list *[]string) []string {
	if list == nil {
		return nil
	}
	if n := len(*list); n < 1 || n > maxValues {
		v.fail(field, strconv.Itoa(n), "Member must have length between 1 and %d", maxValues)
	}
	return *list
}

// filtered is a filter as it is answered.
func filtered(filter finding.Filter) filterJSON {
	some := func(list []string) *[]string {
		if len(list) == 0 {
			return nil
		}
		return &list
	}
	out := filterJSON{}
	for key, c := range filter {
		out[key] = criterionJSON{some(c.Eq), some(c.Neq), some(c.Contains), c.Exists}
	}
	return out
}

func ruled(r Rule) ruleJSON {
	return ruleJSON{r.Name, filtered(r.Filter), at(r.CreatedAt), at(r.UpdatedAt)}
}

type ruleInput struct {
	Name     string     `json:"ruleName"`
	Analyzer string     `json:"analyzerArn"`
	Filter   filterJSON `json:"filter"`
	Token    string     `json:"clientToken"`
}

func createRule(c *call) (any, error) {
	in, err := body[ruleInput](c)
	if err != nil {
		return nil, err
	}
	var v validation
	ref, rule := c.named(&v), finding.ArchiveRule{Name: in.Name, Filter: v.filter("filter", in.Filter, ruleKeys[:])}
	v.name("ruleName", in.Name, ruleName)
	if err := v.err(); err != nil {
		return nil, err
	}
	return nil, c.o.Backend.CreateRule(c.ctx(), c.change(in.Token), ref, rule)
}

func updateRule(c *call) (any, error) {
	in, err := body[ruleInput](c)
	if err != nil {
		return nil, err
	}
	var v validation
	ref, name := c.namedRule(&v)
	rule := finding.ArchiveRule{Name: name, Filter: v.filter("filter", in.Filter, ruleKeys[:])}
	if err := v.err(); err != nil {
		return nil, err
	}
	return nil, c.o.Backend.UpdateRule(c.ctx(), c.change(in.Token), ref, rule)
}

// namedRule reads the analyzer and the rule in the path.
func (c *call) namedRule(v *validation) (Ref, string) {
	name := c.r.PathValue("ruleName")
	ref := c.named(v)
	v.name("ruleName", name, ruleName)
	return ref, name
}

func getRule(c *call) (any, error) {
	var v validation
	ref, name := c.namedRule(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	r, err := c.o.Backend.Rule(c.ctx(), ref, name)
	return struct {
		Rule ruleJSON `json:"archiveRule"`
	}{ruled(r)}, err
}

func listRules(c *call) (any, error) {
	q := c.r.URL.Query()
	var v validation
	ref := c.named(&v)
	scope := c.scope(ref.Name)
	page := c.page(&v, scope, q.Get("maxResults"), q.Get("nextToken"))
	if err := v.err(); err != nil {
		return nil, err
	}
	list, next, err := c.o.Backend.ListRules(c.ctx(), ref, page)
	out := struct {
		Rules []ruleJSON `json:"archiveRules"`
		Next  string     `json:"nextToken,omitzero"`
	}{Next: c.token(scope, next)}
	for _, r := range list {
		out.Rules = append(out.Rules, ruled(r))
	}
	return out, err
}

func deleteRule(c *call) (any, error) {
	var v validation
	ref, name := c.namedRule(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	return nil, c.o.Backend.DeleteRule(c.ctx(), c.change(c.r.URL.Query().Get("clientToken")), ref, name)
}

func applyRule(c *call) (any, error) {
	in, err := body[ruleInput](c)
	if err != nil {
		return nil, err
	}
	var v validation
	ref := c.analyzer(&v, "analyzerArn", in.Analyzer)
	v.name("ruleName", in.Name, ruleName)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := c.own(ref, in.Analyzer); err != nil {
		return nil, err
	}
	return nil, c.o.Backend.ApplyRule(c.ctx(), c.change(in.Token), ref, in.Name)
}
