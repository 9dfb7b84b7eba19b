package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Engine is a kind of database.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Engines are all of them.
func Engines() []Engine { return []Engine{SQLite, Postgres} }

// Each runs f as a subtest for each engine, with the URL of an empty database.
func Each(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) { f(t, New(t, e)) })
	}
}

// New is the URL of a new and empty database, for as long as the test runs.
func New(t testing.TB, e Engine) string {
	t.Helper()
	if e == SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "pare.db")
	}
	return newPostgres(t)
}

// databases counts the names that were given out.
var databases atomic.Int64

func newPostgres(t testing.TB) string {
	t.Helper()
	Need(t)
	c, err := cluster()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t%d", databases.Add(1))
	c.sql(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { c.sql(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return c.url(name)
}

// url is that of a database. The host parameter, a folder, comes before the host.
func (s *server) url(name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(superuser), Host: "localhost", Path: "/" + name,
		RawQuery: url.Values{"host": {s.folder}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

func (s *server) sql(t testing.TB, command string) {
	t.Helper()
	ctx := context.Background() // a test's own has ended when it cleans up
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, command)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

// Find is the folder with PostgreSQL's programs, the newest there is; "" if there is none.
// Debian keeps them off the PATH.
func Find() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return ""
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b) })
	return filepath.Dir(newest)
}

// Need is Find, and ends the test where there is none: as failed if CI is true, else as
// skipped.
func Need(t testing.TB) string {
	t.Helper()
	if bin := Find(); bin != "" {
		return bin
	}
	const message = "PostgreSQL isn't there: install it with `make deps`, or `bash scripts/deps.sh postgres`"
	if os.Getenv("CI") == "true" {
		t.Fatal(message)
	}
	t.Skip("SKIPPED, NOT TESTED: " + message)
	return ""
}
