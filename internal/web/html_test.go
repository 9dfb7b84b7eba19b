package web_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// element is an element of a page, as far as tests look at it; without a name it is text.
type element struct {
	name     string
	attr     map[string]string
	parent   *element
	children []*element
	text     string
}

// parse reads a page. Ours are well-formed but for elements that never end, so that an XML
// parser finds what a browser would only mend.
func parse(t testing.TB, page string) *element {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(page))
	dec.Strict = false
	dec.AutoClose = []string{"meta", "link", "input", "img", "br", "hr", "col"}
	dec.Entity = xml.HTMLEntity
	root := &element{name: "#"}
	at := root
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if at != root {
				t.Fatalf("<%s> isn't closed", at.name)
			}
			return root
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}, parent: at}
			for _, a := range token.Attr {
				name := a.Name.Local
				if a.Name.Space != "" {
					name = a.Name.Space + ":" + name
				}
				e.attr[name] = a.Value
			}
			at.children = append(at.children, e)
			at = e
		case xml.EndElement:
			if at.name != token.Name.Local {
				t.Fatalf("</%s> ends <%s>", token.Name.Local, at.name)
			}
			at = at.parent
		case xml.CharData:
			at.children = append(at.children, &element{text: string(token), parent: at})
		}
	}
}

// find lists the elements of a name below, in their order; "*" is all.
func (e *element) find(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name != "" && (name == "*" || c.name == name) {
			out = append(out, c)
		}
		out = append(out, c.find(name)...)
	}
	return out
}

// class lists the elements of a class below.
func (e *element) class(name string) []*element {
	return slices.DeleteFunc(e.find("*"), func(c *element) bool { return !slices.Contains(strings.Fields(c.attr["class"]), name) })
}

// words is all text below, with single blanks.
func (e *element) words() string {
	var out []string
	var visit func(e *element)
	visit = func(e *element) {
		out = append(out, e.text)
		for _, c := range e.children {
			visit(c)
		}
	}
	visit(e)
	return strings.Join(strings.Fields(strings.Join(out, " ")), " ")
}
