package store

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pare-iam/pare/finding"
)

// filterColumns are the columns of the keys that finding.Filter knows, but for "error",
// which these findings don't have.
var filterColumns = map[string]string{
	"findingType":          "f.type",
	"id":                   "f.id",
	"resource":             "f.resource",
	"resourceOwnerAccount": "f.account",
	"resourceType":         "f.resource_type",
	"status":               "f.status",
}

// filter adds conditions that let the same findings through as Filter.Matches does, but
// that an empty filter lets all through.
func (d dialect) filter(st *statement, f finding.Filter) error {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		c := f[key]
		for _, v := range slices.Concat(c.Eq, c.Neq, c.Contains) {
			if err := checkText(v); err != nil {
				return invalid("filter %s: %v", key, err)
			}
		}
		column, ok := filterColumns[key]
		switch {
		case key == "error":
			if !(finding.Filter{key: c}).Matches(&finding.Finding{}) {
				st.add(" AND FALSE")
			}
		case !ok:
			return invalid("filter: no key %q", key)
		default:
			d.criterion(st, column, c)
		}
	}
	return nil
}

func (d dialect) criterion(st *statement, column string, c finding.Criterion) {
	if len(c.Eq)+len(c.Neq)+len(c.Contains) == 0 && c.Exists == nil {
		st.add(" AND FALSE")
	}
	if len(c.Eq) == 1 { // what an index is made for
		st.add(" AND "+column+" = ?", c.Eq[0])
	} else if len(c.Eq) > 0 {
		st.add(" AND " + column + " IN ")
		list(st, c.Eq)
	}
	if len(c.Neq) > 0 {
		st.add(" AND " + column + " NOT IN ")
		list(st, c.Neq)
	}
	for i, part := range c.Contains {
		st.add([]string{" AND (", " OR "}[min(i, 1)])
		st.add(d.position+"("+column+", ?) > 0", part)
	}
	if len(c.Contains) > 0 {
		st.add(")")
	}
	if c.Exists != nil {
		st.add(" AND (" + column + map[bool]string{true: " <> '')", false: " = '')"}[*c.Exists])
	}
}

// checkText refuses what Postgres can't hold in a text, on both engines.
// https://www.postgresql.org/docs/15/datatype-character.html
func checkText(s string) error {
	if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return invalid("%q isn't text: want UTF-8 without the zero byte", s)
	}
	return nil
}
