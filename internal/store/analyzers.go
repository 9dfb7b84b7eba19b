package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pare-iam/pare/finding"
)

// AnalyzerType is whose access an analyzer looks at.
type AnalyzerType string

// The types.
const (
	AccountUnused      AnalyzerType = "ACCOUNT_UNUSED_ACCESS"
	OrganizationUnused AnalyzerType = "ORGANIZATION_UNUSED_ACCESS"
)

// Analyzer is one that somebody set up.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalyzerSummary.html
type Analyzer struct {
	ARN           string // alone in the database, as Name is
	Name          string
	Type          AnalyzerType
	UnusedAge     int // days, 1–365
	Exclusions    []Exclusion
	Status        string // "ACTIVE", "CREATING", "DISABLED", "FAILED"
	StatusReason  string
	LinkedService string        // of a service-linked one: who made it; else ""
	Every         time.Duration `json:"-"` // how often it looks at its accounts; 0: as the server does
	CreatedAt     time.Time
	LastResource  string    // ARN of the last resource that was analyzed; ""
	LastRunAt     time.Time // when its last run was complete; zero when none was
	Tags          map[string]string
}

// Exclusion is accounts and principals that an analyzer leaves alone.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalysisRuleCriteria.html
type Exclusion struct {
	AccountIDs   []string            `json:"accountIds,omitempty"`
	ResourceTags []map[string]string `json:"resourceTags,omitempty"`
}

// NewAnalyzer is an analyzer that is to be made, with its first archive rules. Of Analyzer,
// LastResource and LastRunAt aren't looked at; CreatedAt is By's.
type NewAnalyzer struct {
	Analyzer
	Rules []finding.ArchiveRule
	Token string // the client's, for asking again; "" for none
}

// CreateAnalyzer makes an analyzer and returns its ARN. Asked again with the same token, it
// returns the same; with the token and something else, or a name or ARN that is taken, it
// is ErrConflict.
func (s *Store) CreateAnalyzer(ctx context.Context, by By, a NewAnalyzer) (string, error) {
	if a.ARN == "" || a.Name == "" || a.UnusedAge < 1 || a.UnusedAge > 365 {
		return "", invalid("analyzer %q, ARN %q, %d days: want a name, an ARN and 1 to 365 days", a.Name, a.ARN, a.UnusedAge)
	}
	a.CreatedAt, a.LastRunAt, a.LastResource = time.Time{}, time.Time{}, ""
	return s.once(ctx, by, request{"CreateAnalyzer", a.Token, a}, func(tx *sql.Tx) (string, error) {
		exclusions, err := encode(append([]Exclusion{}, a.Exclusions...))
		if err != nil {
			return "", err
		}
		key, err := one(ctx, tx, sqlOf(`INSERT INTO analyzers (arn, name, type, unused_age, exclusions, status, status_reason,
			linked_service, every, created_at, last_resource, last_run_at, revision)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0) ON CONFLICT DO NOTHING RETURNING id`,
			a.ARN, a.Name, string(a.Type), a.UnusedAge, exclusions, a.Status, a.StatusReason,
			a.LinkedService, int64(a.Every), micros(by.At)), scanInt, exists("analyzer", a.Name))
		if err != nil {
			return "", err
		}
		for _, rule := range a.Rules {
			if err := insertRule(ctx, tx, key, rule, by.At); err != nil {
				return "", err
			}
		}
		if err := putTags(ctx, tx, a.ARN, a.Tags); err != nil {
			return "", err
		}
		return a.ARN, audit(ctx, tx, by, "CreateAnalyzer", a.ARN)
	})
}

// UpdateAnalyzer changes what of an analyzer can be changed: UnusedAge, Exclusions, Status,
// StatusReason and Every. It is given by its ARN.
func (s *Store) UpdateAnalyzer(ctx context.Context, by By, a Analyzer) error {
	if a.UnusedAge < 1 || a.UnusedAge > 365 {
		return invalid("%d days: want 1 to 365", a.UnusedAge)
	}
	exclusions, err := encode(append([]Exclusion{}, a.Exclusions...))
	if err != nil {
		return err
	}
	return s.change(ctx, by, "UpdateAnalyzer", a.ARN, notFound("analyzer", a.ARN), sqlOf(`UPDATE analyzers
		SET unused_age = ?, exclusions = ?, status = ?, status_reason = ?, every = ?, revision = revision + 1 WHERE arn = ?`,
		a.UnusedAge, exclusions, a.Status, clean(a.StatusReason), int64(a.Every), a.ARN))
}

