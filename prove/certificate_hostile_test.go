package prove

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// Texts and names that a file could mistake for its own: quotes, escapes, the ends of
// comments and symbols, other symbols, letters whose case isn't A to Z's.
var (
	hostilePieces = []string{
		`"`, `""`, `\`, `\u{41}`, `\u0041`, `u{41}`, "|", ";", ")", "%41", " ", ":", "a", "A", "k", "K", "\u212a", "\u0131", "\u017f",
		"é", "É", "😀", "\U0002ffff", "\x00", "\n(assert false)\n", "\r", "\x7f", "\ue000", "[", "^", "@", "`", "true", "TRUE",
	}
	hostileWild = []string{
		"*", "?", "**", "?*", "${*}", "${?}", "${$}", "$", "${k:a}", "${K:A}", "${k:b, ''}", "${k:c|d, '*'}", "${old}", "${true}", "${action}",
	}
	hostileKeys = []string{
		"k:a", "K:A", "k:b", "k:a 1", "k:a%201", "k:c|d", `k:\`, "k:\n", "k:é", "k:É", `k:"`, "has k:a", "k:a is nothing", "@k:a", "old:", ":",
	}
	textOperators = []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"ArnLike", "ArnNotEquals", "Bool", "Null",
	}
)

// hostile draws texts, patterns and requests.
type hostile struct{ generator }

func (h hostile) text() string {
	var b strings.Builder
	for range h.IntN(4) {
		b.WriteString(pick(h.generator, hostilePieces...))
	}
	return b.String()
}

func (h hostile) pattern() string {
	var text strings.Builder
	text.WriteString(h.text())
	for range h.IntN(4) {
		text.WriteString(pick(h.generator, hostileWild...) + pick(h.generator, "", h.text()))
	}
	return pick(h.generator, "", "", "arn:a:b:c:d:", "arn:*:b?:c:d:") + text.String()
}

func (h hostile) policy() policyText {
	st := statementText{Effect: "Allow", Action: []string{"s3:get*"}, Resource: []string{pick(h.generator, "*", h.pattern()+"?")}}
	st.Condition = map[string]map[string][]string{}
	for range h.IntN(4) {
		op := pick(h.generator, textOperators...)
		if op != "Null" {
			op = pick(h.generator, "", "", "ForAllValues:", "ForAnyValue:") + op + pick(h.generator, "", "", "IfExists")
		}
		st.set(op, pick(h.generator, hostileKeys...), some(h.generator, 3, h.pattern)[h.IntN(2):])
	}
	return policyText{Version: pick(h.generator, "2012-10-17", "2012-10-17", "2008-10-17"), Statement: []statementText{st}}
}

// near draws a text that matches a pattern, or almost.
func (h hostile) near(pattern string, values map[string][]string) string {
	for key, list := range values {
		if len(list) == 1 {
			pattern = strings.ReplaceAll(pattern, "${"+key+"}", list[0])
		}
	}
	for _, keep := range []string{"*", "?", "$"} {
		pattern = strings.ReplaceAll(pattern, "${"+keep+"}", keep)
	}
	if h.IntN(4) > 0 {
		pattern = strings.ReplaceAll(pattern, "?", pick(h.generator, "x", "😀", "", ":"))
	}
	if h.IntN(4) > 0 {
		pattern = strings.ReplaceAll(pattern, "*", pick(h.generator, h.text(), "", ":"))
	}
	return pick(h.generator, pattern, pattern, pattern, strings.ToUpper(pattern), pattern+"x", h.text())
}

func (h hostile) request(p policyText, e *encoder) access.Request {
	req := access.Request{Action: policy.Action{Service: "s3", Name: "getobject"}, Context: access.Context{}}
	st := p.Statement[0]
	var patterns []string
	for _, c := range st.conditions() {
		patterns = append(patterns, st.Condition[c[0]][c[1]]...)
	}
	patterns = append(patterns, h.pattern(), "")
	for _, k := range e.keys {
		for range min(len(k.slots), h.IntN(3)) {
			req.Context[k.name] = append(req.Context[k.name], h.near(pick(h.generator, patterns...), req.Context))
		}
	}
	if req.Resource = h.near(st.Resource[0], req.Context); req.Resource == "" {
		req.Resource = "x"
	}
	return req
}

