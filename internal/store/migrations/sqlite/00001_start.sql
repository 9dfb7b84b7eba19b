-- +goose Up
-- Times are microseconds since 1970, 0 for none. Texts that have several parts are JSON.

PRAGMA application_id = 1885434469; -- "pare": the file says whose it is

CREATE TABLE accounts (
	id        TEXT PRIMARY KEY,
	name      TEXT NOT NULL,
	partition TEXT NOT NULL,
	path      TEXT NOT NULL,
	source    TEXT NOT NULL,
	added_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE analyzers (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	arn            TEXT NOT NULL UNIQUE,
	name           TEXT NOT NULL UNIQUE,
	type           TEXT NOT NULL,
	unused_age     INTEGER NOT NULL,
	exclusions     TEXT NOT NULL,
	status         TEXT NOT NULL,
	status_reason  TEXT NOT NULL,
	linked_service TEXT NOT NULL,
	every          INTEGER NOT NULL,
	created_at     INTEGER NOT NULL,
	last_resource  TEXT NOT NULL,
	last_run_at    INTEGER NOT NULL,
	revision       INTEGER NOT NULL
) STRICT;

CREATE TABLE archive_rules (
	key        INTEGER PRIMARY KEY AUTOINCREMENT,
	analyzer   INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	filter     TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (analyzer, name)
) STRICT;

CREATE TABLE runs (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	analyzer     INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account      TEXT NOT NULL,
	state        TEXT NOT NULL,
	started_at   INTEGER NOT NULL,
	finished_at  INTEGER NOT NULL,
	window_days  INTEGER NOT NULL,
	window_end   INTEGER NOT NULL,
	catalog_date TEXT NOT NULL,
	failure      TEXT NOT NULL,
	report       TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_analyzer ON runs (analyzer, id);
CREATE INDEX runs_by_account ON runs (analyzer, account, id);
CREATE INDEX runs_by_state ON runs (state, id);

-- What was seen last of each account: 0 for none.
CREATE TABLE account_states (
	analyzer     INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account      TEXT NOT NULL,
	last_run     INTEGER NOT NULL,
	complete_run INTEGER NOT NULL,
	PRIMARY KEY (analyzer, account)
) STRICT, WITHOUT ROWID;

-- The sums over the principals of an account, by service; service '' is all of them.
CREATE TABLE account_sums (
	analyzer   INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account    TEXT NOT NULL,
	service    TEXT NOT NULL,
	principals INTEGER NOT NULL,
	granted    INTEGER NOT NULL,
	used       INTEGER NOT NULL,
	unused     INTEGER NOT NULL,
	left_over  INTEGER NOT NULL,
	PRIMARY KEY (analyzer, account, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_sums_by_service ON account_sums (analyzer, service);

CREATE TABLE findings (
	key             INTEGER PRIMARY KEY AUTOINCREMENT,
	analyzer        INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	id              TEXT NOT NULL,
	type            TEXT NOT NULL,
	status          TEXT NOT NULL,
	change          TEXT NOT NULL,
	resource        TEXT NOT NULL,
	resource_type   TEXT NOT NULL,
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
	UNIQUE (analyzer, id)
) STRICT;
CREATE INDEX findings_by_update ON findings (analyzer, updated_at, key);
CREATE INDEX findings_by_status ON findings (analyzer, status, updated_at, key);
CREATE INDEX findings_by_status_and_type ON findings (analyzer, status, type, updated_at, key);
CREATE INDEX findings_by_creation ON findings (analyzer, created_at, key);
CREATE INDEX findings_by_analysis ON findings (analyzer, analyzed_at, key);
CREATE INDEX findings_by_resource ON findings (analyzer, resource, key);
CREATE INDEX findings_by_account ON findings (analyzer, account, key);
CREATE INDEX findings_by_actions ON findings (analyzer, unused_actions, key);
CREATE INDEX findings_by_type ON findings (analyzer, type, key);
CREATE INDEX findings_by_resource_type ON findings (analyzer, resource_type, key);
CREATE INDEX findings_counted ON findings (analyzer, status, account, type);

CREATE TABLE finding_details (
	finding INTEGER PRIMARY KEY REFERENCES findings (key) ON DELETE CASCADE,
	body    TEXT NOT NULL
) STRICT;

-- Which services a finding says something is unused of.
CREATE TABLE finding_services (
	finding  INTEGER NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	service  TEXT NOT NULL,
	analyzer INTEGER NOT NULL,
	PRIMARY KEY (finding, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_services_by_service ON finding_services (analyzer, service, finding);

-- How many findings of an account there are, by status and type.
CREATE TABLE finding_counts (
	analyzer INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT NOT NULL,
	status   TEXT NOT NULL,
	type     TEXT NOT NULL,
	n        INTEGER NOT NULL,
	PRIMARY KEY (analyzer, account, status, type)
) STRICT, WITHOUT ROWID;

-- How many findings of an account say something is unused of a service, by status.
CREATE TABLE service_counts (
	analyzer INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT NOT NULL,
	service  TEXT NOT NULL,
	status   TEXT NOT NULL,
	n        INTEGER NOT NULL,
	PRIMARY KEY (analyzer, account, service, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX service_counts_by_service ON service_counts (analyzer, service, status, account, n);

-- The resources that findings are about, each once, to look for a part of their ARNs.
CREATE TABLE resources (
	analyzer INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	arn      TEXT NOT NULL,
	PRIMARY KEY (analyzer, arn)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding_notes (
	key     INTEGER PRIMARY KEY AUTOINCREMENT,
	finding INTEGER NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	body    TEXT NOT NULL
) STRICT;
CREATE INDEX finding_notes_by_finding ON finding_notes (finding, key);

CREATE TABLE finding_history (
	key            INTEGER PRIMARY KEY AUTOINCREMENT,
	finding        INTEGER NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	analyzer       INTEGER NOT NULL,
	at             INTEGER NOT NULL,
	change         TEXT NOT NULL,
	from_status    TEXT NOT NULL,
	to_status      TEXT NOT NULL,
	run            INTEGER NOT NULL,
	who            TEXT NOT NULL,
	archived_by    TEXT NOT NULL,
	details_before TEXT NOT NULL
) STRICT;
CREATE INDEX finding_history_by_finding ON finding_history (finding, key);
CREATE INDEX finding_history_by_time ON finding_history (analyzer, at, change, to_status);
CREATE INDEX finding_history_by_analyzer ON finding_history (analyzer, key, at);

-- Who is told of findings, and which server tells: nobody else until held_until.
CREATE TABLE sinks (
	name       TEXT PRIMARY KEY,
	holder     TEXT NOT NULL,
	held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to which event of an analyzer a sink was told; before the first, if there is no row.
CREATE TABLE sink_positions (
	sink     TEXT NOT NULL REFERENCES sinks (name) ON DELETE CASCADE,
	analyzer INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	position INTEGER NOT NULL,
	PRIMARY KEY (sink, analyzer)
) STRICT, WITHOUT ROWID;
CREATE INDEX sink_positions_by_analyzer ON sink_positions (analyzer);

CREATE TABLE principals (
	key         INTEGER PRIMARY KEY AUTOINCREMENT,
	analyzer    INTEGER NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	arn         TEXT NOT NULL,
	id          TEXT NOT NULL,
	kind        TEXT NOT NULL,
	account     TEXT NOT NULL,
	path        TEXT NOT NULL,
	tags        TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	last_used   INTEGER NOT NULL,
	granted     INTEGER NOT NULL,
	used        INTEGER NOT NULL,
	unused      INTEGER NOT NULL,
	left_over   INTEGER NOT NULL,
	evidence    TEXT NOT NULL,
	policies    TEXT NOT NULL,
	run         INTEGER NOT NULL,
	UNIQUE (analyzer, arn)
) STRICT;
CREATE INDEX principals_by_account ON principals (analyzer, account, arn);
CREATE INDEX principals_by_unused ON principals (analyzer, unused, key);

CREATE TABLE policies (
	hash    TEXT PRIMARY KEY,
	body    TEXT NOT NULL,
	seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE principal_policies (
	principal INTEGER NOT NULL REFERENCES principals (key) ON DELETE CASCADE,
	position  INTEGER NOT NULL,
	analyzer  INTEGER NOT NULL,
	hash      TEXT NOT NULL REFERENCES policies (hash),
	kind      TEXT NOT NULL,
	name      TEXT NOT NULL,
	arn       TEXT NOT NULL,
	held_by   TEXT NOT NULL,
	PRIMARY KEY (principal, position)
) STRICT;
CREATE INDEX principal_policies_by_hash ON principal_policies (hash, principal);
CREATE INDEX principal_policies_by_name ON principal_policies (analyzer, name, hash, kind, arn, principal);

CREATE TABLE recommendations (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	finding      INTEGER NOT NULL UNIQUE REFERENCES findings (key) ON DELETE CASCADE,
	analyzer     INTEGER NOT NULL,
	state        TEXT NOT NULL,
	started_at   INTEGER NOT NULL,
	completed_at INTEGER NOT NULL,
	error_code   TEXT NOT NULL,
	error_text   TEXT NOT NULL,
	unused_hash  TEXT NOT NULL,
	policies     TEXT NOT NULL,
	verdict      TEXT NOT NULL,
	body         TEXT NOT NULL
) STRICT;
CREATE INDEX recommendations_by_analyzer ON recommendations (analyzer, id);
CREATE INDEX recommendations_by_state ON recommendations (state, id);

CREATE TABLE certificates (
	recommendation INTEGER NOT NULL REFERENCES recommendations (id) ON DELETE CASCADE,
	name           TEXT NOT NULL,
	body           BLOB NOT NULL,
	PRIMARY KEY (recommendation, name)
) STRICT;

CREATE TABLE tags (
	arn   TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (arn, name)
) STRICT;

CREATE TABLE client_tokens (
	token     TEXT NOT NULL,
	operation TEXT NOT NULL,
	input     TEXT NOT NULL,
	answer    TEXT NOT NULL,
	at        INTEGER NOT NULL,
	PRIMARY KEY (token, operation)
) STRICT;

CREATE TABLE users (
	name       TEXT PRIMARY KEY,
	role       TEXT NOT NULL,
	password   TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE api_tokens (
	id         TEXT PRIMARY KEY,
	user_name  TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
	label      TEXT NOT NULL,
	hash       TEXT NOT NULL UNIQUE,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX api_tokens_by_user ON api_tokens (user_name, id);

CREATE TABLE access_keys (
	id         TEXT PRIMARY KEY,
	user_name  TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
	sealed     BLOB NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX access_keys_by_user ON access_keys (user_name, id);

CREATE TABLE sessions (
	hash       TEXT PRIMARY KEY,
	user_name  TEXT NOT NULL,
	data       BLOB NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_name);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE audit (
	key     INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	origin  TEXT NOT NULL,
	action  TEXT NOT NULL,
	target  TEXT NOT NULL,
	outcome TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_target ON audit (target, key);
CREATE INDEX audit_by_who ON audit (who, key);
CREATE INDEX audit_by_action ON audit (action, key);

-- What the planner is to think of findings, whatever there are at the moment: rows in all, then
-- rows with the same first column, first two columns, and so on. Nothing else fills these
-- tables, so that plans don't change by themselves. https://www.sqlite.org/fileformat.html#stat1tab
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
	('findings', 'sqlite_autoindex_findings_1', '100000 100000 1'),
	('findings', 'findings_by_update', '100000 100000 500 1'),
	('findings', 'findings_by_status', '100000 100000 33000 200 1'),
	('findings', 'findings_by_status_and_type', '100000 100000 33000 8000 50 1'),
	('findings', 'findings_by_creation', '100000 100000 500 1'),
	('findings', 'findings_by_analysis', '100000 100000 500 1'),
	('findings', 'findings_by_resource', '100000 100000 10 1'),
	('findings', 'findings_by_account', '100000 100000 500 1'),
	('findings', 'findings_by_actions', '100000 100000 2000 1'),
	('findings', 'findings_by_type', '100000 100000 25000 1'),
	('findings', 'findings_by_resource_type', '100000 100000 50000 1'),
	('findings', 'findings_counted', '100000 100000 33000 200 50'),
	('finding_services', 'finding_services_by_service', '500000 500000 5000 1'),
	('finding_services', 'finding_services', '500000 8 1'),
	('resources', 'resources', '10000 10000 1');

-- What has happened isn't rewritten, by any program. History and notes go with their finding,
-- after it, and in no other way.
-- +goose StatementBegin
CREATE TRIGGER finding_history_stays BEFORE UPDATE ON finding_history
BEGIN SELECT RAISE(ABORT, 'history is never overwritten'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER finding_history_is_kept BEFORE DELETE ON finding_history WHEN EXISTS (SELECT 1 FROM findings WHERE key = OLD.finding)
BEGIN SELECT RAISE(ABORT, 'history goes with its finding alone'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER finding_notes_stay BEFORE UPDATE ON finding_notes
BEGIN SELECT RAISE(ABORT, 'notes are never overwritten'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER finding_notes_are_kept BEFORE DELETE ON finding_notes WHEN EXISTS (SELECT 1 FROM findings WHERE key = OLD.finding)
BEGIN SELECT RAISE(ABORT, 'notes go with their finding alone'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
