package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Edit is one change of a document's action lists: an entry that gives way to others,
// entries that are appended, or a statement that goes.
type Edit struct {
	Statement int // index of the statement

	// Entry is the index of the entry of the statement's Action or NotAction list that
	// goes; the list's length when In is appended and nothing goes; WholeStatement when
	// the statement goes.
	Entry int

	Out []string // the texts that go; for WholeStatement all of the list's, or none to leave it unchecked
	In  []string // the texts that come in the entry's place, in order; may be empty
}

// WholeStatement as an Edit's Entry removes the statement.
const WholeStatement = -1

// ErrEmpty is the error of edits that would leave a list or a document with nothing in
// it, which IAM refuses. A caller removes the statement, or the policy, instead.
var ErrEmpty = errors.New("nothing would be left")

// Splice replaces the bytes of a source from Start to End by Text.
type Splice struct {
	Span
	Text string
}

// Apply gives the document with the edits made. All indices are of d, whatever the
// order of the edits. Bytes outside the changed lists stay, and lists keep their
// layout: one entry a line, or inline; a scalar that becomes several is a list laid
// out like the file's other lists.
//
// The error wraps ErrEmpty if a list or the document would be left empty; any other
// error means that the edits aren't of this document.
func (d *Document) Apply(edits []Edit) (*Document, error) {
	splices, err := d.Splices(edits)
	if err != nil {
		return nil, err
	}
	out, err := Parse(d.Name, Spliced(d.src, splices))
	if err != nil {
		return nil, fmt.Errorf("edited document: %w", err)
	}
	return out, nil
}

// Splices is what Apply does to the source: in order of place, none overlapping another.
func (d *Document) Splices(edits []Edit) ([]Splice, error) {
	n := len(d.Statements)
	plans := make([]listPlan, n)
	var dropped listPlan
	for _, e := range edits {
		if e.Statement < 0 || e.Statement >= n {
			return nil, fmt.Errorf("edit of statement %d: the document has %d", e.Statement, n)
		}
		var err error
		if a := d.Statements[e.Statement].Action; e.Entry == WholeStatement {
			err = dropped.drop(a, e, n)
		} else {
			err = plans[e.Statement].add(a, e)
		}
		if err != nil {
			return nil, fmt.Errorf("edit of statement %d: %w", e.Statement, err)
		}
	}
	if dropped.left(n) == 0 {
		return nil, fmt.Errorf("every statement goes: %w", ErrEmpty)
	}
	return d.splices(plans, dropped)
}

// splices lays out the list of statements and the lists of those that stay.
func (d *Document) splices(plans []listPlan, dropped listPlan) ([]Splice, error) {
	out := make([]Splice, 0, len(plans))
	style := sync.OnceValue(d.style)
	if dropped.in != nil {
		out = d.layout(d.statements, style).splices(out, dropped)
	}
	for i, plan := range plans {
		if plan.in == nil {
			continue
		}
		st := &d.Statements[i]
		switch {
		case dropped.goes(i):
			return nil, fmt.Errorf("edit of statement %d: it goes, and so can't be changed", i)
		case plan.left(len(st.Action.Entries)) == 0:
			return nil, fmt.Errorf("edit of statement %d: %w", i, ErrEmpty)
		case st.Action.node.kind() == '[':
			out = d.layout(st.Action.node, style).splices(out, plan)
		default:
			out = append(out, d.scalar(st, plan, style))
		}
	}
	slices.SortFunc(out, func(a, b Splice) int { return cmp.Compare(a.Start, b.Start) })
	return out, nil
}

// Spliced is a source with splices made, which are in order of place, none overlapping
// another.
func Spliced(src []byte, splices []Splice) []byte {
	size := len(src)
	for _, s := range splices {
		size += len(s.Text) - (s.End - s.Start)
	}
	out := bytes.NewBuffer(make([]byte, 0, size))
	at := 0
	for _, s := range splices {
		out.Write(src[at:s.Start])
		out.WriteString(s.Text)
		at = s.End
	}
	out.Write(src[at:])
	return out.Bytes()
}

// listPlan says for the entries of a list what takes their place, by entry; nil is an
// entry that stays. The last place, after all entries, is for what is appended. The zero
// plan changes nothing.
type listPlan struct {
	in [][]string
}

// set plans what takes the place of an entry of a list of n.
func (p *listPlan) set(entry, n int, in []string) {
	if p.in == nil {
		p.in = make([][]string, n+1)
	}
	if in == nil {
		in = []string{}
	}
	p.in[entry] = in
}

func (p listPlan) goes(entry int) bool { return p.in != nil && p.in[entry] != nil }

// drop plans that a statement of n goes.
func (p *listPlan) drop(a Actions, e Edit, n int) error {
	switch {
	case p.goes(e.Statement):
		return errors.New("goes twice")
	case len(e.In) > 0:
		return fmt.Errorf("goes, and so can't take in %q", e.In)
	case len(e.Out) > 0 && !slices.Equal(e.Out, texts(a.Entries)):
		return fmt.Errorf("has %q: the edit takes out %q", texts(a.Entries), e.Out)
	}
	p.set(e.Statement, n, nil)
	return nil
}

// add plans a change of one entry, or what is appended.
func (p *listPlan) add(a Actions, e Edit) error {
	n := len(a.Entries)
	switch {
	case e.Entry < 0 || e.Entry > n:
		return fmt.Errorf("entry %d: the list has %d", e.Entry, n)
	case e.Entry < n && p.goes(e.Entry):
		return fmt.Errorf("entry %d: edited twice", e.Entry)
	}
	out := a.Entries[e.Entry:min(e.Entry+1, n)] // none if something is appended
	if !slices.EqualFunc(e.Out, out, func(text string, entry ActionEntry) bool { return text == entry.Text }) {
		return fmt.Errorf("entry %d is %q: the edit takes out %q", e.Entry, texts(out), e.Out)
	}
	for _, text := range e.In {
		if !utf8.ValidString(text) {
			return fmt.Errorf("entry %d: %q isn't UTF-8", e.Entry, text)
		}
	}
	in := e.In
	if p.goes(e.Entry) { // only what is appended
		in = slices.Concat(p.in[e.Entry], in)
	}
	p.set(e.Entry, n, in)
	return nil
}

// writeJSON writes a text as a JSON string. Names of actions have nothing to escape.
func writeJSON(b *strings.Builder, text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b.Write(quoted(text))
			return
		}
	}
	b.WriteByte('"')
	b.WriteString(text)
	b.WriteByte('"')
}

func quoted(text string) []byte {
	q, err := jsontext.AppendQuote(nil, text)
	if err != nil { // of what isn't UTF-8, which no plan takes
		panic("policy: a plan's text: " + err.Error())
	}
	return q
}

func texts(entries []ActionEntry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Text
	}
	return out
}

// left is how many entries a list of n has afterwards.
func (p listPlan) left(n int) int {
	left := n
	for entry, in := range p.in {
		if entry < n && in != nil {
			left--
		}
		left += len(in)
	}
	return left
}