// is says in SMT-LIB that the request is this one, of keys that are read as text.
func (e *encoder) is(req access.Request) term {
	all := and(equal(action, quote(req.Action.String())), equal(resource, quote(req.Resource)))
	for _, k := range e.keys {
		for i, s := range k.slots {
			switch values := req.Context[k.name]; {
			case i >= len(values):
				all = and(all, not(s.used))
			case k.read == asText:
				all = and(all, s.used, equal(s.value, quote(values[i])))
			default:
				all = and(all, s.used)
			}
		}
	}
	return all
}

// A definition in a certificate and access.Allows are the same function of a request,
// whatever the texts and names.
func TestHostileTexts(t *testing.T) {
	const policies, requests = 150, 12
	o := &oracle{T: t, solver: startSolver(t, patience)}
	defer func() { o.solver.stop() }()
	asked, allowed := 0, 0
	for i := range policies {
		h := hostile{generator{rand.New(rand.NewPCG(uint64(setting(t, "PARE_ORACLE_SEED", 1)), uint64(i)))}}
		p := h.policy()
		o.a, o.b, o.tried = p.parse("a\n(assert false).json"), p.parse("b\r(assert false).json"), i
		e, err := encode(side{"old", []*policy.Document{o.a}})
		var inexpressible *NotExpressibleError
		if errors.As(err, &inexpressible) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		o.encoder = e
		o.send("(push 1)\n" + e.out.String())
		for range requests {
			req := h.request(p, e)
			o.send("(push 1)\n" + app("assert", e.is(req)).line())
			got, err := o.solver.ask(app("assert", app("old", action)).line() + "\n(check-sat)\n(pop 1)")
			if err != nil {
				t.Fatal(err)
			}
			want := access.Allows(o.a, req)
			if asked++; want {
				allowed++
			}
			if got != map[bool]string{true: "sat", false: "unsat"}[want] {
				o.disagree("request %q: Allows %v, cvc5 %s", req, want, got)
			}
		}
		o.send("(pop 1)")
	}
	t.Logf("%d requests, %d allowed", asked, allowed)
	if asked < policies*requests/2 || allowed < asked/10 {
		t.Errorf("%d requests, %d allowed: want more of them", asked, allowed)
	}
}

// Every pattern of up to four pieces with a variable, on every short text: what is said
// with string functions is what Allows says.
func TestShortPatternsWithVariables(t *testing.T) {
	o := &oracle{T: t, solver: startSolver(t, patience)}
	defer func() { o.solver.stop() }()
	patterns := []string{""}
	for i := 0; len(patterns[i]) < 4; i++ {
		for _, piece := range []string{"x", "?", "*", "v"} {
			patterns = append(patterns, patterns[i]+piece)
		}
	}
	for _, p := range patterns {
		if !strings.Contains(p, "v") {
			continue
		}
		o.a = parse(t, condition(fmt.Sprintf(`"StringLike":{"k:a":%q}`, strings.ReplaceAll(p, "v", "${k:v}"))))
		o.b = o.a
		e, err := encode(side{"old", []*policy.Document{o.a}})
		var inexpressible *NotExpressibleError
		if errors.As(err, &inexpressible) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		var differs []term
		for _, value := range []string{"", "x", "xx"} {
			for _, text := range []string{"", "x", "y", "xx", "xy", "yx", "xyx", "xxx"} {
				req := access.Request{
					Action: policy.Action{Service: "s3", Name: "getobject"}, Resource: "r", Context: access.Context{"k:a": {text}, "k:v": {value}},
				}
				allowed := app("old", action)
				if access.Allows(o.a, req) {
					allowed = not(allowed)
				}
				differs = append(differs, and(e.is(req), allowed))
			}
		}
		o.send("(push 1)\n" + e.out.String())
		if got, err := o.solver.ask(app("assert", or(differs...)).line() + "\n(check-sat)"); got != "unsat" {
			o.disagree("%s: %v, of %+v", got, err, o.solver.request(e))
		}
		o.send("(pop 1)")
	}
}

