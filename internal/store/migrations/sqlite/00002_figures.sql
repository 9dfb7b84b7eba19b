-- +goose Up

-- Which of an analyzer's revisions was the last to change something of an account: its
-- findings, or the sums over its principals.
CREATE TABLE account_changes (
	analyzer INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT NOT NULL,
	revision INTEGER NOT NULL,
	PRIMARY KEY (analyzer, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_changes_by_revision ON account_changes (analyzer, revision);

-- How many lines of finding_history there are, by day: its start, UTC.
CREATE TABLE day_counts (
	analyzer  INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	day       INTEGER NOT NULL,
	change    TEXT NOT NULL,
	to_status TEXT NOT NULL,
	n         INTEGER NOT NULL,
	PRIMARY KEY (analyzer, day, change, to_status)
) STRICT, WITHOUT ROWID;
INSERT INTO day_counts (analyzer, day, change, to_status, n)
	SELECT analyzer, at / 86400000000 * 86400000000, change, to_status, COUNT(*) FROM finding_history GROUP BY 1, 2, 3, 4;

-- Lists of an account's principals have the most unused first too.
CREATE INDEX principals_by_account_and_unused ON principals (analyzer, account, unused, key);
