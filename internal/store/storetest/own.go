package storetest

import "testing"

// Server is a PostgreSQL of a test's own, which can be stopped and started.
type Server struct{ server *server }

// Own starts a server for a test; it goes with the test.
func Own(t testing.TB) *Server {
	t.Helper()
	Need(t)
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.orders.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Server{s}
}

// URL is that of its first database.
func (s *Server) URL() string { return s.server.url("postgres") }

// Stop ends the server and with it all connections, as a restart by an administrator does.
func (s *Server) Stop(t testing.TB) { s.must(t, s.server.order("INT")) }

// Crash ends the server without its closing anything, as a failing machine does: it goes
// through its log when it is started again.
func (s *Server) Crash(t testing.TB) { s.must(t, s.server.order("QUIT")) }

// Start starts the server again, with what it had.
func (s *Server) Start(t testing.TB) { s.must(t, s.server.start()) }

func (s *Server) must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
