package web

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/policy"
)

// ruleForm is an archive rule as a form has it: criteria row by row.
type ruleForm struct {
	Old   string // the rule that is changed; "" for a new one
	Name  string
	Rows  []ruleRow
	Wrong string // with the rule as a whole

	NameWrong string
	rule      finding.ArchiveRule
}

// ruleRow is one criterion with one operator.
type ruleRow struct {
	Number    int // from 1
	Key, Op   string
	Keys, Ops []option
	Values    string // one a line
	Wrong     string
}

// ruleKeys are the keys of finding.Filter that archive rules know.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-filter-keys.html
var ruleKeys = [...]option{
	{Value: "resource", Label: "ARN of the role or user"}, {Value: "resourceOwnerAccount", Label: "Account"}, {Value: "findingType", Label: "Type of finding"},
	{Value: "resourceType", Label: "Role or user"}, {Value: "id", Label: "ID of the finding"}, {Value: "error", Label: "Error"},
}

// ruleOperator is what a value is compared by.
type ruleOperator struct {
	name, label string
	member      string // of Criterion, as the API writes it
	bare        bool   // it has no values
	of          func(finding.Criterion) (values []string, set bool)
	set         func(*finding.Criterion, []string)
}

var ruleOperators = [...]ruleOperator{
	{"contains", "contains", "contains", false, func(c finding.Criterion) ([]string, bool) { return c.Contains, len(c.Contains) > 0 },
		func(c *finding.Criterion, v []string) { c.Contains = v }},
	{"eq", "is", "eq", false, func(c finding.Criterion) ([]string, bool) { return c.Eq, len(c.Eq) > 0 },
		func(c *finding.Criterion, v []string) { c.Eq = v }},
	{"neq", "is not", "neq", false, func(c finding.Criterion) ([]string, bool) { return c.Neq, len(c.Neq) > 0 },
		func(c *finding.Criterion, v []string) { c.Neq = v }},
	{"exists", "has a value", "exists", true, func(c finding.Criterion) ([]string, bool) { return nil, c.Exists != nil && *c.Exists },
		func(c *finding.Criterion, _ []string) { c.Exists = new(true) }},
	{"missing", "has no value", "exists", true, func(c finding.Criterion) ([]string, bool) { return nil, c.Exists != nil && !*c.Exists },
		func(c *finding.Criterion, _ []string) { c.Exists = new(false) }},
}

func operatorNamed(name string) (ruleOperator, bool) {
	i := slices.IndexFunc(ruleOperators[:], func(o ruleOperator) bool { return o.name == name })
	if i < 0 {
		return ruleOperator{}, false
	}
	return ruleOperators[i], true
}

// formOf is the form of a rule that there is.
func formOf(r finding.ArchiveRule) ruleForm {
	out := ruleForm{Old: r.Name, Name: r.Name, rule: r}
	for _, key := range slices.Sorted(maps.Keys(r.Filter)) {
		for _, op := range ruleOperators {
			if values, ok := op.of(r.Filter[key]); ok {
				out.Rows = append(out.Rows, ruleRow{Key: key, Op: op.name, Values: strings.Join(values, "\n")})
			}
		}
	}
	return out
}

// readRule reads the form that was sent, and notes what is wrong with it. Rows without a
// key aren't looked at.
func (v *visit) readRule() ruleForm {
	form := ruleForm{Old: v.Form.Get("rule"), Name: strings.TrimSpace(v.Form.Get("name"))}
	if form.Old != "" {
		form.Name = form.Old
	}
	at := func(name string, i int) string {
		if all := v.Form[name]; i < len(all) {
			return all[i]
		}
		return ""
	}
	for i, key := range v.Form["key"] {
		if key != "" {
			form.Rows = append(form.Rows, ruleRow{Key: key, Op: at("op", i), Values: strings.Join(lines(at("values", i)), "\n")})
		}
	}
	form.read()
	return form
}

// read makes a rule of the rows.
func (f *ruleForm) read() {
	f.rule = finding.ArchiveRule{Name: f.Name, Filter: finding.Filter{}}
	if len(f.Rows) == 0 {
		f.Wrong = "no criterion, which would archive every finding: choose one at least"
		return
	}
	for i := range f.Rows {
		row := &f.Rows[i]
		op, ok := operatorNamed(row.Op)
		c := f.rule.Filter[row.Key]
		_, twice := op.ofOrNone(c)
		switch {
		case !ok:
			row.Wrong = "no operator: choose one"
		case twice:
			row.Wrong = "this stands above already: put its values there"
		case !op.bare && row.Values == "":
			row.Wrong = "no value: want one a line"
		default:
			op.set(&c, lines(row.Values))
			f.rule.Filter[row.Key] = c
		}
	}
	f.check()
}

// ofOrNone is of; not set for the zero value.
func (o ruleOperator) ofOrNone(c finding.Criterion) ([]string, bool) {
	if o.of == nil {
		return nil, false
	}
	if o.member == "exists" {
		return nil, c.Exists != nil
	}
	return o.of(c)
}

// check has the rule read as the API's, and puts what is wrong beside its field.
func (f *ruleForm) check() {
	src, err := json.Marshal([]finding.ArchiveRule{f.rule})
	if err == nil {
		_, err = finding.ParseArchiveRules("the rule", src)
	}
	wrong, ok := errors.AsType[policy.Errors](err)
	if err != nil && !ok {
		f.Wrong = err.Error()
	}
	for _, e := range wrong {
		f.put(e)
	}
}

func (f *ruleForm) put(e *policy.Error) {
	rest, inFilter := strings.CutPrefix(e.Pointer, "/0/filter/")
	switch {
	case e.Pointer == "/0/ruleName" || f.Name == "" && e.Pointer == "/0":
		f.NameWrong = strings.TrimPrefix(e.Message, `"" `)
		if f.Name == "" {
			f.NameWrong = "no name: want a letter first, then letters, digits, and any of _.-"
		}
		return
	case inFilter:
		key, member, _ := strings.Cut(rest, "/")
		for i := range f.Rows {
			op, _ := operatorNamed(f.Rows[i].Op)
			if f.Rows[i].Key == key && (member == "" || op.member == member) {
				f.Rows[i].Wrong = e.Message
				return
			}
		}
	}
	if len(f.rule.Filter) > 0 { // else a row says it
		f.Wrong = e.Message
	}
}

func (f *ruleForm) wrong() bool { return f.NameWrong != "" || f.filterWrong() }

func (f *ruleForm) filterWrong() bool {
	return f.Wrong != "" || slices.ContainsFunc(f.Rows, func(r ruleRow) bool { return r.Wrong != "" })
}

// spareRows are offered beside those that are filled in.
const spareRows = 2

// fill adds empty rows, and the choices of all.
func (f *ruleForm) fill() {
	f.Rows = append(f.Rows, make([]ruleRow, spareRows)...)
	for i := range f.Rows {
		row := &f.Rows[i]
		row.Number = i + 1
		row.Keys = []option{{"", "–", row.Key == ""}}
		for _, k := range ruleKeys {
			row.Keys = append(row.Keys, option{k.Value, k.Label, k.Value == row.Key})
		}
		for _, o := range ruleOperators {
			row.Ops = append(row.Ops, option{o.name, o.label, o.name == row.Op})
		}
	}
}
