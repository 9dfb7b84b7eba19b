package finding

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// ruleJSON is an archive rule in the API's shape. The times are those of
// list-archive-rules and aren't looked at.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ArchiveRuleSummary.html
type ruleJSON struct {
	Name      string                   `json:"ruleName"`
	Filter    map[string]criterionJSON `json:"filter"`
	CreatedAt jsontext.Value           `json:"createdAt,omitempty"`
	UpdatedAt jsontext.Value           `json:"updatedAt,omitempty"`
}

// criterionJSON tells a list that isn't there from an empty one.
type criterionJSON struct {
	Eq       *[]string `json:"eq,omitzero"`
	Neq      *[]string `json:"neq,omitzero"`
	Contains *[]string `json:"contains,omitzero"`
	Exists   *bool     `json:"exists,omitzero"`
}

const wantRules = `want [{"ruleName": "dev", "filter": {"resource": {"contains": ["dev-"]}}}], as list-archive-rules has it`

// ParseArchiveRules reads archive rules: a list of them, or an answer of
// list-archive-rules. No rule is []. The error is a policy.Errors with everything that is
// wrong; the name is for messages and isn't opened.
func ParseArchiveRules(name string, src []byte) ([]ArchiveRule, error) {
	p := ruleParser{name: name, src: src}
	if dec := jsontext.NewDecoder(bytes.NewReader(src)); dec.PeekKind() == '{' {
		var answer struct {
			Rules *[]ruleJSON `json:"archiveRules"`
		}
		switch {
		case !p.decode(&answer):
		case answer.Rules == nil:
			p.report("", "no archiveRules: %s", wantRules)
		default:
			p.rules("/archiveRules", *answer.Rules)
		}
	} else {
		var list *[]ruleJSON
		switch {
		case !p.decode(&list):
		case list == nil:
			p.report("", "null: %s", wantRules)
		default:
			p.rules("", *list)
		}
	}
	if len(p.errs) > 0 {
		return nil, p.errs
	}
	return p.out, nil
}

// ruleParser is a text with rules that is being read.
type ruleParser struct {
	name string
	src  []byte
	out  []ArchiveRule
	errs policy.Errors
}

// report adds an error at the value of a JSON pointer.
func (p *ruleParser) report(pointer, format string, args ...any) {
	p.reportAt(offsetOf(p.src, pointer), pointer, fmt.Sprintf(format, args...))
}

func (p *ruleParser) reportAt(offset int, pointer, message string) {
	line, column := policy.Position(p.src, offset)
	p.errs = append(p.errs, &policy.Error{Name: p.name, Line: line, Column: column, Pointer: pointer, Message: message})
}

// offsetOf is where the value of a JSON pointer begins; the start of the text if there is
// none.
func offsetOf(src []byte, pointer string) int {
	dec := jsontext.NewDecoder(bytes.NewReader(src))
	for {
		before := int(dec.InputOffset())
		if _, err := dec.ReadToken(); err != nil {
			return 0
		}
		kind, n := dec.StackIndex(dec.StackDepth())
		if string(dec.StackPointer()) != pointer || kind == '{' && n%2 == 1 {
			continue
		}
		return before + len(src[before:]) - len(bytes.TrimLeft(src[before:], " \t\r\n,:"))
	}
}

func (p *ruleParser) decode(out any) bool {
	err := json.Unmarshal(p.src, out, json.RejectUnknownMembers(true))
	if err == nil {
		return true
	}
	var sem *json.SemanticError
	var syn *jsontext.SyntacticError
	switch {
	case len(bytes.TrimSpace(p.src)) == 0:
		p.reportAt(0, "", "empty: "+wantRules)
	case errors.Is(err, io.ErrUnexpectedEOF):
		p.reportAt(len(p.src), "", "ends in the middle of a value: "+wantRules)
	case errors.As(err, &syn):
		p.reportAt(int(syn.ByteOffset), string(syn.JSONPointer), "not JSON: "+strings.TrimPrefix(syn.Err.Error(), "jsontext: "))
	case errors.As(err, &sem) && errors.Is(err, json.ErrUnknownName):
		p.report(string(sem.JSONPointer), "%q is no member here: want ruleName and filter, and in a criterion eq, neq, contains or exists", sem.JSONPointer.LastToken())
	case errors.As(err, &sem):
		p.report(string(sem.JSONPointer), "%s: %s", kindText(sem.JSONKind), wantRules)
	default:
		p.reportAt(0, "", err.Error())
	}
	return false
}

