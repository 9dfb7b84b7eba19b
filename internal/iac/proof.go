package iac

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// prove reads the new bytes and checks them: the tree is the intended one, and between the
// changed lists, and in the entries that stay, every byte is as it was. It knows nothing
// of splices: where a changed list ends is told by the new tree.
func (p *plan) prove(out []byte, parse Tree) error {
	intent, want, err := p.intended()
	if err != nil {
		return err
	}
	f := &File{Path: p.file.Path, Lang: p.file.Lang, Src: out}
	got, err := parse(f)
	if err != nil {
		return fmt.Errorf("the edited file can't be read: %w", err)
	}
	c := &comparer{intent: intent, old: p.file, new: f, now: map[*listEdit]*Value{}, kept: map[*listEdit][]kept{}}
	if err := c.same(want, got); err != nil {
		return err
	}
	regions := make([]region, 0, len(p.lists))
	for _, e := range p.edits() {
		regions = append(regions, c.region(e))
	}
	return c.outside(policy.Span{End: len(p.file.Src)}, policy.Span{End: len(out)}, regions)
}

// region is the part of the old file that an edit may change.
type region struct {
	policy.Span
	now  *Value // the list in the new file; nil for a block that went
	more bool   // comments, dashes and white space around the list are part of it
	kept []kept
}

func (c *comparer) region(e *listEdit) region {
	if e.gone != nil {
		return region{Span: blockReach(c.old.Src, e.gone.Span)}
	}
	r := region{Span: e.list.Span, now: c.now[e]}
	if e.list.Form != Alone {
		r.kept = c.kept[e]
	}
	r.more = e.list.Form == Dashes || e.list.Form == Alone && e.list.Lang == YAML
	if r.more {
		r.Start, r.End = reachBack(c.old.Src, r.Start), lineReach(c.old.Src, r.End)
	}
	return r
}

// outside compares two parts of the files but for regions in them.
func (c *comparer) outside(old, now policy.Span, regions []region) error {
	at, new := old.Start, now.Start
	top := topmost(old, regions)
	for i, r := range top {
		before := c.old.Src[at:max(r.Start, at)]
		if !bytes.HasPrefix(c.new.Src[new:now.End], before) {
			return c.changedAt(at)
		}
		new += len(before)
		until := old.End
		if i+1 < len(top) {
			until = max(top[i+1].Start, r.End)
		}
		end, ok := c.end(r, new, now.End, segment{c.old.Src[min(r.End, old.End):until], i+1 == len(top)})
		if !ok {
			return c.changedAt(r.End)
		}
		for _, k := range r.kept {
			if err := c.outside(solid(k.old), solid(k.new), regions); err != nil {
				return err
			}
		}
		at, new = min(r.End, old.End), end
	}
	if !bytes.Equal(c.old.Src[at:old.End], c.new.Src[new:now.End]) {
		return c.changedAt(at)
	}
	return nil
}

// solid is a value's place without white space at its end.
func solid(v *Value) policy.Span {
	text := strings.TrimRight(string(v.File.Src[v.Start:v.End]), " \t\r\n")
	return policy.Span{Start: v.Start, End: v.Start + len(text)}
}

func (c *comparer) changedAt(offset int) error {
	return fmt.Errorf("%s: the edited file isn't what was intended: bytes near here changed", c.old.Where(offset))
}

// topmost are the regions inside a part of the file, without those inside another one.
func topmost(part policy.Span, regions []region) []region {
	var out []region
	for _, r := range regions {
		inside := r.now != nil && r.now.File != nil && r.Start >= part.Start && r.Start < part.End || r.now == nil && r.Start >= part.Start && r.End <= part.End
		if inside && (len(out) == 0 || r.Start >= out[len(out)-1].End) {
			out = append(out, r)
		} else if n := len(out); inside && r.now == nil && out[n-1].now == nil { // blocks share blank lines
			out[n-1].End = max(out[n-1].End, r.End)
		}
	}
	return out
}

// segment is what follows a region in the old file, up to the next one.
type segment struct {
	text []byte
	last bool // nothing follows it
}

// end is where a region that starts at start ends in the new file: at the end of its list, or
// where only white space and comments are between, so that the segment follows.
func (c *comparer) end(r region, start, limit int, follows segment) (int, bool) {
	src := c.new.Src[:limit]
	at := start
	switch {
	case r.now == nil:
	case r.now.Start < start || !r.more && r.now.Start != start || strings.Trim(uncommented(src[start:r.now.Start]), " \t\r\n-") != "":
		return 0, false
	default:
		at = min(r.now.End, limit)
	}
	for ; at <= limit; at++ {
		rest := src[at:]
		if bytes.HasPrefix(rest, follows.text) && (!follows.last || len(rest) == len(follows.text)) {
			return at, true
		}
		if r.now != nil && !r.more || at < limit && !bytes.Contains([]byte(" \t\r\n#"), src[at:at+1]) {
			break
		}
		if at < limit && src[at] == '#' {
			comment, _, _ := bytes.Cut(src[at:], []byte("\n"))
			at += len(bytes.TrimRight(comment, "\r")) - 1
		}
	}
	return 0, false
}

// uncommented is a text without YAML's comments.
func uncommented(text []byte) string {
	var b strings.Builder
	for line := range bytes.Lines(text) {
		before, _, _ := bytes.Cut(line, []byte("#"))
		b.Write(before)
	}
	return b.String()
}

// reachBack goes back from a list of YAML over white space and lines of comments.
func reachBack(src []byte, at int) int {
	for {
		at = len(bytes.TrimRight(src[:at], " \t\r\n"))
		start := bytes.LastIndexByte(src[:at], '\n') + 1
		if line := bytes.TrimLeft(src[start:at], " \t"); len(line) == 0 || line[0] != '#' {
			return at
		}
		at = start
	}
}

// lineReach goes on from a list to the end of its line, if only a comment is there.
func lineReach(src []byte, at int) int {
	rest, _, _ := bytes.Cut(src[at:], []byte("\n"))
	rest = bytes.TrimRight(rest, "\r")
	if text := bytes.TrimLeft(rest, " \t"); len(text) == 0 || text[0] == '#' {
		return at + len(rest)
	}
	return at
}

// blockReach is a block's lines with the comment lines and blank lines around it.
func blockReach(src []byte, block policy.Span) policy.Span {
	lines := slices.Collect(bytes.Lines(src))
	from, first, last := 0, -1, -1
	starts := make([]int, 0, len(lines)+1)
	for i, line := range lines {
		starts = append(starts, from)
		if from <= block.Start && block.Start < from+len(line) {
			first = i
		}
		if from < block.End && block.End <= from+len(line) {
			last = i
		}
		from += len(line)
	}
	starts = append(starts, from)
	kind := func(i int) string {
		switch line := string(bytes.TrimSpace(lines[i])); {
		case line == "":
			return "blank"
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "//"), strings.HasPrefix(line, "/*") && strings.Index(line, "*/") == len(line)-len("*/"):
			return "comment"
		}
		return "code"
	}
	for first > 0 && kind(first-1) == "comment" {
		first--
	}
	for first > 0 && kind(first-1) == "blank" {
		first--
	}
	for last+1 < len(lines) && kind(last+1) == "blank" {
		last++
	}
	return policy.Span{Start: starts[first], End: starts[last+1]}
}
