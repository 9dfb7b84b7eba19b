-- +goose Up
-- As the other file, in the other words. Texts are compared byte by byte, as SQLite does.
-- Times are microseconds since 1970, 0 for none. Texts that have several parts are JSON.

CREATE TABLE accounts (
	id        TEXT COLLATE "C" PRIMARY KEY,
	name      TEXT COLLATE "C" NOT NULL,
	partition TEXT COLLATE "C" NOT NULL,
	path      TEXT COLLATE "C" NOT NULL,
	source    TEXT COLLATE "C" NOT NULL,
	added_at  BIGINT NOT NULL
);

CREATE TABLE analyzers (
	id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	arn            TEXT COLLATE "C" NOT NULL UNIQUE,
	name           TEXT COLLATE "C" NOT NULL UNIQUE,
	type           TEXT COLLATE "C" NOT NULL,
	unused_age     BIGINT NOT NULL,
	exclusions     TEXT COLLATE "C" NOT NULL,
	status         TEXT COLLATE "C" NOT NULL,
	status_reason  TEXT COLLATE "C" NOT NULL,
	linked_service TEXT COLLATE "C" NOT NULL,
	every          BIGINT NOT NULL,
	created_at     BIGINT NOT NULL,
	last_resource  TEXT COLLATE "C" NOT NULL,
	last_run_at    BIGINT NOT NULL,
	revision       BIGINT NOT NULL
);

CREATE TABLE archive_rules (
	key        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	analyzer   BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	name       TEXT COLLATE "C" NOT NULL,
	filter     TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	UNIQUE (analyzer, name)
);

CREATE TABLE runs (
	id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	analyzer     BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account      TEXT COLLATE "C" NOT NULL,
	state        TEXT COLLATE "C" NOT NULL,
	started_at   BIGINT NOT NULL,
	finished_at  BIGINT NOT NULL,
	window_days  BIGINT NOT NULL,
	window_end   BIGINT NOT NULL,
	catalog_date TEXT COLLATE "C" NOT NULL,
	failure      TEXT COLLATE "C" NOT NULL,
	report       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX runs_by_analyzer ON runs (analyzer, id);
CREATE INDEX runs_by_account ON runs (analyzer, account, id);
CREATE INDEX runs_by_state ON runs (state, id);

-- What was seen last of each account: 0 for none.
CREATE TABLE account_states (
	analyzer     BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account      TEXT COLLATE "C" NOT NULL,
	last_run     BIGINT NOT NULL,
	complete_run BIGINT NOT NULL,
	PRIMARY KEY (analyzer, account)
);

-- The sums over the principals of an account, by service; service '' is all of them.
CREATE TABLE account_sums (
	analyzer   BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account    TEXT COLLATE "C" NOT NULL,
	service    TEXT COLLATE "C" NOT NULL,
	principals BIGINT NOT NULL,
	granted    BIGINT NOT NULL,
	used       BIGINT NOT NULL,
	unused     BIGINT NOT NULL,
	left_over  BIGINT NOT NULL,
	PRIMARY KEY (analyzer, account, service)
);
CREATE INDEX account_sums_by_service ON account_sums (analyzer, service);

CREATE TABLE findings (
	key             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	analyzer        BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	id              TEXT COLLATE "C" NOT NULL,
	type            TEXT COLLATE "C" NOT NULL,
	status          TEXT COLLATE "C" NOT NULL,
	change          TEXT COLLATE "C" NOT NULL,
	resource        TEXT COLLATE "C" NOT NULL,
	resource_type   TEXT COLLATE "C" NOT NULL,
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
	UNIQUE (analyzer, id)
);
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
	finding BIGINT PRIMARY KEY REFERENCES findings (key) ON DELETE CASCADE,
	body    TEXT COLLATE "C" NOT NULL
);

-- Which services a finding says something is unused of.
CREATE TABLE finding_services (
	finding  BIGINT NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	service  TEXT COLLATE "C" NOT NULL,
	analyzer BIGINT NOT NULL,
	PRIMARY KEY (finding, service)
);
CREATE INDEX finding_services_by_service ON finding_services (analyzer, service, finding);

-- How many findings of an account there are, by status and type.
CREATE TABLE finding_counts (
	analyzer BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT COLLATE "C" NOT NULL,
	status   TEXT COLLATE "C" NOT NULL,
	type     TEXT COLLATE "C" NOT NULL,
	n        BIGINT NOT NULL,
	PRIMARY KEY (analyzer, account, status, type)
);

