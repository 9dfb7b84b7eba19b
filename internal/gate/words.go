package gate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
)

func contains(list []int, i int) bool { return slices.Contains(list, i) }

// matchesAny says whether one of the patterns matches, in any case; `*` and `?` are as in
// policies.
func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(strings.ToLower(p), strings.ToLower(text)) })
}

// matches is a match of a pattern with `*` and `?`; `*` matches slashes too.
func matches(pattern, text string) bool { return wildcard.Parse(pattern).Match(text) }

// problems are what is wrong with a file of entries.
type problems []error

func (p *problems) add(name string, line int, what string) {
	*p = append(*p, fmt.Errorf("%s:%d: %s", name, line, what))
}

func (p problems) err() error { return errors.Join(p...) }
