package serve

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// ExampleFile is a YAML file with every setting, explained: defaults as they are, the others
// commented out. deploy/server/pare.yaml is this.
func ExampleFile() []byte {
	var b bytes.Buffer
	b.WriteString("# Settings of `pare serve --config pare.yaml`. Each may be given in the environment too, by\n" +
		"# the name behind it, and a flag of the same meaning is stronger than both.\n" +
		"# What is commented out has no default, or one that follows from other settings.\n")
	var open []string
	for _, s := range settings() {
		path := strings.Split(s.key, ".")
		names, leaf := path[:len(path)-1], path[len(path)-1]
		same := 0
		for same < len(open) && same < len(names) && open[same] == names[same] {
			same++
		}
		if len(names) != len(open) || same < len(names) || len(names) == 0 && len(open) == 0 {
			b.WriteByte('\n')
		}
		for depth := same; depth < len(names); depth++ {
			fmt.Fprintf(&b, "%s%s:\n", indent(depth), names[depth])
		}
		open = names
		margin := indent(len(names))
		for line := range strings.SplitSeq(wrapped(s.help+" ("+s.env()+")", 94-len(margin)), "\n") {
			fmt.Fprintf(&b, "%s# %s\n", margin, line)
		}
		comment := ""
		if s.usual == "" {
			comment = "# "
		}
		fmt.Fprintf(&b, "%s%s%s: %s\n", margin, comment, leaf, cmp.Or(s.usual, s.example))
	}
	return b.Bytes()
}

func indent(depth int) string { return strings.Repeat("  ", depth) }

// wrapped breaks a text into lines of at most so many bytes, between words.
func wrapped(text string, most int) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case line+1+len(word) > most:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}