-- How many findings of an account say something is unused of a service, by status.
CREATE TABLE service_counts (
	analyzer BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	account  TEXT COLLATE "C" NOT NULL,
	service  TEXT COLLATE "C" NOT NULL,
	status   TEXT COLLATE "C" NOT NULL,
	n        BIGINT NOT NULL,
	PRIMARY KEY (analyzer, account, service, status)
);
CREATE INDEX service_counts_by_service ON service_counts (analyzer, service, status, account, n);

-- The resources that findings are about, each once, to look for a part of their ARNs.
CREATE TABLE resources (
	analyzer BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	arn      TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (analyzer, arn)
);

CREATE TABLE finding_notes (
	key     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	finding BIGINT NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	at      BIGINT NOT NULL,
	who     TEXT COLLATE "C" NOT NULL,
	body    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX finding_notes_by_finding ON finding_notes (finding, key);

CREATE TABLE finding_history (
	key            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	finding        BIGINT NOT NULL REFERENCES findings (key) ON DELETE CASCADE,
	analyzer       BIGINT NOT NULL,
	at             BIGINT NOT NULL,
	change         TEXT COLLATE "C" NOT NULL,
	from_status    TEXT COLLATE "C" NOT NULL,
	to_status      TEXT COLLATE "C" NOT NULL,
	run            BIGINT NOT NULL,
	who            TEXT COLLATE "C" NOT NULL,
	archived_by    TEXT COLLATE "C" NOT NULL,
	details_before TEXT COLLATE "C" NOT NULL
);
CREATE INDEX finding_history_by_finding ON finding_history (finding, key);
CREATE INDEX finding_history_by_time ON finding_history (analyzer, at, change, to_status);
CREATE INDEX finding_history_by_analyzer ON finding_history (analyzer, key, at);

-- Who is told of findings, and which server tells: nobody else until held_until.
CREATE TABLE sinks (
	name       TEXT COLLATE "C" PRIMARY KEY,
	holder     TEXT COLLATE "C" NOT NULL,
	held_until BIGINT NOT NULL
);

-- Up to which event of an analyzer a sink was told; before the first, if there is no row.
CREATE TABLE sink_positions (
	sink     TEXT COLLATE "C" NOT NULL REFERENCES sinks (name) ON DELETE CASCADE,
	analyzer BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	position BIGINT NOT NULL,
	PRIMARY KEY (sink, analyzer)
);
CREATE INDEX sink_positions_by_analyzer ON sink_positions (analyzer);

CREATE TABLE principals (
	key         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	analyzer    BIGINT NOT NULL REFERENCES analyzers (id) ON DELETE CASCADE,
	arn         TEXT COLLATE "C" NOT NULL,
	id          TEXT COLLATE "C" NOT NULL,
	kind        TEXT COLLATE "C" NOT NULL,
	account     TEXT COLLATE "C" NOT NULL,
	path        TEXT COLLATE "C" NOT NULL,
	tags        TEXT COLLATE "C" NOT NULL,
	created_at  BIGINT NOT NULL,
	last_used   BIGINT NOT NULL,
	granted     BIGINT NOT NULL,
	used        BIGINT NOT NULL,
	unused      BIGINT NOT NULL,
	left_over   BIGINT NOT NULL,
	evidence    TEXT COLLATE "C" NOT NULL,
	policies    TEXT COLLATE "C" NOT NULL,
	run         BIGINT NOT NULL,
	UNIQUE (analyzer, arn)
);
CREATE INDEX principals_by_account ON principals (analyzer, account, arn);
CREATE INDEX principals_by_unused ON principals (analyzer, unused, key);

CREATE TABLE policies (
	hash    TEXT COLLATE "C" PRIMARY KEY,
	body    TEXT COLLATE "C" NOT NULL,
	seen_at BIGINT NOT NULL
);

CREATE TABLE principal_policies (
	principal BIGINT NOT NULL REFERENCES principals (key) ON DELETE CASCADE,
	position  BIGINT NOT NULL,
	analyzer  BIGINT NOT NULL,
	hash      TEXT COLLATE "C" NOT NULL REFERENCES policies (hash),
	kind      TEXT COLLATE "C" NOT NULL,
	name      TEXT COLLATE "C" NOT NULL,
	arn       TEXT COLLATE "C" NOT NULL,
	held_by   TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (principal, position)
);
CREATE INDEX principal_policies_by_hash ON principal_policies (hash, principal);
CREATE INDEX principal_policies_by_name ON principal_policies (analyzer, name, hash, kind, arn, principal);

CREATE TABLE recommendations (
	id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	finding      BIGINT NOT NULL UNIQUE REFERENCES findings (key) ON DELETE CASCADE,
	analyzer     BIGINT NOT NULL,
	state        TEXT COLLATE "C" NOT NULL,
	started_at   BIGINT NOT NULL,
	completed_at BIGINT NOT NULL,
	error_code   TEXT COLLATE "C" NOT NULL,
	error_text   TEXT COLLATE "C" NOT NULL,
	unused_hash  TEXT COLLATE "C" NOT NULL,
	policies     TEXT COLLATE "C" NOT NULL,
	verdict      TEXT COLLATE "C" NOT NULL,
	body         TEXT COLLATE "C" NOT NULL
);
CREATE INDEX recommendations_by_analyzer ON recommendations (analyzer, id);
CREATE INDEX recommendations_by_state ON recommendations (state, id);

CREATE TABLE certificates (
	recommendation BIGINT NOT NULL REFERENCES recommendations (id) ON DELETE CASCADE,
	name           TEXT COLLATE "C" NOT NULL,
	body           BYTEA NOT NULL,
	PRIMARY KEY (recommendation, name)
);

CREATE TABLE tags (
	arn   TEXT COLLATE "C" NOT NULL,
	name  TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (arn, name)
);

CREATE TABLE client_tokens (
	token     TEXT COLLATE "C" NOT NULL,
	operation TEXT COLLATE "C" NOT NULL,
	input     TEXT COLLATE "C" NOT NULL,
	answer    TEXT COLLATE "C" NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (token, operation)
);

CREATE TABLE users (
	name       TEXT COLLATE "C" PRIMARY KEY,
	role       TEXT COLLATE "C" NOT NULL,
	password   TEXT COLLATE "C" NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE api_tokens (
	id         TEXT COLLATE "C" PRIMARY KEY,
	user_name  TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
	label      TEXT COLLATE "C" NOT NULL,
	hash       TEXT COLLATE "C" NOT NULL UNIQUE,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_name, id);

CREATE TABLE access_keys (
	id         TEXT COLLATE "C" PRIMARY KEY,
	user_name  TEXT COLLATE "C" NOT NULL REFERENCES users (name) ON DELETE CASCADE,
	sealed     BYTEA NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX access_keys_by_user ON access_keys (user_name, id);

CREATE TABLE sessions (
	hash       TEXT COLLATE "C" PRIMARY KEY,
	user_name  TEXT COLLATE "C" NOT NULL,
	data       BYTEA NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_name);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE audit (
	key     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      BIGINT NOT NULL,
	who     TEXT COLLATE "C" NOT NULL,
	origin  TEXT COLLATE "C" NOT NULL,
	action  TEXT COLLATE "C" NOT NULL,
	target  TEXT COLLATE "C" NOT NULL,
	outcome TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_target ON audit (target, key);
CREATE INDEX audit_by_who ON audit (who, key);
CREATE INDEX audit_by_action ON audit (action, key);

-- What has happened isn't rewritten, by any program. History and notes go with their finding,
-- after it, and in no other way.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is never overwritten', TG_TABLE_NAME; END;
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION refuse_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM findings WHERE key = OLD.finding) THEN
		RAISE EXCEPTION '% goes with its finding alone', TG_TABLE_NAME;
	END IF;
	RETURN OLD;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER finding_history_stays BEFORE UPDATE ON finding_history
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER finding_history_is_kept BEFORE DELETE ON finding_history
	FOR EACH ROW EXECUTE FUNCTION refuse_alone();
CREATE TRIGGER finding_history_isnt_emptied BEFORE TRUNCATE ON finding_history
	EXECUTE FUNCTION refuse_change();
CREATE TRIGGER finding_notes_stay BEFORE UPDATE ON finding_notes
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER finding_notes_are_kept BEFORE DELETE ON finding_notes
	FOR EACH ROW EXECUTE FUNCTION refuse_alone();
CREATE TRIGGER finding_notes_arent_emptied BEFORE TRUNCATE ON finding_notes
	EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit
	FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_isnt_emptied BEFORE TRUNCATE ON audit
	EXECUTE FUNCTION refuse_change();
