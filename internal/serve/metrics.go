package serve

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/store"
)

// metrics are the server's. Their labels have few values each: routes are patterns, and of
// analyzers and accounts so many are shown and no more.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	underWay prometheus.Gauge
	told     *prometheus.CounterVec
}

// Most values of a label that isn't from a fixed set.
const (
	mostAnalyzers = 50
	mostAccounts  = 1000
)

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pare_http_requests_total", Help: "Requests that were answered."}, []string{"route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pare_http_request_duration_seconds", Help: "How long answers took.", Buckets: []float64{.005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "pare_http_requests_in_flight", Help: "Requests that are being answered."}),
		told:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pare_events_total", Help: "Changes of findings that sinks were told, or not."}, []string{"sink", "outcome"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "pare_build_info", Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.underWay, m.told, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(route string, status int, took time.Duration) {
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

// state is a collector of what the database says: findings, the age of the data, jobs. It
// asks at most once in fresh, however often it is collected.
type state struct {
	store *store.Store
	jobs  func(context.Context) ([]jobs.Count, error)
	sinks []string // whose lag is shown
	now   func() time.Time

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

// fresh is how long figures of the database are good, and patience how long it may take to
// get them.
const (
	fresh    = 10 * time.Second
	patience = 5 * time.Second
)

var (
	findingsDesc = prometheus.NewDesc("pare_findings", "Findings.", []string{"analyzer", "type", "status"}, nil)
	ageDesc      = prometheus.NewDesc("pare_data_age_seconds", "Time since the end of the window of an account's last complete run.", []string{"analyzer", "account"}, nil)
	jobsDesc     = prometheus.NewDesc("pare_jobs", "Jobs in the queue, and those that ended not long ago.", []string{"kind", "state"}, nil)
	untoldDesc   = prometheus.NewDesc("pare_events_untold", "Changes of findings that a sink is yet to be told.", []string{"sink"}, nil)
	lagDesc      = prometheus.NewDesc("pare_events_lag_seconds", "Time since the oldest of the changes that a sink is yet to be told.", []string{"sink"}, nil)
	upDesc       = prometheus.NewDesc("pare_database_up", "Whether the database answered when it was asked last.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *state) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{findingsDesc, ageDesc, jobsDesc, untoldDesc, lagDesc, upDesc} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (s *state) Collect(c chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.at) >= fresh || s.last == nil {
		s.at, s.last = now, s.read()
	}
	for _, m := range s.last {
		c <- m
	}
}

// read asks the database. Where it doesn't answer, there are no figures but that.
func (s *state) read() []prometheus.Metric {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out []prometheus.Metric
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out = append(out, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...))
	}
	err := s.each(ctx, gauge)
	if err != nil {
		out = nil
		gauge(upDesc, 0)
		return out
	}
	gauge(upDesc, 1)
	return out
}

type gauge func(d *prometheus.Desc, v float64, labels ...string)

func (s *state) each(ctx context.Context, set gauge) error {
	analyzers, err := s.store.Analyzers(ctx, "", store.Page{Limit: mostAnalyzers})
	if err != nil {
		return err
	}
	accounts := 0
	for _, a := range analyzers.Items {
		if err := s.findings(ctx, set, a); err != nil {
			return err
		}
		runs, err := s.store.LatestRuns(ctx, a.ARN, store.Page{Limit: max(mostAccounts-accounts, 1)})
		if err != nil {
			return err
		}
		for _, r := range runs.Items {
			if accounts++; accounts <= mostAccounts {
				set(ageDesc, s.now().Sub(r.WindowEnd).Seconds(), a.Name, r.Account)
			}
		}
	}
	counts, err := s.jobs(ctx)
	if err != nil {
		return err
	}
	for _, n := range counts {
		set(jobsDesc, float64(n.N), n.Kind, n.State)
	}
	return s.lags(ctx, set)
}

// lags are how far the sinks are behind that this server tells, or would.
func (s *state) lags(ctx context.Context, set gauge) error {
	if len(s.sinks) == 0 {
		return nil
	}
	all, err := s.store.Lags(ctx)
	for _, l := range all {
		if !slices.Contains(s.sinks, l.Sink) {
			continue
		}
		set(untoldDesc, float64(l.Untold), l.Sink)
		late := 0.0
		if l.Untold > 0 {
			late = max(s.now().Sub(l.Since).Seconds(), 0)
		}
		set(lagDesc, late, l.Sink)
	}
	return err
}

func (s *state) findings(ctx context.Context, set gauge, a store.Analyzer) error {
	for _, status := range []finding.Status{finding.Active, finding.Archived, finding.Resolved} {
		q := store.Query{Analyzer: a.ARN, Filter: finding.Filter{"status": {Eq: []string{string(status)}}}}
		groups, err := s.store.Groups(ctx, q, store.ByType, len(finding.Types()))
		if err != nil {
			return err
		}
		for _, g := range groups {
			set(findingsDesc, float64(g.Count), a.Name, g.Value, string(status))
		}
	}
	return nil
}

// outcome is a word for a code, of those that there are.
func outcome(told bool) string { return cmp.Or(map[bool]string{true: "told"}[told], "dropped") }
