package iac

import (
	"bytes"

	"github.com/pare-iam/pare/policy"
)

// withoutBlock takes a block of HCL away: with the comment lines directly above it, what
// else is white space or a comment on its lines, its line break, and one run of blank lines
// if it stands between two.
func withoutBlock(f *File, block *Value) (Splice, error) {
	src := f.Src
	start, end := lineStart(src, block.Start), lineEnd(src, block.End)
	rest := bytes.TrimLeft(src[block.End:end], " \t")
	if n := commentLen(rest, HCL); n < len(rest) || len(bytes.Trim(src[start:block.Start], " \t")) > 0 {
		return Splice{}, notEditable(block, "more stands on the lines of the block: put it on lines of its own")
	}
	for start > 0 {
		above := lineStart(src, start-1)
		line := bytes.Trim(src[above:start], " \t\r\n")
		if n := commentLen(line, HCL); n == 0 || n < len(line) {
			break
		}
		start = above
	}
	end = nextLine(src, end)
	before, after := blankBefore(src, start), blankAfter(src, end)
	last := bytes.HasPrefix(bytes.TrimLeft(src[after:], " \t"), []byte("}"))
	first := bytes.HasSuffix(bytes.TrimRight(src[:before], " \t\r\n"), []byte("{"))
	switch {
	case before < start && (last || end < after):
		start = before
	case first:
		end = after
	}
	return Splice{Span: policy.Span{Start: start, End: end}}, nil
}

// nextLine is where the line after the one that ends here begins.
func nextLine(src []byte, end int) int {
	if n := bytes.IndexByte(src[end:], '\n'); n >= 0 {
		return end + n + 1
	}
	return len(src)
}

// blankBefore is where the run of blank lines begins that ends here, and blankAfter where
// the one ends that begins here.
func blankBefore(src []byte, at int) int {
	for at > 0 {
		above := lineStart(src, at-1)
		if len(bytes.Trim(src[above:at], " \t\r\n")) > 0 {
			break
		}
		at = above
	}
	return at
}

func blankAfter(src []byte, at int) int {
	for at < len(src) {
		next := nextLine(src, at)
		if len(bytes.Trim(src[at:next], " \t\r\n")) > 0 {
			break
		}
		at = next
	}
	return at
}
