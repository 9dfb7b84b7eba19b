//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkProcess runs the whole command on the announcement's example, with the
// built-in catalog: start, read, refine, prove, print, end. The peer is a process that
// ends at once.
func BenchmarkProcess(b *testing.B) {
	pare := filepath.Join(b.TempDir(), "pare")
	if out, err := exec.Command("go", "build", "-o", pare, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
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
