package web

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/usage"
)

// An export is written finding by finding, or by few at a time, since there may be more
// than memory holds. What surrounds them, and the form of each, is package report's: it
// renders the document without findings, and theirs are put in their place.

// exportFindings is the list of a query as a file.
func (v *visit) exportFindings(q store.Query, format string) (answer, error) {
	runs, err := latestRuns(v.Context(), v.site.Store, v.analyzer.ARN)
	if err != nil {
		return nil, err
	}
	// A query that can't be asked is an answer of its own, as long as nothing is written.
	if _, err := v.site.Store.Findings(v.Context(), q, store.Page{Limit: 1}); err != nil {
		return nil, err
	}
	e := exporter{v: v, query: q, frame: v.exportFrame(runs)}
	d := download{name: "findings-" + v.analyzer.Name + "-" + v.now.Format(time.DateOnly) + "." + format}
	switch format {
	case "csv":
		d.typ, d.body = "text/csv; charset=utf-8", e.csv
	case "json":
		d.typ, d.body = "application/json", e.json
	case "sarif":
		d.typ, d.body = "application/sarif+json", e.sarif
	default:
		return nil, bad("there is no format " + format + ": want csv, json or sarif")
	}
	return d, nil
}

// exportFrame is what the runs say of all findings.
func (v *visit) exportFrame(runs []store.Run) report.Findings {
	b := basisOf(v.analyzer, runs)
	out := report.Findings{
		Version: v.site.Version, Catalog: v.site.Catalog, CollectedAt: b.Oldest,
		Window: usage.Window{Age: time.Duration(v.analyzer.UnusedAge) * usage.Day, Now: b.Newest},
	}
	roles, users := 0, 0
	for _, r := range runs {
		out.Accounts = append(out.Accounts, report.Account{ID: r.Account})
		roles, users = roles+r.Report.Roles, users+r.Report.Users
		for _, p := range r.Report.Problems {
			out.Problems = append(out.Problems, r.Account+": "+p)
		}
	}
	for _, s := range b.Sources {
		out.Sources = append(out.Sources, report.Source{Name: s, Covers: "see the runs of each account"})
	}
	out.LookedAt = []report.Count{{What: "roles", Number: roles}, {What: "users", Number: users}}
	return out
}

type exporter struct {
	v     *visit
	query store.Query
	frame report.Findings // without findings
}

// few is how many findings are held at a time.
const few = 100

// each gives the findings of a query, a few at a time.
func (e exporter) each(q store.Query, use func([]finding.Finding) error) error {
	var held []finding.Finding
	for f, err := range e.v.site.Store.Export(e.v.Context(), q) {
		if err != nil {
			return err
		}
		if held = append(held, f); len(held) == few {
			if err := use(held); err != nil {
				return err
			}
			held = held[:0]
		}
	}
	if len(held) == 0 {
		return nil
	}
	return use(held)
}

func (e exporter) csv(w io.Writer) error {
	if err := report.FindingsCSV(w, e.frame); err != nil { // the heads of the columns
		return err
	}
	return e.each(e.query, func(some []finding.Finding) error {
		out, r := headless{w: w}, e.frame
		r.Findings = some
		return report.FindingsCSV(&out, r)
	})
}

// headless leaves the first line out.
type headless struct {
	w    io.Writer
	past bool
}

func (h *headless) Write(p []byte) (int, error) {
	rest := p
	if !h.past {
		_, after, ok := bytes.Cut(p, []byte{'\n'})
		if !ok {
			return len(p), nil
		}
		h.past, rest = true, after
	}
	_, err := h.w.Write(rest)
	return len(p), err
}

// json writes the document of report.FindingsJSON, its statistics last: they are known when
// all findings have been written.
func (e exporter) json(w io.Writer) error {
	var frame bytes.Buffer
	if err := report.FindingsJSON(&frame, e.frame); err != nil {
		return err
	}
	enc := jsontext.NewEncoder(w, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true))
	var tally finding.Tally
	return copyObject(enc, jsontext.NewDecoder(&frame), func(name string, _ jsontext.Value) (bool, error) {
		switch name {
		case "statistics":
			return true, nil
		case "findings":
			return true, e.jsonFindings(enc, &tally)
		}
		return false, nil
	}, func() error {
		if err := enc.WriteToken(jsontext.String("statistics")); err != nil {
			return err
		}
		return json.MarshalEncode(enc, tally.Statistics(), json.Deterministic(true))
	})
}

func (e exporter) jsonFindings(enc *jsontext.Encoder, tally *finding.Tally) error {
	if err := enc.WriteToken(jsontext.String("findings")); err != nil {
		return err
	}
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	err := e.each(e.query, func(some []finding.Finding) error {
		for i := range some {
			tally.Add(&some[i])
			if err := json.MarshalEncode(enc, some[i], json.Deterministic(true)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return enc.WriteToken(jsontext.EndArray)
}

// copyObject copies an object. Of each member it asks instead, which may write something in
// its place and say so; end writes what comes last.
func copyObject(enc *jsontext.Encoder, dec *jsontext.Decoder, instead func(name string, value jsontext.Value) (bool, error), end func() error) error {
	if err := copyToken(enc, dec); err != nil { // {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		text := name.String() // before the next read, which ends the token's life
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		done, err := instead(text, value)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if err := enc.WriteToken(jsontext.String(text)); err != nil {
			return err
		}
		if err := enc.WriteValue(value); err != nil {
			return err
		}
	}
	if err := end(); err != nil {
		return err
	}
	return copyToken(enc, dec) // }
}

func copyToken(enc *jsontext.Encoder, dec *jsontext.Decoder) error {
	t, err := dec.ReadToken()
	if err != nil {
		return err
	}
	return enc.WriteToken(t)
}

// sarif writes the document of report.FindingsSARIF, the most severe findings first.
func (e exporter) sarif(w io.Writer) error {
	total, queries, err := e.sarifQueries()
	if err != nil {
		return err
	}
	e.frame.Problems = append(e.frame.Problems, report.SARIFRoom(total)...)
	out := report.NewSARIFWriter(w, e.frame.SARIFRun)
	for _, q := range queries {
		err := e.each(q, func(some []finding.Finding) error {
			for _, f := range some {
				if err := out.Add(e.frame.SARIFResult(f)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// sarifQueries divide the query so that the most severe findings come first, as package
// report orders them, without the resolved ones; total is how many there are.
func (e exporter) sarifQueries() (total int, queries []store.Query, err error) {
	for _, status := range [...]finding.Status{finding.Active, finding.Archived} {
		for _, types := range [...][]string{
			{string(finding.UnusedIAMUserAccessKey), string(finding.UnusedIAMUserPassword)},
			{string(finding.UnusedIAMRole)}, {string(finding.UnusedPermission)},
		} {
			q := e.query
			q.Filter = maps.Clone(q.Filter)
			if !narrow(q.Filter, "status", string(status)) || !narrow(q.Filter, "findingType", types...) {
				continue
			}
			n, err := e.v.site.Store.Count(e.v.Context(), q)
			if err != nil {
				return 0, nil, err
			}
			total += n
			queries = append(queries, q)
		}
	}
	return total, queries, nil
}

// narrow has a filter let only some values of a key through, of those that it lets through
// now; false if there are none.
func narrow(f finding.Filter, key string, values ...string) bool {
	if c, ok := f[key]; ok {
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !slices.Contains(c.Eq, v) })
	}
	f[key] = finding.Criterion{Eq: values}
	return len(values) > 0
}
