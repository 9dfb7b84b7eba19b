package storetest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// superuser is who owns the databases.
const superuser = "pare"

// server is a PostgreSQL that runs until the process ends, or is told to stop.
type server struct {
	folder string         // of the data and the socket
	orders io.WriteCloser // its script's standard input: kept, since its end is the server's
	says   *bufio.Reader
}

// cluster starts the server that tests share when it is asked for first.
var cluster = sync.OnceValues(start)

// script makes a database cluster, and starts and stops it as it is told to by lines of
// standard input. The server and its folder go when that ends, however the test's process
// came to its end: a test binary that is killed leaves nothing behind.
const script = `
set -eu
bin=$1 dir=$2 child=
trap 'rm -rf "$dir"' EXIT
finish() { if [ -n "$child" ]; then kill "-$1" "$child"; wait "$child" || true; child=; fi; }
"$bin/initdb" -D "$dir/data" -U pare -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 </dev/null
while read -r order; do
  case $order in
  start)
    "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=200 \
      -c shared_buffers=256MB -c max_wal_size=4GB >"$dir/log" 2>&1 </dev/null &
    child=$!
    echo start ;;
  INT | QUIT)
    finish "$order"
    echo "$order" ;;
  esac
done
finish INT`

// startLimit is how long initdb and the server may take on a machine that is busy. Alone
// they take two seconds.
const startLimit = 2 * time.Minute

func start() (*server, error) {
	folder, err := os.MkdirTemp("", "pare-pg-")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", "-c", script, "sh", Find(), folder)
	cmd.Dir = folder
	if err := asOrdinaryUser(cmd, folder); err != nil {
		return nil, err
	}
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	says, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{folder, orders, bufio.NewReader(says)}
	return s, s.start()
}

// start starts the server and waits until it takes connections.
func (s *server) start() error {
	if err := s.order("start"); err != nil {
		return err
	}
	deadline := time.Now().Add(startLimit)
	for time.Now().Before(deadline) {
		pid, err := os.ReadFile(filepath.Join(s.folder, "data", "postmaster.pid"))
		if err == nil && strings.Contains(string(pid), "ready") {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("PostgreSQL doesn't listen after %v%s", startLimit, logOf(s.folder))
}

// order has the script do something and waits until it is done: "start", or a signal that
// ends the server.
func (s *server) order(what string) error {
	if _, err := fmt.Fprintln(s.orders, what); err != nil {
		return err
	}
	done := make(chan string, 1)
	go func() {
		line, _ := s.says.ReadString('\n') // an error is an end
		done <- strings.TrimSpace(line)
	}()
	select {
	case line := <-done:
		if line != what {
			return fmt.Errorf("PostgreSQL ended instead of %s%s", what, logOf(s.folder))
		}
		return nil
	case <-time.After(startLimit):
		return fmt.Errorf("PostgreSQL takes too long to %s", what)
	}
}

func logOf(folder string) string {
	text, err := os.ReadFile(filepath.Join(folder, "log"))
	if err != nil {
		return ""
	}
	return ":\n" + string(text)
}
