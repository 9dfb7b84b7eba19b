// Package serve is the server as a whole: configuration, the Access Analyzer API over the
// store, the dashboard, metrics and health, and how it starts and stops.
//
// In: a Config, from flags, environment, a YAML file and defaults. Out: one HTTP server on
// one address, the jobs that work for it, and the events that it tells others.
//
// Which part answers. /healthz, /readyz and /metrics are the server's own. A request is the
// API's if it is signed (its Authorization begins with AWS4-), or the first segment of its
// path is one of wire.Roots. All else is the dashboard's, with the login before it: no page
// is below one of those segments.
//
// Limits: one address, one Region, one account whose analyzers they are. Signatures that
// were seen are remembered by each server for itself.
//
// Sources: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/Welcome.html,
// https://prometheus.io/docs/practices/naming/
package serve
