package rewrite

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/usage"
)

// likeness is how a source's document compares with a live one.
type likeness struct {
	equal   bool             // proved, with one text for each placeholder
	filled  *policy.Document // the source's, with the texts that were found
	wild    bool             // some placeholder is taken for a text with * or ?
	reason  string           // why it isn't equal
	request *access.Request  // that one of them alone allows; nil if there is none, or none was found
}

// compare unifies a source's document with a live one, puts the texts in, and proves that
// what comes of it allows the same. The seed is what is known of placeholders beforehand;
// the catalog is for names in reasons.
func compare(c *catalog.Catalog, source, live *policy.Document, seed map[string][]string) likeness {
	u := &unifier{bound: maps.Clone(seed)}
	if u.bound == nil {
		u.bound = map[string][]string{}
	}
	filled := source
	if bytes.Contains(source.Bytes(), []byte(placeholderPrefix)) {
		agreed, differs := u.agree(source, live), 0
		if !agreed {
			differs = u.nearly(source, live)
		}
		var err error
		if filled, err = fill(source, u.bound); err != nil {
			return likeness{reason: "they can't be compared: " + err.Error()}
		}
		if !agreed {
			return unlike(c, filled, live, differs)
		}
	}
	relation := prove.Compare(filled, live)
	out := likeness{equal: relation.Relation == prove.Equal, filled: filled}
	if relation.Relation == prove.UndecidedRelation {
		out.equal = within(c, filled, live) && within(c, live, filled)
	}
	if !out.equal {
		out.reason, out.request = difference(c, relation, filled, live)
		return out
	}
	for _, texts := range u.bound {
		out.wild = out.wild || slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsAny(s, "*?") })
	}
	return out
}

// within says whether it is proved that a policy allows no request that another doesn't.
// Pairs of statements settle this of long lists for which a comparison gives up.
func within(c *catalog.Catalog, inner, outer *policy.Document) bool {
	return prove.Refinement(c, outer, inner, usage.Unused{}).NoNewAccess.Verdict == prove.Proved
}

// unlike says how documents differ for which no texts were found, by a request if there is
// one about which no statement could say otherwise that has a placeholder left.
func unlike(c *catalog.Catalog, filled, live *policy.Document, differs int) likeness {
	relation := prove.Compare(filled, live)
	for _, one := range []prove.Comparison{{OnlyA: relation.OnlyA}, {OnlyB: relation.OnlyB}} {
		if why, req := difference(c, one, filled, live); req != nil && !open(filled, req.Action) {
			return likeness{filled: filled, reason: why, request: req}
		}
	}
	if differs < 0 {
		return likeness{filled: filled, reason: fmt.Sprintf("the file has %d statements and the live policy %d", len(filled.Statements), len(live.Statements))}
	}
	return likeness{filled: filled, reason: fmt.Sprintf("statement %d says something else, or what its variables are wasn't found", differs+1)}
}

// open says whether a statement about an action, or about one that isn't known, has a
// placeholder.
func open(doc *policy.Document, a policy.Action) bool {
	return slices.ContainsFunc(doc.Statements, func(st policy.Statement) bool {
		return bytes.Contains(doc.Bytes()[st.Start:st.End], []byte(placeholderPrefix)) && (st.Action.Match(a) || unknownActions(st))
	})
}

// difference says in words how two policies differ, the source's first. The request is in
// the catalog's names.
func difference(c *catalog.Catalog, relation prove.Comparison, docs ...*policy.Document) (string, *access.Request) {
	name := func(req *access.Request) (string, *access.Request) {
		out := prove.Name(c, docs, *req)
		return inWords(c, out), &out
	}
	switch {
	case relation.OnlyA != nil:
		what, req := name(relation.OnlyA)
		return fmt.Sprintf("the file allows %s, and the live policy doesn't", what), req
	case relation.OnlyB != nil:
		what, req := name(relation.OnlyB)
		return fmt.Sprintf("the live policy allows %s, and the file doesn't", what), req
	}
	return "they can't be compared: " + relation.Reason, nil
}

