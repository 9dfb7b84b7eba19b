package prove

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/policy"
)

// randomPair makes two small policies over a small vocabulary, so that they meet often:
// in five of six cases the second is the first after one to three small edits. All
// four relations come out in good numbers. The same r gives the same pair.
func randomPair(r *rand.Rand) (a, b *policy.Document) {
	g := generator{r}
	first := g.policy()
	second := g.policy()
	if r.IntN(6) > 0 {
		second = first.clone()
		for range 1 + r.IntN(3) {
			g.edit(&second)
		}
	}
	return first.parse("a.json"), second.parse("b.json")
}

// policyText is a policy as it is generated and edited, before it is written as JSON.
type policyText struct {
	Version   string `json:",omitzero"`
	Statement []statementText
}

type statementText struct {
	Effect      string
	Action      []string                       `json:",omitempty"`
	NotAction   []string                       `json:",omitempty"`
	Resource    []string                       `json:",omitempty"`
	NotResource []string                       `json:",omitempty"`
	Condition   map[string]map[string][]string `json:",omitempty"` // operator, key, values
}

func (p policyText) parse(name string) *policy.Document {
	src, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	doc, err := policy.Parse(name, src)
	if err != nil {
		panic(fmt.Sprintf("the generator made a policy that can't be parsed: %v\n%s", err, src))
	}
	return doc
}

func (p policyText) clone() policyText {
	p.Statement = slices.Clone(p.Statement)
	for i, st := range p.Statement {
		p.Statement[i] = st.clone()
	}
	return p
}

func (st statementText) clone() statementText {
	st.Action = slices.Clone(st.Action)
	st.NotAction = slices.Clone(st.NotAction)
	st.Resource = slices.Clone(st.Resource)
	st.NotResource = slices.Clone(st.NotResource)
	condition := map[string]map[string][]string{}
	for op, keys := range st.Condition {
		condition[op] = map[string][]string{}
		for key, values := range keys {
			condition[op][key] = slices.Clone(values)
		}
	}
	st.Condition = condition
	return st
}

type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// some draws one to n values.
func some[T any](g generator, n int, draw func() T) []T {
	var out []T
	for range 1 + g.IntN(n) {
		out = append(out, draw())
	}
	return out
}

func (g generator) policy() policyText {
	p := policyText{Version: pick(g, "2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", "")}
	p.Statement = some(g, 3, g.statement)
	p.Statement[0].Effect = "Allow"
	return p
}

func (g generator) statement() statementText {
	st := statementText{Effect: pick(g, "Allow", "Allow", "Deny"), Condition: map[string]map[string][]string{}}
	if actions := some(g, 3, g.action); g.IntN(6) == 0 {
		st.NotAction = actions
	} else {
		st.Action = actions
	}
	if resources := some(g, 2, g.resource); g.IntN(7) == 0 {
		st.NotResource = resources
	} else {
		st.Resource = resources
	}
	for range pick(g, 0, 0, 0, 1, 1, 2, 3) {
		g.addCondition(&st)
	}
	return st
}

// action draws an entry: exact, a prefix, `*` inside, `?`, a whole service, all.
func (g generator) action() string {
	service := pick(g, "s3", "s3", "S3", "ec2")
	name := pick(g, "GetObject", "GetObject", "getobjectacl", "GetObjectVersion", "PutObject", "ListBucket")
	switch g.IntN(12) {
	case 0, 1, 2, 3:
	case 4, 5, 6, 7:
		name = name[:1+g.IntN(len(name))] + "*"
	case 8:
		name = name[:1+g.IntN(3)] + "*" + name[len(name)-1-g.IntN(3):]
	case 9:
		name = pick(g, "*Object", "*Object*", "*ob*t*", "Get*Acl", "?etObject", "GetObject???", "?*")
	case 10:
		name = "*"
	case 11:
		return pick(g, "*", service+":"+strings.Replace(name, "e", "?", 1))
	}
	return service + ":" + name
}

func (g generator) resource() string {
	return pick(g, "*", "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x", "arn:aws:s3:::b/x*", "arn:aws:s3:::b*",
		"arn:aws:s3:::?/*", "arn:aws:s3:::*/x", "arn:aws:s3:::b/*/x", "arn:*:b/??", "arn:aws:s3:::b/\u00e9 \"q\"",
		"arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::b/${aws:userid, 'x'}",
		"arn:aws:s3:::b/${*}", "?*")
}

// family is a kind of condition key: its operators, keys and values.
type family struct {
	operators, keys, values []string
}

