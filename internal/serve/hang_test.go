package serve_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/jackc/pgx/v5"

	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

// TestADatabaseThatHangsHoldsNobodyUpForEver locks the findings of a Postgres: who asks for
// them is told in time, more of them than there are turns, and answers come again with the lock gone.
func TestADatabaseThatHangsHoldsNobodyUpForEver(t *testing.T) {
	url := storetest.New(t, storetest.Postgres)
	s := startWith(t, configured(t, url), serve.Limits{Write: 8 * time.Second})
	d := s.scanned(t)
	client := s.client(t, store.Viewer)
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer func() { must(t, conn.Close(t.Context())) }()
	lock, err := conn.Begin(t.Context())
	must(t, err)
	_, err = lock.Exec(t.Context(), `LOCK TABLE findings IN ACCESS EXCLUSIVE MODE`)
	must(t, err)

	var asking sync.WaitGroup
	for range 10 {
		asking.Go(func() {
			once := func(o *accessanalyzer.Options) { o.RetryMaxAttempts = 1 }
			_, err := client.ListFindingsV2(t.Context(), &accessanalyzer.ListFindingsV2Input{AnalyzerArn: &d.Analyzer}, once)
			if codeOf(err) != "InternalServerException" {
				t.Errorf("the API: %v", err)
			}
		})
	}
	for range 30 {
		asking.Go(func() {
			q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/findings", nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Error(err)
				return
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("a page: %s, Retry-After %q, %v", resp.Status, resp.Header.Get("Retry-After"), err)
			}
		})
	}
	asking.Wait()
	if resp, _ := s.get(t, "/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %d", resp.StatusCode)
	}
	must(t, lock.Rollback(t.Context()))
	if resp, body := s.get(t, "/findings"); resp.StatusCode != http.StatusOK {
		t.Errorf("with the lock gone: %d %.200s", resp.StatusCode, body)
	}
}
