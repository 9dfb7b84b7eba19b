package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/usage"
)

// How many of each the summary shows; -o json has all.
const (
	shownGaps     = 3
	shownUnmapped = 10
	shownBroken   = 10
	shownNames    = 3
)

// ingested is what `pare ingest` has done.
type ingested struct {
	in     *ingestInput
	logs   *ingest.Listing
	result *ingest.Result
}

// nothing is the error of a run that has found no events to read.
func (d ingested) nothing(cmd *cobra.Command) error {
	c := d.result.Coverage
	if d.logs.Files() == 0 && len(c.Broken) == 0 {
		return hintError{
			fmt.Errorf("%s: no log files found", strings.Join(slices.Concat(d.in.paths, d.in.trails), ", ")),
			d.wanted() + d.passedOver(),
		}
	}
	for _, b := range firstOf(c.Broken, shownBroken) {
		cmd.PrintErrf("%s\n", brokenLine(b))
	}
	return hintError{
		fmt.Errorf("none of %s could be read as a log of CloudTrail", counted(d.logs.Files(), "file")),
		"want log files {\"Records\": […]}, events a line, digests, or an export of Athena or CloudTrail Lake; nothing was written",
	}
}

// wanted says which files would have been read.
func (d ingested) wanted() string {
	if _, places := split(d.in.paths); len(places)+len(d.in.trails) > 0 {
		w := d.in.days()
		return fmt.Sprintf("of S3 the days %s to %s are read: see --window and --now", day(w.From), day(w.Until))
	}
	return "of a folder these are read: " + ingest.Extensions
}

func (d ingested) passedOver() string {
	if d.logs.PassedOver.Count == 0 {
		return ""
	}
	return "; passed over: " + names(d.logs.PassedOver)
}

// partial is the outcome of a run some of whose input was broken.
func (d ingested) partial() error {
	c := d.result.Coverage
	if len(c.Broken) == 0 && c.Files.Broken == 0 {
		return nil
	}
	return partialError{fmt.Errorf("%s couldn't be read whole: the result is made of the rest", counted(c.Files.Broken, "file"))}
}

// write writes the summary as text.
func (d ingested) write(w io.Writer) error {
	c := d.result.Coverage
	out := &strings.Builder{}
	d.writeHead(out)
	if err := writeTable(out, d.countRows()); err != nil {
		return err
	}
	if n := c.Records.Answers; n > 0 {
		fmt.Fprintf(out, "\n%s of answers to questions: they show uses, and no disuse. --whole-answers says that the questions were for all events\n", counted(n, "event"))
	}
	for _, account := range c.Accounts {
		fmt.Fprintf(out, "\naccount %s\n", account.ID)
		if err := writeTable(out, accountRows(account)); err != nil {
			return err
		}
	}
	if err := writeUnmapped(out, c.Unmapped); err != nil {
		return err
	}
	writeBroken(out, c.Broken)
	_, err := io.WriteString(w, out.String())
	return err
}

func (d ingested) writeHead(out *strings.Builder) {
	if d.in.out == "-" {
		fmt.Fprintln(out, "what the logs could have shown isn't written: --out usage.jsonl writes usage.coverage.json too")
	} else {
		fmt.Fprintf(out, "%s: %s\n", d.in.out, counted(len(d.result.Uses), "line"))
		fmt.Fprintf(out, "%s: what the logs could have shown; keep it beside\n", ingest.CoveragePath(d.in.out))
	}
	fmt.Fprintln(out)
}

// countRows are the totals.
func (d ingested) countRows() [][]string {
	c := d.result.Coverage
	principals, actions := map[string]bool{}, map[string]bool{}
	for _, u := range d.result.Uses {
		principals[u.Principal] = true
		actions[u.Action] = true
	}
	files := fmt.Sprintf("%s read, %s, %s skipped, %s broken", grouped(c.Files.Read), counted(c.Files.Digests, "digest"), grouped(c.Files.Skipped), grouped(c.Files.Broken))
	if d.result.Resumed > 0 {
		files += fmt.Sprintf("; %s of them by an earlier run", grouped(d.result.Resumed))
	}
	rows := [][]string{{"files", files}}
	if d.logs.Copies.Count > 0 {
		rows = append(rows, []string{"", fmt.Sprintf("%s of another file: %s", counted(d.logs.Copies.Count, "copy"), names(d.logs.Copies))})
	}
	if d.logs.PassedOver.Count > 0 {
		rows = append(rows, []string{"", fmt.Sprintf("%s passed over, no logs by name: %s", counted(d.logs.PassedOver.Count, "other"), names(d.logs.PassedOver))})
	}
	r := c.Records
	return append(rows,
		[]string{"records", fmt.Sprintf("%s read: %s of use, %s by no principal of IAM, %s that need no permission, %s unmapped",
			grouped(r.Read), grouped(r.Used), grouped(r.NoPrincipal), grouped(r.NoPermission), grouped(r.Unmapped))},
		[]string{"principals", grouped(len(principals))},
		[]string{"actions", grouped(len(actions))},
	)
}

