package samplegen

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Snapshot writes the files of a snapshot folder: what the AWS CLI prints, and
// snapshot.json. It calls write for each, with its name below the folder, in a fixed
// order; an error of write or of content ends it.
func (w *World) Snapshot(write func(name string, content func(io.Writer) error) error) error {
	files := []struct {
		name    string
		content func(*printer)
	}{
		{"snapshot.json", w.printSnapshot},
		{"authorization-details.json", w.printDetails},
		{"credential-report.csv", w.printCredentialReport},
		{"access-keys.json", w.printAccessKeys},
	}
	for _, f := range files {
		if err := write(f.name, printed(f.content)); err != nil {
			return err
		}
	}
	for _, p := range w.principals()[1:] {
		kind := "user"
		if p.role {
			kind = "role"
		}
		name := "last-accessed/" + kind + "-" + p.Name + ".json"
		if err := write(name, printed(func(out *printer) { w.printLastAccessed(out, p) })); err != nil {
			return err
		}
	}
	return nil
}

// printSnapshot prints snapshot.json: the trail's settings are what Logs goes by.
func (w *World) printSnapshot(out *printer) {
	out.line("{")
	out.line(`  "schemaVersion": 1,`)
	out.line(`  "accountId": %q, "accountAlias": "shop-production", "partition": "aws",`, w.options.AccountID)
	out.line(`  "collectedAt": %q,`, w.options.Now.Format(time.RFC3339))
	out.line(`  "window": 90,`)
	out.line(`  "trails": [{"arn": "arn:aws:cloudtrail:%s:%s:trail/all", "regions": [%q, %q],`, homeRegion, w.options.AccountID, homeRegion, globalRegion)
	out.line(`    "dataEvents": ["AWS::S3::Object"], "readEvents": true, "managementEvents": true}],`)
	out.line(`  "serviceControlPolicies": [[%s], [%s]]`, fullAccess, guardrails)
	out.line("}")
}

// The policies above the account: of the organization's root, and of its unit.
const (
	fullAccess = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`
	guardrails = fullAccess + `, {"Version": "2012-10-17", "Statement": [{"Sid": "Guardrails", "Effect": "Deny", ` +
		`"Action": ["organizations:LeaveOrganization", "cloudtrail:StopLogging", "glacier:DeleteVault", "redshift:DeleteCluster"], "Resource": "*"}]}`
)

// printer writes text and keeps the first error.
type printer struct {
	w   *bufio.Writer
	err error
}

// printed is a content function out of one that prints.
func printed(content func(*printer)) func(io.Writer) error {
	return func(w io.Writer) error {
		out := printer{w: bufio.NewWriterSize(w, 1<<16)}
		content(&out)
		if out.err != nil {
			return out.err
		}
		return out.w.Flush()
	}
}

func (p *printer) text(s string) {
	if p.err == nil {
		_, p.err = p.w.WriteString(s)
	}
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// list prints a member whose value is a list, an item a call of each.
func (p *printer) list(indent, name string, n int, each func(i int), after string) {
	p.text(indent + strconv.Quote(name) + ": [")
	for i := range n {
		if i > 0 {
			p.text(",")
		}
		p.text("\n")
		each(i)
	}
	if n > 0 {
		p.text("\n" + indent)
	}
	p.text("]" + after + "\n")
}

// cliTime is how the AWS CLI prints a time.
func cliTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
