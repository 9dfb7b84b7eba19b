-- +goose Up
-- Findings that were removed, as they were, until all sinks were told that they are gone. The
-- analyzer is its ARN, since it may be gone too; the key is the finding's own.
CREATE TABLE removed_findings (
	key             BIGINT PRIMARY KEY,
	analyzer        TEXT COLLATE "C" NOT NULL,
	at              BIGINT NOT NULL,
	version         BIGINT NOT NULL,
	id              TEXT COLLATE "C" NOT NULL,
	type            TEXT COLLATE "C" NOT NULL,
	status          TEXT COLLATE "C" NOT NULL,
	change          TEXT COLLATE "C" NOT NULL,
	resource        TEXT COLLATE "C" NOT NULL,
	resource_id     TEXT COLLATE "C" NOT NULL,
	account         TEXT COLLATE "C" NOT NULL,
	analyzed_at     BIGINT NOT NULL,
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	archived_by     TEXT COLLATE "C" NOT NULL,
	last_accessed   BIGINT NOT NULL,
	access_key_id   TEXT COLLATE "C" NOT NULL,
	key_slot        BIGINT NOT NULL,
	sources         TEXT COLLATE "C" NOT NULL,
	unused_services BIGINT NOT NULL,
	unused_actions  BIGINT NOT NULL,
	details_hash    TEXT COLLATE "C" NOT NULL,
	unused_hash     TEXT COLLATE "C" NOT NULL,
	last_run        BIGINT NOT NULL,
	body            TEXT COLLATE "C" NOT NULL
);
CREATE INDEX removed_findings_by_time ON removed_findings (at);

-- Which sink is still to be told of which.
CREATE TABLE removals_untold (
	sink    TEXT COLLATE "C" NOT NULL REFERENCES sinks (name) ON DELETE CASCADE,
	removal BIGINT NOT NULL REFERENCES removed_findings (key) ON DELETE CASCADE,
	PRIMARY KEY (sink, removal)
);
CREATE INDEX removals_untold_by_removal ON removals_untold (removal);
