-- +goose Up

-- Which of an analyzer's revisions was the last to change something of an account: its
-- findings, or the sums over its principals.
CREATE TABLE account_changes (
	analyzer BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT COLLATE "C" NOT NULL,
	revision BIGINT NOT NULL,
	PRIMARY KEY (analyzer, account)
);
CREATE INDEX account_changes_by_revision ON account_changes (analyzer, revision);

-- How many lines of finding_history there are, by day: its start, UTC.
CREATE TABLE day_counts (
	analyzer  BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	day       BIGINT NOT NULL,
	change    TEXT COLLATE "C" NOT NULL,
	to_status TEXT COLLATE "C" NOT NULL,
	n         BIGINT NOT NULL,
	PRIMARY KEY (analyzer, day, change, to_status)
);
INSERT INTO day_counts (analyzer, day, change, to_status, n)
	SELECT analyzer, at / 86400000000 * 86400000000, change, to_status, COUNT(*) FROM finding_history GROUP BY 1, 2, 3, 4;

-- Lists of an account's principals have the most unused first too.
CREATE INDEX principals_by_account_and_unused ON principals (analyzer, account, unused, key);
