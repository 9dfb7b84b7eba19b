package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/finding"
)

// Rule is an archive rule of an analyzer.
type Rule struct {
	finding.ArchiveRule
	CreatedAt, UpdatedAt time.Time

	key int64
}

// filterText is a rule as the database has it: in the API's shape. It is read once before
// it is kept, so that what is kept can be read.
func filterText(r finding.ArchiveRule) (string, error) {
	text, err := encode([]finding.ArchiveRule{r})
	if err != nil {
		return "", err
	}
	if _, err := finding.ParseArchiveRules("archive rule", []byte(text)); err != nil {
		return "", invalid("%v", err)
	}
	return text, nil
}

func insertRule(ctx context.Context, tx *sql.Tx, owner int64, r finding.ArchiveRule, at time.Time) error {
	text, err := filterText(r)
	if err != nil {
		return err
	}
	n, err := exec(ctx, tx, sqlOf(`INSERT INTO archive_rules (analyzer, name, filter, created_at, updated_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		owner, r.Name, text, micros(at), micros(at)))
	if err == nil && n == 0 {
		err = exists("archive rule", r.Name)
	}
	return err
}

// CreateRule adds an archive rule, after those that there are. New findings that it matches
// are archived by the next run; ApplyRule archives those that there are. A client token
// is good for asking again.
func (s *Store) CreateRule(ctx context.Context, by By, analyzer string, r finding.ArchiveRule, clientToken string) error {
	asked := NewAnalyzer{Analyzer: Analyzer{ARN: analyzer}, Rules: []finding.ArchiveRule{r}}
	_, err := s.once(ctx, by, request{"CreateArchiveRule", clientToken, asked}, func(tx *sql.Tx) (string, error) {
		owner, err := s.analyzerID(ctx, tx, analyzer)
		if err != nil {
			return "", err
		}
		if err := insertRule(ctx, tx, owner, r, by.At); err != nil {
			return "", err
		}
		return "", audit(ctx, tx, by, "CreateArchiveRule", analyzer+"/"+r.Name)
	})
	return err
}

// UpdateRule gives a rule another filter.
func (s *Store) UpdateRule(ctx context.Context, by By, analyzer string, r finding.ArchiveRule) error {
	text, err := filterText(r)
	if err != nil {
		return err
	}
	return s.change(ctx, by, "UpdateArchiveRule", analyzer+"/"+r.Name, notFound("archive rule", r.Name), sqlOf(
		`UPDATE archive_rules SET filter = ?, updated_at = ? WHERE name = ? AND analyzer = (SELECT id FROM analyzers WHERE arn = ?)`,
		text, micros(by.At), r.Name, analyzer))
}

// DeleteRule removes a rule. What it archived stays so until the next run.
func (s *Store) DeleteRule(ctx context.Context, by By, analyzer, name string) error {
	return s.change(ctx, by, "DeleteArchiveRule", analyzer+"/"+name, notFound("archive rule", name), sqlOf(
		`DELETE FROM archive_rules WHERE name = ? AND analyzer = (SELECT id FROM analyzers WHERE arn = ?)`, name, analyzer))
}

const ruleColumns = `key, filter, created_at, updated_at FROM archive_rules`

func scanRule(r row) (Rule, error) {
	var out Rule
	var text string
	if err := r.Scan(&out.key, &text, instant{&out.CreatedAt}, instant{&out.UpdatedAt}); err != nil {
		return out, err
	}
	rules, err := finding.ParseArchiveRules("archive rule", []byte(text))
	if err != nil || len(rules) != 1 {
		return out, fmt.Errorf("%w: archive rule: %w", ErrDamaged, err)
	}
	out.ArchiveRule = rules[0]
	return out, nil
}

// Rule is an archive rule by its name.
func (s *Store) Rule(ctx context.Context, analyzer, name string) (Rule, error) {
	return s.rule(ctx, s.reader, analyzer, name)
}

func (s *Store) rule(ctx context.Context, q querier, analyzer, name string) (Rule, error) {
	owner, err := s.analyzerID(ctx, q, analyzer)
	if err != nil {
		return Rule{}, err
	}
	return one(ctx, q, sqlOf(`SELECT `+ruleColumns+` WHERE analyzer = ? AND name = ?`, owner, name), scanRule, notFound("archive rule", name))
}

// Rules lists an analyzer's archive rules in the order in which they are tried.
func (s *Store) Rules(ctx context.Context, analyzer string, p Page) (Part[Rule], error) {
	owner, err := s.analyzerID(ctx, s.reader, analyzer)
	if err != nil {
		return Part[Rule]{}, err
	}
	return listing[Rule]{
		of: "rules of " + analyzer, query: sqlOf(`SELECT `+ruleColumns+` WHERE analyzer = ?`, owner), order: []column{{"key", true}},
		scan: scanRule, at: func(r Rule) []string { return []string{decimal(r.key)} },
	}.read(ctx, s.reader, p)
}

// rulesOf are all rules of an analyzer, in order.
func (s *Store) rulesOf(ctx context.Context, q querier, owner int64) ([]finding.ArchiveRule, error) {
	rules, err := all(ctx, q, sqlOf(`SELECT `+ruleColumns+` WHERE analyzer = ? ORDER BY key`, owner), scanRule)
	out := make([]finding.ArchiveRule, len(rules))
	for i, r := range rules {
		out[i] = r.ArchiveRule
	}
	return out, err
}

var _ json.MarshalerTo = finding.ArchiveRule{} // that its JSON is the API's is what the database rests on
