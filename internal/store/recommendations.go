package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pare-iam/pare/finding"
)

// InProgress is the state of a recommendation that isn't ready; the others are
// finding.Succeeded and finding.Failed.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingRecommendation.html
const InProgress finding.Outcome = "IN_PROGRESS"

// Recommendation is what to do about a finding.
type Recommendation struct {
	ID          int64  // of this making; another has another
	FindingID   string // its finding's
	Resource    string // ARN of the role or user
	State       finding.Outcome
	StartedAt   time.Time
	CompletedAt time.Time // zero while it is in progress
	ErrorCode   string    // of one that failed
	Error       string
	Advice

	// Stale: what is unused isn't what it was when the recommendation was asked for, or the
	// principal's policies aren't. Its steps would then undo somebody's change.
	Stale bool
}

// Advice is the content of a recommendation.
type Advice struct {
	Steps   []finding.Step `json:"-"`                // stored as storedStep
	Verdict string         `json:"verdict,omitzero"` // of all proofs together: "proved", "refuted", "undecided"; "" when there was nothing to prove
	Proofs  []Proof        `json:"proofs,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
	Before  int            `json:"before,omitzero"` // actions of the catalog that all policies grant
	After   int            `json:"after,omitzero"`  // and after the steps
}

// storedAdvice is an advice as the database has it.
type storedAdvice struct {
	Advice `json:",inline"`
	Steps  []storedStep `json:"steps"`
}

// storedStep is a finding.Step, with names that mustn't change.
type storedStep struct {
	Action            finding.StepAction `json:"action"`
	ExistingPolicyID  string             `json:"existingPolicyId,omitzero"`
	Group             string             `json:"group,omitzero"`
	Affects           []string           `json:"affects,omitempty"`
	RecommendedPolicy string             `json:"recommendedPolicy,omitzero"`
	RecommendedName   string             `json:"recommendedName,omitzero"`
	PolicyUpdatedAt   time.Time          `json:"policyUpdatedAt,omitzero"`
}

func (a Advice) stored() storedAdvice {
	out := storedAdvice{a, make([]storedStep, len(a.Steps))}
	for i, step := range a.Steps {
		out.Steps[i] = storedStep(step)
	}
	return out
}

func (a storedAdvice) advice() Advice {
	out := a.Advice
	for _, step := range a.Steps {
		out.Steps = append(out.Steps, finding.Step(step))
	}
	return out
}

// Proof is what was proved of one policy.
type Proof struct {
	Policy      string `json:"policy"` // its ARN, or the name of an inline one
	Verdict     string `json:"verdict"`
	Reason      string `json:"reason,omitzero"`
	Certificate string `json:"certificate,omitzero"` // its name; ""
}

// Made is how the making of a recommendation ended.
type Made struct {
	Advice
	State        finding.Outcome // Succeeded or Failed
	ErrorCode    string
	Error        string
	Certificates map[string][]byte // SMT-LIB files by name
	At           time.Time
}

// StartRecommendation notes that a recommendation for a finding is to be made, in place of
// one that there was, and returns its ID. ErrConflict if the finding is resolved, or isn't
// about permissions.
func (s *Store) StartRecommendation(ctx context.Context, by By, analyzer, findingID string) (int64, error) {
	var id int64
	err := s.write(ctx, func(tx *sql.Tx) error {
		key, owner, err := s.findingKey(ctx, tx, analyzer, findingID)
		if err != nil {
			return err
		}
		// Of two at once the second waits, and has the last word.
		if _, err := one(ctx, tx, sqlOf(`SELECT key FROM findings WHERE key = ?`+s.dialect.lock, key), scanInt, notFound("finding", findingID)); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, sqlOf(`DELETE FROM recommendations WHERE finding = ?`, key)); err != nil {
			return err
		}
		none := fmt.Errorf("finding %q has no recommendation: want an unresolved one of type %s: %w", findingID, finding.UnusedPermission, ErrConflict)
		id, err = one(ctx, tx, sqlOf(`INSERT INTO recommendations (finding, analyzer, state, started_at, completed_at, error_code, error_text, unused_hash, policies, verdict, body)
			SELECT key, analyzer, ?, ?, 0, '', '', unused_hash, COALESCE((SELECT p.policies FROM principals p
				WHERE p.analyzer = findings.analyzer AND p.arn = findings.resource), ''), '', '{"steps":[]}' FROM findings
			WHERE key = ? AND analyzer = ? AND status <> 'RESOLVED' AND type = 'UnusedPermission' RETURNING id`,
			string(InProgress), micros(by.At), key, owner), scanInt, none)
		if err != nil {
			return err
		}
		return audit(ctx, tx, by, "GenerateFindingRecommendation", analyzer+"/"+findingID)
	})
	return id, err
}

// FinishRecommendation keeps what was made. ErrConflict if it is finished already,
// ErrNotFound if another has been started since, or the finding is gone: then what was made
// is of no use, and nothing is kept.
func (s *Store) FinishRecommendation(ctx context.Context, id int64, m Made) error {
	if m.State != finding.Succeeded && m.State != finding.Failed {
		return invalid("recommendation in state %q: want %s or %s", m.State, finding.Succeeded, finding.Failed)
	}
	body, err := encode(m.stored())
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		n, err := exec(ctx, tx, sqlOf(`UPDATE recommendations SET state = ?, completed_at = ?, error_code = ?, error_text = ?, verdict = ?, body = ?
			WHERE id = ? AND state = 'IN_PROGRESS'`,
			string(m.State), micros(m.At), clean(m.ErrorCode), clean(m.Error), clean(m.Verdict), body, id))
		if err != nil {
			return err
		}
		if n == 0 {
			return finished(ctx, tx, id)
		}
		for _, name := range slices.Sorted(maps.Keys(m.Certificates)) {
			if _, err := exec(ctx, tx, sqlOf(`INSERT INTO certificates (recommendation, name, body) VALUES (?, ?, ?)`,
				id, name, append([]byte{}, m.Certificates[name]...))); err != nil {
				return err
			}
		}
		return nil
	})
}

func finished(ctx context.Context, q querier, id int64) error {
	state, err := one(ctx, q, sqlOf(`SELECT state FROM recommendations WHERE id = ?`, id), scanText, notFound("recommendation", decimal(id)))
	if err != nil {
		return err
	}
	return fmt.Errorf("recommendation %d is %s: %w", id, state, ErrConflict)
}

// isStale says, in SQL, that a recommendation was made of something else than what is there.
const isStale = `(r.unused_hash <> COALESCE(f.unused_hash, '') OR r.policies <> COALESCE(p.policies, ''))`

// Each recommendation has a finding and an analyzer. LEFT JOIN keeps SQLite, which knows how
// many findings there are, but not how few recommendations, from going through the findings.
const recommendationColumns = `a.arn, f.account, f.status, r.id, f.id, f.resource, r.state, r.started_at, r.completed_at, r.error_code, r.error_text, r.body, ` + isStale + `
	FROM recommendations r LEFT JOIN findings f ON f.key = r.finding LEFT JOIN analyzers a ON a.id = r.analyzer
	LEFT JOIN principals p ON p.analyzer = f.analyzer AND p.arn = f.resource`

// Advised is a recommendation in a list of several analyzers'.
type Advised struct {
	Recommendation
	Analyzer string // ARN
	Account  string
	Status   finding.Status // of the finding
}

func scanAdvised(r row) (Advised, error) {
	var out Advised
	var body storedAdvice
	err := r.Scan(&out.Analyzer, &out.Account, &out.Status, &out.ID, &out.FindingID, &out.Resource, &out.State,
		instant{&out.StartedAt}, instant{&out.CompletedAt}, &out.ErrorCode, &out.Error, decoded[storedAdvice]{&body}, &out.Stale)
	out.Advice = body.advice()
	return out, err
}

// Recommendation is what was made last for a finding; ErrNotFound if nothing was.
func (s *Store) Recommendation(ctx context.Context, analyzer, findingID string) (Recommendation, error) {
	out, err := one(ctx, s.reader, sqlOf(`SELECT `+recommendationColumns+` WHERE a.arn = ? AND f.id = ?`, analyzer, findingID),
		scanAdvised, notFound("recommendation for finding", findingID))
	return out.Recommendation, err
}

// Recommendations lists an analyzer's recommendations, the last started first; those in one
// state, if it is given.
func (s *Store) Recommendations(ctx context.Context, analyzer string, state finding.Outcome, p Page) (Part[Recommendation], error) {
	if _, err := s.analyzerID(ctx, s.reader, analyzer); err != nil {
		return Part[Recommendation]{}, err
	}
	got, err := s.Advised(ctx, AdviceQuery{Analyzer: analyzer, State: state}, p)
	out := Part[Recommendation]{Items: make([]Recommendation, len(got.Items)), Next: got.Next}
	for i := range got.Items {
		out.Items[i] = got.Items[i].Recommendation
	}
	return out, err
}

// Certificates lists the names of a recommendation's certificates, sorted.
func (s *Store) Certificates(ctx context.Context, id int64) ([]string, error) {
	return all(ctx, s.reader, sqlOf(`SELECT name FROM certificates WHERE recommendation = ? ORDER BY name`, id), scanText)
}

// Certificate is a certificate by its name.
func (s *Store) Certificate(ctx context.Context, id int64, name string) ([]byte, error) {
	return one(ctx, s.reader, sqlOf(`SELECT body FROM certificates WHERE recommendation = ? AND name = ?`, id, name),
		func(r row) (body []byte, err error) {
			err = r.Scan(&body)
			return body, err
		}, notFound("certificate", name))
}
