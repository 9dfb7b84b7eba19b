package serve

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// Table is the settings as a table in Markdown: that of docs/server.md.
func Table() []byte {
	var b bytes.Buffer
	b.WriteString("| setting | flag | default | |\n|---|---|---|---|\n")
	for _, s := range settings() {
		flag, usual := "", ""
		if s.flag != "" {
			flag = "`--" + s.flag + "`"
		}
		if s.usual != "" {
			usual = "`" + s.usual + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.key, cmp.Or(flag, " "), cmp.Or(usual, " "), strings.ReplaceAll(s.help, "|", `\|`))
	}
	return b.Bytes()
}
