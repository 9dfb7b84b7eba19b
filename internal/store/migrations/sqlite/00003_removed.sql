-- +goose Up
-- Findings that were removed, as they were, until all sinks were told that they are gone. The
-- analyzer is its ARN, since it may be gone too; the key is the finding's own.
CREATE TABLE removed_findings (
	key             INTEGER PRIMARY KEY,
	analyzer        TEXT NOT NULL,
	at              INTEGER NOT NULL,
	version         INTEGER NOT NULL,
	id              TEXT NOT NULL,
	type            TEXT NOT NULL,
	status          TEXT NOT NULL,
	change          TEXT NOT NULL,
	resource        TEXT NOT NULL,
	resource_id     TEXT NOT NULL,
	account         TEXT NOT NULL,
	analyzed_at     INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	archived_by     TEXT NOT NULL,
	last_accessed   INTEGER NOT NULL,
	access_key_id   TEXT NOT NULL,
	key_slot        INTEGER NOT NULL,
	sources         TEXT NOT NULL,
	unused_services INTEGER NOT NULL,
	unused_actions  INTEGER NOT NULL,
	details_hash    TEXT NOT NULL,
	unused_hash     TEXT NOT NULL,
	last_run        INTEGER NOT NULL,
	body            TEXT NOT NULL
) STRICT;
CREATE INDEX removed_findings_by_time ON removed_findings (at);

-- Which sink is still to be told of which.
CREATE TABLE removals_untold (
	sink    TEXT NOT NULL REFERENCES sinks (name) ON DELETE CASCADE,
	removal INTEGER NOT NULL REFERENCES removed_findings (key) ON DELETE CASCADE,
	PRIMARY KEY (sink, removal)
) STRICT, WITHOUT ROWID;
CREATE INDEX removals_untold_by_removal ON removals_untold (removal);