// accountRows say what the logs hold of an account.
func accountRows(a usage.AccountCoverage) [][]string {
	var rows [][]string
	for _, r := range a.Regions {
		days := fmt.Sprintf("%s to %s, %s", hour(r.From), hour(r.To), span(r.To.Sub(r.From)))
		rows = append(rows, []string{"  " + cmp.Or(r.Name, "(no Region)"), days, counted(r.Events, "event"), basis(r)})
		for i, gap := range r.Gaps {
			if i == shownGaps {
				rows = append(rows, []string{"", fmt.Sprintf("  and %s more; -o json lists all", grouped(len(r.Gaps)-shownGaps))})
				break
			}
			rows = append(rows, []string{"", fmt.Sprintf("  nothing %s to %s", hour(gap.From), hour(gap.To))})
		}
	}
	for _, d := range a.DataEvents {
		said := "not known to be all: --data-events " + d.Type + " says so"
		if d.All {
			said = "all are recorded, as --data-events says"
		}
		rows = append(rows, []string{"  data events", d.Type, counted(d.Events, "event"), said})
	}
	if len(a.DataEvents) == 0 {
		rows = append(rows, []string{"  data events", "none seen"})
	}
	return rows
}

// basis says how much of a Region's time is known, and by what.
func basis(r usage.RegionCoverage) string {
	var missing time.Duration
	for _, gap := range r.Gaps {
		missing += gap.To.Sub(gap.From)
	}
	by := "each hour has events"
	if r.Basis == "digests" {
		by = "digests show that no file is missing"
	}
	if missing > 0 {
		by = fmt.Sprintf("%s, %s, without %s", counted(len(r.Gaps), "gap"), counted(int(missing/time.Hour), "hour"), strings.ReplaceAll(cmp.Or(r.Basis, "events"), "digests", "files or digests"))
	}
	return by
}

func writeUnmapped(out *strings.Builder, unmapped []usage.Unmapped) error {
	if len(unmapped) == 0 {
		return nil
	}
	often := slices.SortedStableFunc(slices.Values(unmapped), func(a, b usage.Unmapped) int { return cmp.Compare(b.Count, a.Count) })
	note := ""
	if len(often) > shownUnmapped {
		note = fmt.Sprintf(", the most frequent %d of %s; -o json lists all", shownUnmapped, grouped(len(often)))
	}
	fmt.Fprintf(out, "\nevents that no IAM action is known for%s\n", note)
	var rows [][]string
	for _, u := range firstOf(often, shownUnmapped) {
		rows = append(rows, []string{"  " + u.Event, grouped(u.Count), "last " + u.LastSeen.UTC().Format(time.DateOnly)})
	}
	return writeTable(out, rows)
}

func writeBroken(out *strings.Builder, broken []usage.Broken) {
	if len(broken) == 0 {
		return
	}
	fmt.Fprintf(out, "\nbroken\n")
	for _, b := range firstOf(broken, shownBroken) {
		fmt.Fprintf(out, "  %s\n", brokenLine(b))
	}
	if len(broken) > shownBroken {
		fmt.Fprintf(out, "  and %s more; -o json lists all\n", grouped(len(broken)-shownBroken))
	}
}

func brokenLine(b usage.Broken) string {
	if b.Record < 0 {
		return b.File + ": " + b.Error
	}
	return fmt.Sprintf("%s: record %d: %s", b.File, b.Record, b.Error)
}

// span is "5 hours" or, from two days on, whole days.
func span(d time.Duration) string {
	if d < 2*usage.Day {
		return counted(int(d/time.Hour), "hour")
	}
	return counted(int(d/usage.Day), "day")
}

func hour(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

func names(n ingest.Names) string {
	text := strings.Join(firstOf(n.First, shownNames), ", ")
	if n.Count > shownNames {
		text += ", …"
	}
	return text
}

func firstOf[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// counted is "1 file" or "1,200 files".
func counted(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y") && !strings.HasSuffix(what, "day"):
		what = strings.TrimSuffix(what, "y") + "ies"
	default:
		what += "s"
	}
	return grouped(n) + " " + what
}

// grouped writes thousands apart.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