// condition is a policy with one statement and a condition.
func condition(c string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{` + c + `}}}`
}

// How certificates read values is how Allows reads them: each value is compared with each,
// by the constants and by a request.
func TestValuesAreReadAsAllowsReadsThem(t *testing.T) {
	tests := []struct {
		operators []string
		values    []string
	}{
		{
			[]string{"NumericEquals", "NumericLessThan", "NumericGreaterThanEquals"},
			[]string{
				"0", "-0", "+0", "00", "0.0", "0e0", "1", "+1", "01", "1.0", "10e-1", "1E0", "1e+0", "100e-002", "1e-999", "-1e999", "1e999", "1e1000",
				".5", "5.", "0x1", "1_0", "Inf", "NaN", "1/2", "", " 1", "1 ", "1\n", "--1", "٣", "1e", "0.5e1",
			},
		},
		{
			[]string{"DateEquals", "DateLessThan", "DateGreaterThanEquals"},
			[]string{
				"0002", "2020", "2020-01", "2020-01-01", "2020-01-01T00:00Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00z", "2020-01-01t00:00:00Z",
				"2020-01-01T00:00", "2020-01-01T00:00:00", "2020-01-01T00:00:00.0Z", "2020-01-01T00:00:00.000000001Z",
				"2020-01-01T00:00:00.0000000001Z", "2020-01-01T00:00:00,5Z", "2020-01-01T00:00:00.Z", "2020-01-01T00:00.5Z",
				"2020-01-01T23:59:00+23:59", "2019-12-31T00:01:00-23:59", "2020-01-02T00:00:00+24:00", "2020-01-01T23:60:00Z", "2020-01-01T01:00:00+00:60",
				"2020-01-01T24:00:00Z", "2020-01-01T00:00:60Z", "2020-02-30", "2020-13", "2020-1-1", "1577836800", "01577836800", "+1577836800",
				"1577836800.0", "1577836800e0", "-2020", "02020", "-0", "0", "", "2020 ", "1969-12-31T23:59:59.999999999Z", "-1", "9998",
			},
		},
		{
			[]string{"IpAddress"},
			[]string{
				"0.0.0.0", "0.0.0.0/0", "::", "::/0", "1.2.3.4", "::ffff:1.2.3.4", "::ffff:1.2.3.4/120", "::ffff:0:0/96", "::ffff:102:304", "::1.2.3.4",
				"1.2.3.4/32", "1.2.3.255/24", "1.2.3.4/33", "1.2.3.4/08", "01.2.3.4", "1.2.3", "::1%eth0", "::1/128", "fe80::1%1/64", "2001:DB8::/32",
				"2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "255.255.255.255", "", " 1.2.3.4", "1.2.3.4/+8", "1.2.3.4/0.0.0.0",
			},
		},
		{[]string{"Bool"}, []string{"true", "TRUE", "tRuE", "false", "False", "1", "0", "", " true", "trueſ", "faſe", "yes"}},
		{[]string{"BinaryEquals"}, []string{"QUI=", "QU\nI=", "QUI", "QUJ=", "", "=", "QUI=\n", "_-8=", "/+8=", "!"}},
	}
	for _, tt := range tests {
		for _, operator := range tt.operators {
			for _, in := range tt.values {
				doc := parse(t, condition(fmt.Sprintf(`%q:{"k:a":%q}`, operator, in)))
				for _, is := range tt.values {
					req := access.Request{
						Action: policy.Action{Service: "s3", Name: "getobject"}, Resource: "r", Context: access.Context{"k:a": {is}},
					}
					if got, want := compareConstants(operator, is, in), access.Allows(doc, req); got != want {
						t.Errorf("%s %q to %q: the constants say %v, Allows says %v", operator, is, in, got, want)
					}
				}
			}
		}
	}
}

// compareConstants compares a value of a request with one of a policy by what certificates
// make of them.
func compareConstants(operator, is, in string) bool {
	switch {
	case operator == "Bool":
		a, ok1 := readBool(is)
		b, ok2 := readBool(in)
		return ok1 && ok2 && a == b
	case operator == "BinaryEquals":
		a, ok1 := canonicalBase64(is)
		b, ok2 := canonicalBase64(in)
		return ok1 && ok2 && a == b
	case operator == "IpAddress":
		a, ok1 := readRange(is)
		b, ok2 := readRange(in)
		return ok1 && ok2 && a.v6 == b.v6 && a.first.Cmp(a.last) == 0 && b.first.Cmp(a.first) <= 0 && a.last.Cmp(b.last) <= 0
	}
	read := realConstant
	if strings.HasPrefix(operator, "Date") {
		read = dateConstant
	}
	a, ok1, _ := read(is)
	b, ok2, _ := read(in)
	if !ok1 || !ok2 {
		return false
	}
	parsed := func(t term) sexpr { e, _ := parseSexpr(t.line()); return e }
	sign := parsed(a).rational().Cmp(parsed(b).rational())
	switch {
	case strings.HasSuffix(operator, "LessThan"):
		return sign < 0
	case strings.HasSuffix(operator, "GreaterThanEquals"):
		return sign >= 0
	}
	return sign == 0
}

// Names of keys are an author's: none is another's symbol, SMT-LIB's or one of ours.
func TestEveryNameHasASymbolOfItsOwn(t *testing.T) {
	names := append([]string{
		"", "old", "action", "resource", "true", "str.len", "k", "k 1", "has k", "has k:a 1", "k:a 1 is IPv6", "k:a is a number", "service s3", "service s3:",
		"old statement 0", "old statement 0 applies", "old denies", "group 1", "%6fld", "%", "%25", "k:%20", "k: ", ".k:a", "k:|", "k:%7c",
		"k:" + strings.Repeat("long", 10000), "k:" + strings.Repeat("long", 10000) + "!",
	}, hostileKeys...)
	taken := map[string]string{}
	for _, name := range names {
		w := word(name)
		if other, there := taken[w]; there {
			t.Errorf("%q and %q are both %q", name, other, w)
		}
		taken[w] = name
		if strings.ContainsAny(w, " |\\\n") || w != "" && !strings.ContainsAny(w, ":%") {
			t.Errorf("%q is %q, which can't be a word of a symbol or isn't marked as a name", name, w)
		}
	}
}

// What an author wrote stands in comments, which a line break must not end.
func TestNothingBreaksOutOfAComment(t *testing.T) {
	const breaks = "x\n(check-sat)\r(check-sat)\u0085\u2028(check-sat)"
	src := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":"Allow","Action":%[2]q,"Resource":%[1]q,
		"Condition":{"StringEquals":{%[3]q:%[1]q},"ForAnyValue:StringLike":{%[4]q:["${%[5]s}","${x:y, '%[5]s'}"]}}}]}`,
		breaks, "s3:"+breaks, "k:"+breaks, "m:"+breaks, strings.ReplaceAll(strings.ReplaceAll(breaks, "\n", `\n`), "\r", `\r`))
	doc, err := policy.Parse("name "+breaks, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	x := readExample(t, "myrole")
	x.old, x.unused = doc, usage.Of(nil, []string{breaks, "|"})
	var got []int
	for _, c := range x.certificates(t, doc) {
		if i := strings.IndexFunc(string(c.Text), func(r rune) bool { return r != '\n' && r < ' ' || r > '~' && r != '…' }); i >= 0 {
			t.Errorf("%s has %q", c.Name, c.Text[i:i+10])
		}
		got = append(got, len(answers(t, c.Text)))
	}
	if diff := cmp.Diff([]int{1, 1, 1}, got); diff != "" {
		t.Errorf("answers of each certificate (-want +got):\n%s", diff)
	}
}

