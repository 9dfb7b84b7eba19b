package gate

import (
	"regexp"
	"strings"
)

// A local value is what is written for it and nothing else, so that its name may be another:
// an expression is compared with what is written in the place of the names. A name stays
// where the tree has none, several, or perhaps others for it.

// localName is how a local value is referred to.
var localName = regexp.MustCompile(`(?:^|[^\p{L}\p{Nd}_.-])local\.` + word)

const (
	opens, closes = "\x01", "\x02" // around what is written for a name; no file has them
	mostInlined   = 1 << 16        // bytes; local values of local values may grow without end
)

// inline is an expression of a folder with local values in the place of their names.
func (d *Definitions) inline(dir, text string) string {
	if !strings.Contains(text, "local.") || strings.Contains(text, "for local") || strings.Contains(text, ",local ") {
		return text // of a for's own name local nothing is known here
	}
	if out, ok := d.written(dir, text, map[string]bool{}); ok {
		return out
	}
	return text
}

// written is inline inside of some names; false if it grows too long.
func (d *Definitions) written(dir, text string, inside map[string]bool) (out string, ok bool) {
	ok = true
	out = localName.ReplaceAllStringFunc(text, func(found string) string {
		at := strings.Index(found, "local.")
		name := found[at:]
		list := d.named[dir+"\x00"+name]
		if len(list) != 1 || len(d.named[dir+"\x00"+anyName]) > 0 || inside[name] || !ok {
			return found
		}
		inside[name] = true
		var value string
		value, ok = d.written(dir, list[0].text, inside)
		delete(inside, name)
		return found[:at] + opens + value + closes
	})
	return out, ok && len(out) <= mostInlined
}
