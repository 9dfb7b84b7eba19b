-- +goose Up
-- Whether a run judged a principal's permissions: 1, or 0. Of those that are there it isn't
-- known, and they count as judged until the next run.
ALTER TABLE principals ADD COLUMN judged INTEGER NOT NULL DEFAULT 1;

-- Lists have the most unused first, and those that weren't judged last.
DROP INDEX principals_by_unused;
DROP INDEX principals_by_account_and_unused;
CREATE INDEX principals_by_unused ON principals (analyzer, judged, unused, key);
CREATE INDEX principals_by_account_and_unused ON principals (analyzer, account, judged, unused, key);
