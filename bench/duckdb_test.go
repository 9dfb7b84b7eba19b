package bench

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/klauspost/compress/gzip"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/ingest"
	"github.com/pare-iam/pare/internal/samplegen"
)

// recount is what DuckDB is asked: how often who called what on which day. Of a session it
// takes the role, as pare does.
const recount = `
SELECT coalesce(r.userIdentity.sessionContext.sessionIssuer.arn, r.userIdentity.arn) AS principal,
       r.eventSource AS source, r.eventName AS name, r.eventTime[1:10] AS day, count(*) AS events
FROM (
  SELECT unnest(Records) AS r
  FROM read_json(?, format = 'unstructured', maximum_object_size = 1073741824, columns = {
    Records: 'STRUCT(
      userIdentity STRUCT(arn VARCHAR, sessionContext STRUCT(sessionIssuer STRUCT(arn VARCHAR))),
      eventSource VARCHAR, eventName VARCHAR, eventTime VARCHAR)[]'}))
GROUP BY ALL ORDER BY ALL`

// row is a line of DuckDB's answer.
type row struct {
	principal, source, name, day string
	events                       int
}

func duckDB(ctx context.Context, dir string, threads int) (rows []row, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "SET threads = "+strconv.Itoa(threads)); err != nil {
		return nil, err
	}
	answer, err := db.QueryContext(ctx, recount, filepath.Join(dir, "*.json.gz"))
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, answer.Close()) }()
	for answer.Next() {
		var r row
		var principal sql.NullString
		if err := answer.Scan(&principal, &r.source, &r.name, &r.day, &r.events); err != nil {
			return nil, err
		}
		r.principal = principal.String
		rows = append(rows, r)
	}
	return rows, answer.Err()
}

func pare(ctx context.Context, dir string, workers int) (*ingest.Result, error) {
	listing, err := ingest.Find(ctx, []string{dir}, nil)
	if err != nil {
		return nil, err
	}
	return ingest.Run(ctx, catalog.Embedded(), listing, ingest.Options{Workers: workers})
}

// BenchmarkBesideDuckDB has pare and DuckDB count the same log files in turn, 200 of 2,000
// records, on two cores. PARE_BENCH_FILES and PARE_BENCH_RECORDS change the size.
func BenchmarkBesideDuckDB(b *testing.B) {
	dir, size := b.TempDir(), int64(0)
	for i := range fromEnvironment("PARE_BENCH_FILES", 200) {
		size += writeLog(b, dir, i, fromEnvironment("PARE_BENCH_RECORDS", 2000))
	}
	const cores = 2
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	var ours, theirs time.Duration
	for b.Loop() {
		runtime.GC()
		began := time.Now()
		if _, err := pare(b.Context(), dir, cores); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(began)
		began = time.Now()
		if _, err := duckDB(b.Context(), dir, cores); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(began)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/ours.Seconds(), "pare-MB/s")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/theirs.Seconds(), "duckdb-MB/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "duckdb/pare")
}

func fromEnvironment(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		n = 0
	}
	return cmp.Or(n, otherwise)
}

func writeLog(tb testing.TB, dir string, number, records int) (size int64) {
	tb.Helper()
	var text, packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := samplegen.BulkLog(io.MultiWriter(&text, w), uint64(number), records); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.json.gz", number)), packed.Bytes(), 0o666); err != nil {
		tb.Fatal(err)
	}
	return int64(text.Len())
}

// DuckDB, which knows nothing of IAM, counts the events of the sample as pare does: all
// of them, and for each event whose action has its name as often for each principal and day.
func TestRecount(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		writeLog(t, dir, 24*i, 500)
	}
	result, err := pare(t.Context(), dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := duckDB(t.Context(), dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	type key struct{ principal, action, day string }
	ours := map[key]int{}
	for _, u := range result.Uses {
		if u.Primary && !u.Inferred {
			ours[key{u.Principal, u.Action, u.Day}] += u.Count
		}
	}
	all, compared := 0, 0
	for _, r := range rows {
		all += r.events
		service, _, _ := strings.Cut(r.source, ".")
		n, same := ours[key{r.principal, service + ":" + r.name, r.day}]
		if !same {
			continue
		}
		compared += r.events
		if n < r.events {
			t.Errorf("%+v: pare has %d", r, n)
		}
	}
	if got := result.Coverage.Records.Read; got != all {
		t.Errorf("pare read %d records, DuckDB %d", got, all)
	}
	if compared < all/2 {
		t.Errorf("only %d of %d events could be compared", compared, all)
	}
}
