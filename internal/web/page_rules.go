package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

func rulesRoutes() []route {
	return []route{
		{"GET /rules", store.Viewer, "Rules", (*visit).rules},
		{"GET /rules/edit", store.Viewer, "", (*visit).editRule},
		{"POST /rules/save", store.Operator, "", (*visit).saveRule},
		{"POST /rules/delete", store.Operator, "", (*visit).deleteRule},
		{"POST /rules/apply", store.Operator, "", (*visit).applyRule},
	}
}

// rulesPage is the archive rules of an analyzer, in the order in which they are tried.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-archive-rules.html
type rulesPage struct {
	Sizes   []option
	Items   []ruleItem
	Pager   pager
	Exports []export
}

type ruleItem struct {
	store.Rule
	Criteria []criterionText
}

// criterionText is a criterion in words.
type criterionText struct {
	Key, Operator string
	Values        []string
}

var ruleColumns = []column[store.Rule]{
	{"name", func(r store.Rule) token { return text(r.Name) }},
	{"filter", func(r store.Rule) token { return text(filterJSON(r.ArchiveRule)) }},
	{"createdAt", func(r store.Rule) token { return stamp(r.CreatedAt) }},
	{"updatedAt", func(r store.Rule) token { return stamp(r.UpdatedAt) }},
}

// filterJSON is a rule as the API has it; "" of one that can't be written, as of what
// isn't UTF-8.
func filterJSON(r finding.ArchiveRule) string {
	src, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(src)
}

func (v *visit) rules() (answer, error) {
	p := rulesPage{Sizes: v.sizes()}
	out := page{name: "rules", title: "Archive rules", menu: "GET /rules"}
	if v.analyzer.ARN == "" {
		out.data = p
		return out, nil
	}
	list := func(at store.Page) (store.Part[store.Rule], error) {
		return v.site.Store.Rules(v.Context(), v.analyzer.ARN, at)
	}
	if v.query("format") != "" {
		return exported(v, sheet[store.Rule]{"rules-" + v.analyzer.Name, ruleColumns, ruleTold, list})
	}
	part, err := list(v.asked())
	if err != nil {
		return nil, err
	}
	for _, r := range part.Items {
		p.Items = append(p.Items, ruleItem{r, criteriaTexts(r.Filter)})
	}
	p.Pager, p.Exports = v.pager(part.Next, len(part.Items)), v.exports()
	out.data = p
	return out, nil
}

func criteriaTexts(f finding.Filter) []criterionText {
	var out []criterionText
	for _, key := range slices.Sorted(maps.Keys(f)) {
		for _, op := range ruleOperators {
			if values, ok := op.of(f[key]); ok {
				out = append(out, criterionText{labelOf(ruleKeys[:], key), op.label, values})
			}
		}
	}
	return out
}

func labelOf(options []option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

// rulePage is a rule that is looked at, changed, or made, with what it would archive.
type rulePage struct {
	Form     ruleForm
	Crumbs   []crumb
	Criteria []criterionText
	Ready    bool // the form is a rule, and what follows is what it matches
	Matches  store.StatusCount
	Items    []store.Item
}

// mostMatches is how many findings a preview shows.
const mostMatches = 20

// editRule shows a rule, a changed one, or an empty form. Nothing is saved.
func (v *visit) editRule() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer that could have rules")
	}
	form := ruleForm{Old: v.query("rule")}
	switch _, sent := v.Form["key"]; {
	case sent:
		form = v.readRule()
	case form.Old != "":
		r, err := v.site.Store.Rule(v.Context(), v.analyzer.ARN, form.Old)
		if err != nil {
			return nil, err
		}
		form = formOf(r.ArchiveRule)
	}
	form.fill()
	return v.rulePage(form, 0)
}

func (v *visit) rulePage(form ruleForm, status int) (answer, error) {
	title := "New archive rule"
	if form.Old != "" {
		title = "Archive rule " + form.Old
	}
	p := rulePage{Form: form, Crumbs: []crumb{{"Rules", v.Link("/rules")}, {title, ""}}, Ready: len(form.rule.Filter) > 0 && !form.filterWrong()}
	if p.Ready {
		p.Criteria = criteriaTexts(form.rule.Filter)
		if err := v.fillMatches(&p, form.rule.Filter); err != nil {
			return nil, err
		}
	}
	return page{name: "rule", title: title, menu: "GET /rules", status: status, data: p}, nil
}

// fillMatches looks up what a filter matches now.
func (v *visit) fillMatches(p *rulePage, f finding.Filter) error {
	q := store.Query{Analyzer: v.analyzer.ARN, Filter: maps.Clone(f), Sort: store.Sort{By: store.ByUpdate, Descending: true}}
	var err error
	if p.Matches, err = v.site.Store.StatusCounts(v.Context(), q); err != nil {
		return err
	}
	q.Filter["status"] = finding.Criterion{Eq: []string{string(finding.Active)}}
	part, err := v.site.Store.Findings(v.Context(), q, store.Page{Limit: mostMatches})
	p.Items = part.Items
	return err
}

// saveRule makes a rule, or changes one. What is wrong with it stands beside the fields.
func (v *visit) saveRule() (answer, error) {
	if v.analyzer.ARN == "" {
		return nil, missing("there is no analyzer that could have rules")
	}
	form := v.readRule()
	if form.fill(); form.wrong() {
		return v.rulePage(form, 400)
	}
	if form.Old != "" {
		if err := v.site.Store.UpdateRule(v.Context(), v.by(), v.analyzer.ARN, form.rule); err != nil {
			return nil, err
		}
		return v.back(v.Link("/rules"), "saved", 1), nil
	}
	if err := v.site.Store.CreateRule(v.Context(), v.by(), v.analyzer.ARN, form.rule, ""); err != nil {
		return nil, err
	}
	return v.back(v.Link("/rules"), "added", 1), nil
}

func (v *visit) deleteRule() (answer, error) {
	if err := v.site.Store.DeleteRule(v.Context(), v.by(), v.analyzer.ARN, v.PostForm.Get("rule")); err != nil {
		return nil, err
	}
	return v.back(v.Link("/rules"), "deleted", 1), nil
}

// applyRule archives the findings that there are; new ones the next run archives.
func (v *visit) applyRule() (answer, error) {
	n, err := v.site.Store.ApplyRule(v.Context(), v.by(), v.analyzer.ARN, v.PostForm.Get("rule"))
	if err != nil {
		return nil, err
	}
	return v.back(v.Link("/rules"), "archived", n), nil
}

// lines are the lines of a field that has several, without blanks around each.
func lines(field string) []string {
	var out []string
	for line := range strings.Lines(field) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
