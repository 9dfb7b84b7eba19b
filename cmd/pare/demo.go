package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// The example of AWS's announcement of unused-access recommendations, with the action
// names of its day.
// https://www.amazon.science/blog/making-recommendations-to-remediate-unused-permissions
var (
	//go:embed demo/policy.json
	demoPolicy []byte
	//go:embed demo/unused.json
	demoUnused []byte
	//go:embed demo/catalog-2024-06.json
	demoCatalog []byte
)

func newDemoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on an example that is built in",
		Long: `Refines the policy of AWS's announcement of unused-access recommendations, MyRole, with
the actions AWS had at the time, and proves the result. It reads and writes nothing.`,
		Example: "  pare demo",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return demo(colored(cmd, cmd.OutOrStdout())) },
	}
}

func demo(w io.Writer) error {
	rec, err := demoRecommendation()
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "MyRole may do this (policy.json):\n\n%s\n", indented(demoPolicy))
	fmt.Fprintf(&text, "and doesn't use these (unused.json):\n\n%s\n", unusedText(rec.Unused, rec.Catalog))
	fmt.Fprintf(&text, "$ pare recommend policy.json --unused unused.json\n\n")
	if err := report.Text(&text, rec); err != nil {
		return err
	}
	text.WriteString(`
Next, with a policy of yours:
  pare recommend policy.json --unused unused.json
  pare recommend --help
`)
	_, err = io.WriteString(w, text.String())
	return err
}

func demoRecommendation() (report.Recommendation, error) {
	none := report.Recommendation{}
	cat, err := catalog.Read("catalog-2024-06.json", demoCatalog)
	if err != nil {
		return none, err
	}
	doc, err := policy.Parse("policy.json", demoPolicy)
	if err != nil {
		return none, err
	}
	unused, err := usage.ParseUnused("unused.json", demoUnused)
	if err != nil {
		return none, err
	}
	in := recommendInput{limit: report.Managed.String()}
	return in.recommend(refine.New(cat), subject{"policy.json", cat, doc, unused})
}

func indented(src []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(src)) {
		out.WriteString("  " + line)
	}
	return out.String()
}

// unusedText lists the unused actions, a paragraph a service.
func unusedText(unused usage.Unused, cat *catalog.Catalog) string {
	const width = 96
	var out strings.Builder
	service, column := "", 0
	for _, a := range unused.Actions {
		word := a.String()
		if known := cat.Lookup(a.Service, a.Name); known != nil {
			word = known.Name
		}
		switch {
		case a.Service != service:
			if service != "" {
				out.WriteString("\n")
			}
			service = a.Service
			column, _ = fmt.Fprintf(&out, "  %-7s", service+":")
		case column+len(word) > width:
			column, _ = fmt.Fprintf(&out, "\n  %-7s", "")
		}
		n, _ := fmt.Fprintf(&out, " %s", word)
		column += n
	}
	out.WriteString("\n")
	return out.String()
}