// What stands before the negated claim can be true, and with access: no answer is unsat
// because the file contradicts itself.
func TestPreamblesAreSat(t *testing.T) {
	myrole, s3readonly := readExample(t, "myrole"), readExample(t, "s3readonly")
	tests := map[string][]Certificate{
		"myrole": myrole.certificates(t, myrole.recommended), "s3readonly": s3readonly.certificates(t, s3readonly.recommended),
	}
	for _, c := range []string{
		`"IpAddress":{"k:a":["10.0.0.0/8","::/0"]}`, `"NotIpAddress":{"k:a":"10.0.0.0/8"}`, `"NumericLessThan":{"k:a":"-1e3"}`,
		`"DateGreaterThan":{"k:a":"9998"}`, `"BinaryEquals":{"k:a":"QUI="}`, `"Null":{"k:a":"true"}`, `"Null":{"k:a":["false","x"]}`,
		`"StringNotEquals":{"k:a":[]}`, `"ForAllValues:IpAddress":{"k:a":["10.0.0.0/8","::1"]},"ForAnyValue:NotIpAddress":{"k:a":"10.0.0.1"}`,
		`"ForAllValues:StringEquals":{"k:a":"x"},"Null":{"K:A":"false"},"ForAnyValue:StringLike":{"k:A":"${k:b}*"}`,
		`"StringEquals":{"k:a":"x"},"StringNotEquals":{"K:A":"y"}`,
	} {
		doc := parse(t, condition(c))
		certs, err := Certificates(myrole.catalog, doc, []*policy.Document{doc}, usage.Unused{})
		if err != nil {
			t.Fatal(err)
		}
		tests[c] = certs
	}
	for name, certs := range tests {
		for _, c := range certs {
			preamble, _, found := strings.Cut(string(c.Text), "(push 1)")
			if got := answers(t, []byte(preamble+"(check-sat)\n(assert (new action))\n(check-sat)\n")); !found || cmp.Diff([]string{"sat", "sat"}, got) != "" {
				t.Errorf("%s: %s without its claim is %v", name, c.Name, got)
			}
		}
	}
}

