// Package store is pare's database: what a server keeps from one run to the next.
//
// In: analyzers, archive rules, accounts and users as people set them up; what a run found;
// what was recommended. Out: the same again, lists by page, counts, and what happened
// when. It is SQLite in a file, or Postgres, and both behave alike.
//
// What it promises:
//
//   - A run is wholly visible or not at all. CompleteRun writes in one transaction, and
//     who reads meanwhile sees the state before it.
//   - History and notes aren't overwritten. They go with their finding alone, when
//     retention removes that. The audit log is append-only; the database itself refuses
//     anything else.
//   - Counts are exact. Those that every page needs are kept in the transaction that changes
//     them; others are remembered until the analyzer's findings change.
//   - What a run couldn't judge stays as it was: the life cycle is analyzer.Carry's.
//   - Whoever changes something is in the audit log, in the same transaction.
//
// Limits: times are kept to the microsecond. Findings of one analyzer are written by one
// writer at a time. SQLite has one writer in all, and its file must not lie on a network
// file system. Paging tokens aren't secret, and hold nothing that the list doesn't.
//
// Sources:
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Operations.html
// https://www.sqlite.org/wal.html
// https://www.postgresql.org/docs/15/transaction-iso.html
package store