var families = []family{
	{
		[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
		[]string{"s3:prefix", "aws:RequestedRegion", "aws:username"},
		[]string{"x", "X", "xy", "x*", "*y", "?", "*", "x?z*", "${aws:username}", "${aws:userid}*"},
	},
	{
		[]string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
		[]string{"aws:SourceArn"},
		[]string{"arn:aws:s3:::b", "arn:aws:s3:::*", "arn:aws:*:::b", "arn:aws:sns:*:1:t", "arn:*:sns:?:1:t:u*", "arn:aws:sns:e:1:t"},
	},
	{
		[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		[]string{"s3:max-keys"},
		[]string{"0", "1", "10", "10.5", "-2", "10.50"},
	},
	{
		[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		[]string{"aws:CurrentTime"},
		[]string{"2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00", "1704067200", "2024-06-01T00:00:00Z", "2024-01-01T00:00:00.5Z"},
	},
	{[]string{"Bool"}, []string{"aws:SecureTransport"}, []string{"true", "false", "True"}},
	{[]string{"BinaryEquals"}, []string{"kms:Blob"}, []string{"QmluYXJ5", "AAE=", "aGk="}},
	{
		[]string{"IpAddress", "NotIpAddress"},
		[]string{"aws:SourceIp"},
		[]string{"203.0.113.0/24", "203.0.113.7", "203.0.113.0/25", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0"},
	},
}

// setKey is the key of a family that is used with ForAllValues and ForAnyValue.
func (f family) setKey() string { return f.keys[0] + "-set" }

// addCondition adds an operator on one key with one to three values: on a key that the
// statement has already, more often than not, so that conditions meet.
func (g generator) addCondition(st *statementText) {
	f := families[max(0, g.IntN(len(families)+3)-3)] // strings more often than the rest
	key := pick(g, f.keys...)
	if g.IntN(4) == 0 {
		key = f.setKey()
	}
	if there := st.conditions(); len(there) > 0 && g.IntN(2) == 0 {
		key = pick(g, there...)[1]
		f = familyOf(key)
	}
	op := pick(g, f.operators...)
	values := some(g, 3, func() string { return pick(g, f.values...) })
	if key == f.setKey() && g.IntN(6) > 0 {
		op = pick(g, "ForAllValues:", "ForAnyValue:") + op
	}
	switch g.IntN(6) {
	case 0:
		op += "IfExists"
	case 1:
		op, values = "Null", []string{pick(g, "true", "false")}
	}
	st.set(op, key, values)
}

func familyOf(key string) family {
	return families[slices.IndexFunc(families, func(f family) bool { return f.setKey() == key || slices.Contains(f.keys, key) })]
}

func (st *statementText) set(op, key string, values []string) {
	if st.Condition[op] == nil {
		st.Condition[op] = map[string][]string{}
	}
	st.Condition[op][key] = values
}

// edit makes one small change. Some leave the meaning as it is.
func (g generator) edit(p *policyText) {
	i := g.IntN(len(p.Statement))
	st := &p.Statement[i]
	switch g.IntN(12) {
	case 0: // the other order
		slices.Reverse(p.Statement)
	case 1:
		p.Statement = append(p.Statement, g.statement())
	case 2:
		if len(p.Statement) > 1 {
			p.Statement = slices.Delete(p.Statement, i, i+1)
		}
	case 3:
		p.Statement = append(p.Statement, st.clone())
		g.editList(&p.Statement[len(p.Statement)-1].Action, g.action)
	case 4, 5:
		g.editList(pick(g, &st.Action, &st.Action, &st.NotAction), g.action)
	case 6:
		g.editList(pick(g, &st.Resource, &st.Resource, &st.NotResource), g.resource)
	default:
		g.editCondition(st)
	}
}

// editList changes a list that isn't empty, and leaves it not empty.
func (g generator) editList(list *[]string, draw func() string) {
	if len(*list) == 0 {
		return
	}
	i := g.IntN(len(*list))
	entry := (*list)[i]
	switch g.IntN(6) {
	case 0:
		*list = append(*list, draw())
	case 1:
		if len(*list) > 1 {
			*list = slices.Delete(*list, i, i+1)
		}
	case 2:
		(*list)[i] = draw()
	case 3: // wider
		if strings.Contains(entry, ":") && !strings.HasSuffix(entry, "}") {
			(*list)[i] = entry + "*"
		}
	case 4: // narrower, mostly; a bare `*` is left as it is
		if strings.Contains(entry, ":") {
			(*list)[i] = strings.Replace(entry, "*", pick(g, "?", "x", "*x*"), 1)
		}
	case 5:
		*list = append(*list, entry)
	}
}

func (g generator) editCondition(st *statementText) {
	conditions := st.conditions()
	if len(conditions) == 0 || g.IntN(4) == 0 {
		g.addCondition(st)
		return
	}
	c := pick(g, conditions...)
	op, key := c[0], c[1]
	values := st.Condition[op][key]
	if delete(st.Condition[op], key); len(st.Condition[op]) == 0 {
		delete(st.Condition, op)
	}
	f := familyOf(key)
	switch g.IntN(7) {
	case 0: // gone
		return
	case 1:
		if op != "Null" {
			op = toggleSuffix(op, "IfExists")
		}
	case 2:
		values = append(values, values[0]) // the same
	case 3:
		values = values[:1]
	case 4:
		values = append(values, pick(g, f.values...))
	case 5:
		values[g.IntN(len(values))] = pick(g, f.values...)
	case 6:
		op = strings.NewReplacer("ForAllValues", "ForAnyValue", "ForAnyValue", "ForAllValues", "LessThanEquals", "LessThan",
			"GreaterThan", "GreaterThanEquals", "NotLike", "NotEquals", "Like", "Equals", "Not", "").Replace(op)
		op = strings.Replace(op, "EqualsEquals", "Equals", 1)
	}
	st.set(op, key, values)
}

// conditions lists the operators and keys, sorted.
func (st *statementText) conditions() [][2]string {
	var out [][2]string
	for op, keys := range st.Condition {
		for key := range keys {
			out = append(out, [2]string{op, key})
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	return out
}

func toggleSuffix(s, suffix string) string {
	if rest, ok := strings.CutSuffix(s, suffix); ok {
		return rest
	}
	return s + suffix
}