func kindText(k jsontext.Kind) string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	}
	return k.String()
}

func (p *ruleParser) rules(at string, all []ruleJSON) {
	seen := map[string]bool{}
	for i, r := range all {
		here := at + "/" + strconv.Itoa(i)
		switch {
		case r.Name == "":
			p.report(here, `no ruleName: %s`, wantRules)
		case !isRuleName(r.Name):
			p.report(here+"/ruleName", "%q: want a letter first, then letters, digits, and any of _.-, at most 255", r.Name)
		case seen[r.Name]:
			p.report(here+"/ruleName", "%q names an earlier rule too", r.Name)
		}
		seen[r.Name] = true
		if len(r.Filter) == 0 {
			p.report(here, "no filter, which would archive every finding: %s", wantRules)
		}
		rule := ArchiveRule{Name: r.Name, Filter: Filter{}}
		for _, key := range slices.Sorted(maps.Keys(r.Filter)) {
			rule.Filter[key] = p.criterion(string(jsontext.Pointer(here+"/filter").AppendToken(key)), key, r.Filter[key])
		}
		p.out = append(p.out, rule)
	}
}

// isRuleName follows the pattern of CreateArchiveRule.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateArchiveRule.html
func isRuleName(s string) bool {
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	for i := range len(s) {
		if c := s[i]; !letter(c) && (i == 0 || strings.IndexByte("0123456789_.-", c) < 0) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 255
}

// maxValues is how many values AWS takes in a list of a criterion.
const maxValues = 20

func (p *ruleParser) criterion(at, key string, c criterionJSON) Criterion {
	switch k, ok := keyNamed(key); {
	case !ok:
		p.report(at, "%q is no filter key: want one of %s", key, ruleKeys())
	case k.listing:
		p.report(at, "archive rules don't look at %s: want one of %s", key, ruleKeys())
	}
	out := Criterion{Exists: c.Exists}
	for _, l := range [...]struct {
		name string
		in   *[]string
		out  *[]string
	}{{"eq", c.Eq, &out.Eq}, {"neq", c.Neq, &out.Neq}, {"contains", c.Contains, &out.Contains}} {
		if l.in == nil {
			continue
		}
		if n := len(*l.in); n == 0 || n > maxValues {
			p.report(at+"/"+l.name, "%d values: want 1 to %d", n, maxValues)
		}
		if slices.Contains(*l.in, "") {
			p.report(at+"/"+l.name, "an empty text: want a value to compare with")
		}
		*l.out = *l.in
	}
	if c == (criterionJSON{}) {
		p.report(at, "no operator: want eq, neq, contains or exists")
	}
	return out
}

// ruleKeys lists the keys of archive rules.
func ruleKeys() string {
	var names []string
	for _, k := range filterKeys {
		if !k.listing {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ", ")
}

// MarshalJSONTo writes the rule in the API's shape, its keys sorted.
func (r ArchiveRule) MarshalJSONTo(enc *jsontext.Encoder) error {
	filter := make(map[string]criterionJSON, len(r.Filter))
	some := func(list []string) *[]string {
		if len(list) == 0 {
			return nil
		}
		return &list
	}
	for key, c := range r.Filter {
		filter[key] = criterionJSON{some(c.Eq), some(c.Neq), some(c.Contains), c.Exists}
	}
	return json.MarshalEncode(enc, ruleJSON{Name: r.Name, Filter: filter}, json.Deterministic(true))
}
