// Package bench has tests only: pare's peers, in a module of its own so that the product
// needs no C compiler. DuckDB counts the same CloudTrail log files, as a second opinion and
// to be timed beside `pare ingest`.
//
//	cd bench && go test ./...                                  the recount
//	cd bench && go test -run '^$' -bench . -benchtime 1x ./...   the times
package bench