// inWords is a request as "s3:GetObject on arn:aws:s3:::logs/ when aws:sourceip is 10.0.0.1",
// the action in the catalog's case.
func inWords(c *catalog.Catalog, req access.Request) string {
	out := req.Action.String()
	if known := c.Lookup(req.Action.Service, req.Action.Name); known != nil {
		out = known.String()
	}
	out += " on " + cmp.Or(req.Resource, "a resource without a name")
	var conditions []string
	for _, key := range slices.Sorted(maps.Keys(req.Context)) {
		conditions = append(conditions, key+" is "+strings.Join(req.Context[key], ", "))
	}
	if len(conditions) > 0 {
		out += " when " + strings.Join(conditions, " and ")
	}
	return out
}

// fill puts texts in the place of placeholders. What has no text stays.
func fill(doc *policy.Document, texts map[string][]string) (*policy.Document, error) {
	in := jsontext.NewDecoder(bytes.NewReader(doc.Bytes()))
	var buf bytes.Buffer
	out := jsontext.NewEncoder(&buf)
	for {
		token, err := in.ReadToken()
		if err == io.EOF {
			return policy.Parse(doc.Name, buf.Bytes())
		}
		if err != nil {
			return nil, err
		}
		tokens := []jsontext.Token{token.Clone()}
		if token.Kind() == jsontext.KindString {
			kind, n := in.StackIndex(in.StackDepth())
			place := scalar
			switch {
			case kind == jsontext.KindBeginObject && n%2 == 1:
				place = memberName
			case kind == jsontext.KindBeginArray:
				place = listEntry
			}
			text := token.String()
			if ps := actionPieces(text); bare(ps) && ofActions(in.StackPointer()) {
				text = ps[0].hole
			}
			tokens = filled(text, texts, place)
		}
		for _, t := range tokens {
			if err := out.WriteToken(t); err != nil {
				return nil, err
			}
		}
	}
}

// ofActions says whether a pointer leads to an entry of a list of actions.
func ofActions(p jsontext.Pointer) bool {
	tokens := slices.Collect(p.Tokens())
	return slices.ContainsFunc(tokens[1:min(len(tokens), 3)], func(s string) bool { return s == "Action" || s == "NotAction" })
}

// stringPlace is where a string stands.
type stringPlace uint8

const (
	scalar stringPlace = iota + 1
	memberName
	listEntry
)

// filled is a string with its texts: where it may be several, and is, a list of them.
func filled(s string, texts map[string][]string, at stringPlace) []jsontext.Token {
	ps := piecesOf(s)
	if at != memberName && bare(ps) && texts[ps[0].hole] != nil {
		var out []jsontext.Token
		for _, text := range texts[ps[0].hole] {
			out = append(out, jsontext.String(text))
		}
		if len(out) != 1 && at == scalar {
			out = append(append([]jsontext.Token{jsontext.BeginArray}, out...), jsontext.EndArray)
		}
		return out
	}
	var text strings.Builder
	for _, p := range ps {
		now, ok := texts[p.hole]
		switch {
		case p.hole == "":
			text.WriteString(p.literal)
		case ok && len(now) == 1:
			text.WriteString(now[0])
		default:
			text.WriteString(p.hole)
		}
	}
	return []jsontext.Token{jsontext.String(text.String())}
}

// signature is something that equal policies mostly have in common, and that is cheap to
// compare: each statement's effect and actions. Without actions it is coarse, and all that
// can be said of a document with an action that isn't known.
func signature(doc *policy.Document, coarse bool) string {
	var b strings.Builder
	for _, st := range doc.Statements {
		fmt.Fprintf(&b, "%s %s\n", st.Effect, st.Action.Element())
		if coarse {
			continue
		}
		var actions []string
		for _, e := range st.Action.Entries {
			actions = append(actions, strings.ToLower(e.Text))
		}
		slices.Sort(actions)
		b.WriteString(strings.Join(slices.Compact(actions), "\t") + "\n")
	}
	return b.String()
}

// unknownActions says whether some action of a statement isn't known.
func unknownActions(st policy.Statement) bool {
	return slices.ContainsFunc(st.Action.Entries, func(e policy.ActionEntry) bool { return strings.HasPrefix(e.Text, placeholderPrefix) })
}