// DeleteAnalyzer removes an analyzer with everything of it: rules, runs, findings and their
// history, recommendations, principals, tags. Nobody finds any of it afterwards, and another
// may have its name; RemoveDeleted takes it out of the database, and has sinks told that its
// findings are gone. Asked again with the same token, it is done.
func (s *Store) DeleteAnalyzer(ctx context.Context, by By, arn, clientToken string) error {
	_, err := s.once(ctx, by, request{"DeleteAnalyzer", clientToken, NewAnalyzer{Analyzer: Analyzer{ARN: arn}}}, func(tx *sql.Tx) (string, error) {
		owner, err := s.lockAnalyzer(ctx, tx, arn)
		if err == nil {
			err = markGone(ctx, tx, owner, by)
		}
		if err == nil {
			_, err = exec(ctx, tx, sqlOf(`DELETE FROM tags WHERE arn = ?`, arn))
		}
		if err != nil {
			return "", err
		}
		return "", audit(ctx, tx, by, "DeleteAnalyzer", arn)
	})
	return err
}

const analyzerColumns = `a.arn, a.name, a.type, a.unused_age, a.exclusions, a.status, a.status_reason, a.linked_service,
	a.every, a.created_at, a.last_resource, a.last_run_at FROM analyzers a`

func scanAnalyzer(r row) (Analyzer, error) {
	var a Analyzer
	var every int64
	err := r.Scan(&a.ARN, &a.Name, &a.Type, &a.UnusedAge, decoded[[]Exclusion]{&a.Exclusions}, &a.Status, &a.StatusReason, &a.LinkedService,
		&every, instant{&a.CreatedAt}, &a.LastResource, instant{&a.LastRunAt})
	a.Every = time.Duration(every)
	return a, err
}

// Analyzer is an analyzer by its ARN or its name.
func (s *Store) Analyzer(ctx context.Context, name string) (Analyzer, error) {
	a, err := one(ctx, s.reader, sqlOf(`SELECT `+analyzerColumns+` WHERE (a.arn = ? OR a.name = ?) AND a.gone_arn = ''`, name, name), scanAnalyzer, notFound("analyzer", name))
	if err != nil {
		return a, err
	}
	a.Tags, err = s.Tags(ctx, a.ARN)
	return a, err
}

// Analyzers lists the analyzers of a type by name; "" is all types.
func (s *Store) Analyzers(ctx context.Context, t AnalyzerType, p Page) (Part[Analyzer], error) {
	st := sqlOf(`SELECT ` + analyzerColumns + ` WHERE a.gone_arn = ''`)
	if t != "" {
		st.add(` AND a.type = ?`, string(t))
	}
	out, err := listing[Analyzer]{
		of: "analyzers " + string(t), query: st, order: []column{{name: "a.name"}},
		scan: scanAnalyzer, at: func(a Analyzer) []string { return []string{a.Name} },
	}.read(ctx, s.reader, p)
	for i := range out.Items {
		if err == nil {
			out.Items[i].Tags, err = s.Tags(ctx, out.Items[i].ARN)
		}
	}
	return out, err
}

// analyzerID finds an analyzer's key by its ARN.
func (s *Store) analyzerID(ctx context.Context, q querier, arn string) (int64, error) {
	return one(ctx, q, sqlOf(`SELECT id FROM analyzers WHERE arn = ?`, arn), scanInt, notFound("analyzer", arn))
}

// lockAnalyzer has others who would write findings of the analyzer wait for the end of the
// transaction, and returns its key. It counts the change, which is what memory goes by:
// whoever changes or removes findings comes by here.
func (s *Store) lockAnalyzer(ctx context.Context, tx *sql.Tx, arn string) (int64, error) {
	return one(ctx, tx, sqlOf(`UPDATE analyzers SET revision = revision + 1 WHERE arn = ? RETURNING id`, arn), scanInt, notFound("analyzer", arn))
}

// change runs a statement that must change something, and notes it in the audit log.
func (s *Store) change(ctx context.Context, by By, action, target string, missing error, st *statement) error {
	return s.writeAsked(ctx, by, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, st)
		if err != nil {
			return fmt.Errorf("%s %q: %w", action, target, err)
		}
		if n == 0 {
			return missing
		}
		return audit(ctx, tx, by, action, target)
	})
}
