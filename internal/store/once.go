package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// request is what a client asks for, and may ask for again after a lost answer.
type request struct {
	operation string
	token     string // the client's; "": each time is a new one
	input     NewAnalyzer
}

// once does what a request asks for, unless it was done before under its token: then the
// answer is the same. The token with another input is ErrConflict.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateAnalyzer.html
func (s *Store) once(ctx context.Context, by By, r request, do func(*sql.Tx) (string, error)) (string, error) {
	r.input.Token = ""
	text, err := encode(struct {
		Input NewAnalyzer
		Every int64
	}{r.input, int64(r.input.Every)})
	if err != nil {
		return "", err
	}
	a := asked{r.token, r.operation, digest(text)}
	if by.Ask.Token != "" {
		a = askedOf(by.Ask)
	}
	var answer string
	err = s.write(ctx, func(tx *sql.Tx) (err error) {
		answer, err = a.once(ctx, tx, by.At, do)
		return err
	})
	return answer, err
}

// writeAsked is write for a change that a client may ask for again.
func (s *Store) writeAsked(ctx context.Context, by By, do func(*sql.Tx) error) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := askedOf(by.Ask).once(ctx, tx, by.At, func(tx *sql.Tx) (string, error) { return "", do(tx) })
		return err
	})
}

// asked is a request by its token, and the digest of what it asks for.
type asked struct{ token, operation, input string }

func askedOf(a Ask) asked { return asked{a.Token, a.Operation, hex.EncodeToString(a.Input[:])} }

func (a asked) once(ctx context.Context, tx *sql.Tx, at time.Time, do func(*sql.Tx) (string, error)) (string, error) {
	if a.token == "" {
		return do(tx)
	}
	if err := checkText(a.token); err != nil {
		return "", err
	}
	// The row is there before the work is, so that of two at once one waits.
	n, err := exec(ctx, tx, sqlOf(`INSERT INTO client_tokens (token, operation, input, answer, at) VALUES (?, ?, ?, '', ?) ON CONFLICT DO NOTHING`,
		a.token, a.operation, a.input, micros(at)))
	if err != nil {
		return "", err
	}
	if n == 0 {
		return a.before(ctx, tx)
	}
	answer, err := do(tx)
	if err != nil {
		return "", err
	}
	_, err = exec(ctx, tx, sqlOf(`UPDATE client_tokens SET answer = ? WHERE token = ? AND operation = ?`, answer, a.token, a.operation))
	return answer, err
}

// before is the answer that a request had.
func (a asked) before(ctx context.Context, tx *sql.Tx) (string, error) {
	answer, err := one(ctx, tx, sqlOf(`SELECT answer FROM client_tokens WHERE token = ? AND operation = ? AND input = ?`,
		a.token, a.operation, a.input), scanText, ErrReused)
	if errors.Is(err, ErrReused) {
		return "", fmt.Errorf("client token %q: %w", a.token, err)
	}
	return answer, err
}
