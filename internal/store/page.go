package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Page asks for a part of a list.
type Page struct {
	Limit int    // how many at most; 0: 100, and never more than 1,000
	Token string // Next of the part before; "" for the first
}

// Part is a part of a list.
type Part[T any] struct {
	Items []T    // never nil
	Next  string // the token of the next part; "" after the last
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// listing is a list that can be read by parts. A part begins where the last one ended, by
// the values of its last row, so that the thousandth costs no more than the first, and
// what is added or goes meanwhile shifts nothing.
type listing[T any] struct {
	of         string     // which list of what, under which filter: a token is good for this alone
	query      *statement // SELECT … WHERE …, to be gone on with AND
	order      []column   // the last one has each value once
	descending bool
	group      bool // one row for all that stand at the same place
	scan       func(row) (T, error)
	at         func(T) []string // where a row stands: its values of order
}

// column is one that a list is sorted by.
type column struct {
	name   string
	number bool
}

// token is what a paging token holds.
type token struct {
	List string   `json:"l"`
	At   []string `json:"a"`
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return defaultLimit
	}
	return min(p.Limit, maxLimit)
}

// read reads a part.
func (l listing[T]) read(ctx context.Context, q querier, p Page) (Part[T], error) {
	if p.Token != "" {
		if err := l.goOn(p.Token); err != nil {
			return Part[T]{}, err
		}
	}
	n := p.limit()
	if l.group {
		l.query.add(" GROUP BY " + strings.Join(l.names(), ", "))
	}
	l.sort()
	l.query.add(" LIMIT ?", n+1)
	items, err := all(ctx, q, l.query, l.scan)
	if err != nil || len(items) <= n {
		return Part[T]{Items: items}, err
	}
	next, err := l.token(items[n-1])
	return Part[T]{items[:n], next}, err
}

func (l listing[T]) sort() {
	for i, c := range l.order {
		l.query.add([]string{" ORDER BY ", ", "}[min(i, 1)] + c.name)
		if l.descending {
			l.query.add(" DESC")
		}
	}
}

func (l listing[T]) token(last T) (string, error) {
	text, err := json.Marshal(token{digest(l.of), l.at(last)})
	return base64.RawURLEncoding.EncodeToString(text), err
}

// goOn adds the condition that a token stands for.
func (l listing[T]) goOn(text string) error {
	var t token
	src, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(src, &t)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	if t.List != digest(l.of) || len(t.At) != len(l.order) {
		return fmt.Errorf("%w: it is from another list, filter or order: start without one", ErrToken)
	}
	values, err := l.values(t.At)
	if err != nil {
		return err
	}
	l.query.add(" AND (" + strings.Join(l.names(), ", ") + ") " + map[bool]string{false: ">", true: "<"}[l.descending] + " ")
	list(l.query, values)
	return nil
}

func (l listing[T]) names() []string {
	var out []string
	for _, c := range l.order {
		out = append(out, c.name)
	}
	return out
}

func (l listing[T]) values(at []string) ([]any, error) {
	out := make([]any, len(at))
	for i, text := range at {
		if !l.order[i].number {
			if err := checkText(text); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrToken, err)
			}
			out[i] = text
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrToken, err)
		}
		out[i] = n
	}
	return out, nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
