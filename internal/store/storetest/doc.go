// Package storetest gives tests the databases that pare runs on: SQLite in a new file, and a
// real PostgreSQL server of the machine's, started for the test's process in a folder of
// its own and gone with it.
//
// Out: URLs for store.Open, a new and empty database each. Where PostgreSQL isn't
// installed, a test that needs it says so and is skipped, and fails if CI is true.
//
// A test that stops the server has one of its own: Own.
//
// Limits: the server doesn't wait for the disk (fsync is off): it is for behaviour and for
// figures of queries, not for what survives a power cut. It listens on a Unix socket only.
//
// https://www.postgresql.org/docs/15/app-initdb.html
package storetest
