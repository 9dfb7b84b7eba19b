package wire_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/samplegen"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/usage"
)

// sampleAccount is the account of the built-in sample.
const sampleAccount = "111122223333"

// analyzed is the sample account's analysis and what it found.
type analyzed struct {
	*analyzer.Analysis
	findings []finding.Finding
}

// sample analyzes the built-in sample once for all tests, as `pare demo` does.
func sample(t testing.TB) analyzed {
	t.Helper()
	out, err := analyzedSample()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var analyzedSample = sync.OnceValues(func() (out analyzed, err error) {
	dir, err := os.MkdirTemp("", "pare-wire")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	err = samplegen.New(catalog.Embedded(), samplegen.Demo()).Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		return errors.Join(content(f), f.Close())
	})
	if err != nil {
		return out, err
	}
	if out.Analysis, err = analysis(dir); err != nil {
		return out, err
	}
	_, err = out.Findings(func(f finding.Finding) error {
		out.findings = append(out.findings, f)
		return nil
	})
	return out, err
})

func analysis(dir string) (*analyzer.Analysis, error) {
	folder, err := snapshot.Open(dir)
	if err != nil {
		return nil, err
	}
	account, _, err := folder.Inventory()
	if err != nil {
		return nil, err
	}
	evidence, err := folder.Evidence(context.Background(), catalog.Embedded(), account, snapshot.EvidenceOptions{})
	if err != nil {
		return nil, err
	}
	return analyzer.New(analyzer.Input{
		Account: account, Catalog: catalog.Embedded(), Sources: evidence.Of,
		Window: usage.Window{Age: 90 * usage.Day, Now: folder.Info.CollectedAt},
	}, analyzer.Settings{})
}

// of is the sample's first finding of a type.
func (a analyzed) of(t testing.TB, typ finding.Type) finding.Finding {
	t.Helper()
	for _, f := range a.findings {
		if f.Type == typ {
			return f
		}
	}
	t.Fatalf("the sample has no finding of type %s", typ)
	return finding.Finding{}
}

// about is the sample's finding of unused permissions of a principal.
func (a analyzed) about(t testing.TB, arn string) finding.Finding {
	t.Helper()
	for _, f := range a.findings {
		if f.Type == finding.UnusedPermission && f.Resource == arn {
			return f
		}
	}
	t.Fatalf("the sample has no finding of unused permissions of %s", arn)
	return finding.Finding{}
}

// announced is the role of AWS's announcement.
const announced = "arn:aws:iam::" + sampleAccount + ":role/MyRole"

// soon is how long tests wait for what takes no time.
const soon = 30 * time.Second
