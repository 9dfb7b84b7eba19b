package ingest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/samplegen"
)

// BenchmarkIngest reads the logs of a busy account, 200 files of 2,000 records, about 660
// MB when unzipped, in turn: unzipped alone on one core, which is the floor; ingested on
// one core; on two. PARE_BENCH_FILES and PARE_BENCH_RECORDS change the size. One
// iteration is enough: -benchtime 1x.
//
//	floor-MB/s, one-MB/s, two-MB/s   of unzipped text
//	one/floor, two/one               want at least 0.65 and 1.8
//	MB-a-worker                      memory that is added at the peak, by workers; want less than 64
func BenchmarkIngest(b *testing.B) {
	dir, size := benchLogs(b)
	var floor, one, two time.Duration
	var peak uint64
	for b.Loop() {
		floor += onCores(b, 1, func() error { return gunzipAll(dir) })
		peak = max(peak, peakOf(func() { one += onCores(b, 1, func() error { return ingestAll(b, dir, 1) }) }))
		peak = max(peak, peakOf(func() { two += onCores(b, 2, func() error { return ingestAll(b, dir, 2) }) })/2)
	}
	rate := func(d time.Duration) float64 { return float64(size) * float64(b.N) / 1e6 / d.Seconds() }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate(floor), "floor-MB/s")
	b.ReportMetric(rate(one), "one-MB/s")
	b.ReportMetric(rate(two), "two-MB/s")
	b.ReportMetric(rate(one)/rate(floor), "one/floor")
	b.ReportMetric(rate(two)/rate(one), "two/one")
	b.ReportMetric(float64(peak)/1e6, "MB-a-worker")
}

// BenchmarkTinyFiles reads files of five records, as a quiet account has them.
func BenchmarkTinyFiles(b *testing.B) {
	dir := b.TempDir()
	for i := range 2000 {
		writeBulk(b, filepath.Join(dir, fmt.Sprintf("%06d.json.gz", i)), uint64(i), 5)
	}
	for b.Loop() {
		if err := ingestAll(b, dir, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

// benchLogs writes the logs and returns their size when unzipped.
func benchLogs(b *testing.B) (dir string, size int64) {
	b.Helper()
	dir = b.TempDir()
	files, records := fromEnvironment("PARE_BENCH_FILES", 200), fromEnvironment("PARE_BENCH_RECORDS", 2000)
	for i := range files {
		size += writeBulk(b, filepath.Join(dir, fmt.Sprintf("%06d.json.gz", i)), uint64(i), records)
	}
	return dir, size
}

func fromEnvironment(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		n = 0
	}
	return cmp.Or(n, otherwise)
}

func writeBulk(b *testing.B, path string, seed uint64, records int) int64 {
	b.Helper()
	var text, packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := samplegen.BulkLog(io.MultiWriter(&text, w), seed, records); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o666); err != nil {
		b.Fatal(err)
	}
	return int64(text.Len())
}

// onCores times f on so many cores.
func onCores(b *testing.B, n int, f func() error) time.Duration {
	b.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	runtime.GC()
	began := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func gunzipAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var unzip gzip.Reader
	for _, e := range entries {
		src, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := unzip.Reset(bytes.NewReader(src)); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, &unzip); err != nil {
			return err
		}
	}
	return nil
}

func ingestAll(b *testing.B, dir string, workers int) error {
	b.Helper()
	out := filepath.Join(b.TempDir(), "usage.jsonl")
	o := ingest.Options{Workers: workers, Journal: ingest.JournalPath(out), Version: "bench"}
	result, err := run(b.Context(), []string{dir}, o)
	if err != nil {
		return err
	}
	if result.Coverage.Records.Used == 0 || len(result.Coverage.Broken) > 0 {
		return fmt.Errorf("read %+v, broken %v", result.Coverage.Records, result.Coverage.Broken)
	}
	return result.Save(out)
}

// peakOf is how much more memory the process had from the system while f ran, at most.
func peakOf(f func()) uint64 {
	debug.FreeOSMemory()
	before := residentMemory()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		peak := uint64(0)
		for {
			peak = max(peak, residentMemory())
			select {
			case <-stop:
				most <- peak - min(peak, before)
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	return <-most
}

// residentMemory is what the process has from the system and hasn't given back.
func residentMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