// Two policies with hostile texts, the second an edit of the first: cvc5 and Compare say
// the same of them, and what cvc5 finds replays.
func TestHostilePairs(t *testing.T) {
	o := &oracle{T: t, solver: startSolver(t, solverLimit), relations: map[Relation]int{}}
	defer func() { o.solver.stop() }()
	for ; o.tried < setting(t, "PARE_HOSTILE_PAIRS", 60); o.tried++ {
		h := hostile{generator{rand.New(rand.NewPCG(uint64(setting(t, "PARE_ORACLE_SEED", 1)), uint64(o.tried)))}}
		a := h.policy()
		o.a, o.b = a.parse("a"), h.edited(a).parse("b")
		var err error
		if o.encoder, err = encode(side{"a", []*policy.Document{o.a}}, side{"b", []*policy.Document{o.b}}); err != nil {
			continue
		}
		o.send("(push 1)\n" + o.encoder.out.String())
		onlyA := o.sat("only a", and(app("a", action), not(app("b", action))), (*oracle).onlyA)
		onlyB := o.sat("only b", and(app("b", action), not(app("a", action))), (*oracle).onlyB)
		o.send("(pop 1)")
		got := Compare(o.a, o.b)
		if onlyA == unknown || onlyB == unknown || got.Relation == UndecidedRelation {
			continue
		}
		want := relationOf(onlyA == sat, onlyB == sat)
		o.relations[want]++
		if got.Relation != want {
			o.disagree("Compare says %v (only a: %v, only b: %v), cvc5 says %v", got.Relation, got.OnlyA, got.OnlyB, want)
		}
	}
	t.Logf("%d pairs, %v", o.tried, o.relations)
}

// edited changes one condition or the resource, in meaning or not.
func (h hostile) edited(p policyText) policyText {
	p = p.clone()
	st := &p.Statement[0]
	conditions := st.conditions()
	if len(conditions) == 0 || h.IntN(6) == 0 {
		st.Resource[0] = h.near(st.Resource[0], nil) + pick(h.generator, "*", "?", "x")
		return p
	}
	c := pick(h.generator, conditions...)
	op, key := c[0], c[1]
	values := st.Condition[op][key]
	switch h.IntN(4) {
	case 0:
		st.set(op, key, append(values, h.pattern()))
	case 1:
		st.set(op, pick(h.generator, hostileKeys...), values)
	case 2:
		for i, v := range values {
			values[i] = strings.ReplaceAll(h.near(v, nil), "${", "$")
		}
	case 3:
		delete(st.Condition[op], key)
	}
	return p
}
