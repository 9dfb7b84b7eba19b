//go:build linux

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
)

// BenchmarkProcess runs the whole command on the announcement's example, with the
// built-in catalog: start, read, refine, prove, print, end. The peer is a process that
// ends at once.
func BenchmarkProcess(b *testing.B) {
	pare := buildPare(b)
	b.Run("recommend", func(b *testing.B) {
		peak := int64(0) // in kilobytes, not less than what this process had when it forked
		for b.Loop() {
			used := benchmarkCommand(b, pare, "recommend", "example/policy.json", "--unused", "example/unused.json")
			peak = max(peak, used.Maxrss)
		}
		b.ReportMetric(float64(peak)/1024, "peak-MB")
	})
	b.Run("true", func(b *testing.B) {
		for b.Loop() {
			benchmarkCommand(b, "true")
		}
	})
}

// BenchmarkAnalyzeProcess analyzes an account of 5,000 roles, 500 users and 1,500
// policies with last accessed information, every recommendation and proof included, as
// the command does: from files to a JSON file. One iteration is enough: -benchtime 1x.
//
//	s, cpu-s   wall clock and processor time; want less than 20 s on two cores
//	peak-MB    want less than 1,000
func BenchmarkAnalyzeProcess(b *testing.B) {
	pare, dir := buildPare(b), b.TempDir()
	world := samplegen.New(catalog.Embedded(), samplegen.Large())
	err := world.Snapshot(func(name string, content func(io.Writer) error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		return errors.Join(content(w), w.Flush(), f.Close())
	})
	if err != nil {
		b.Fatal(err)
	}
	var cpu time.Duration
	peak := int64(0)
	for b.Loop() {
		used := benchmarkCommand(b, pare, "analyze", "--data", dir, "-o", "json", "--quiet", "--output-file", filepath.Join(b.TempDir(), "out.json"))
		cpu += time.Duration(used.Utime.Nano() + used.Stime.Nano())
		peak = max(peak, used.Maxrss)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s")
	b.ReportMetric(float64(peak)/1024, "peak-MB")
}

func buildPare(b *testing.B) string {
	b.Helper()
	pare := filepath.Join(b.TempDir(), "pare")
	if out, err := exec.Command("go", "build", "-o", pare, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return pare
}

func benchmarkCommand(b *testing.B, name string, args ...string) *syscall.Rusage {
	cmd := exec.Command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no usage of the ended process")
	}
	return used
}
