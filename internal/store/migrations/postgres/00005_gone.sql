-- +goose Up
-- An analyzer that was deleted is called something that nobody asks for, until all that was
-- found by it is removed: what it was called, and when it was deleted. '' and 0 of others.
ALTER TABLE analyzers ADD COLUMN gone_arn TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE analyzers ADD COLUMN gone_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX analyzers_by_gone_arn ON analyzers (gone_arn) WHERE gone_arn <> '';
