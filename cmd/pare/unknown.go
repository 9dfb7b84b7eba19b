package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// unknownServices is the error of an unused list that names services which neither the
// catalog nor the policy knows: most likely slips of the pen, for which nothing would be
// removed without anybody noticing.
func unknownServices(rec report.Recommendation) error {
	notes := slices.Clone(rec.Result.Notes)
	slices.SortStableFunc(notes, func(a, b refine.Note) int { return comparePointers(a.Pointer, b.Pointer) })
	var errs policy.Errors
	for _, n := range notes {
		if n.Kind != refine.UnusedNowhere {
			continue
		}
		e := unknownService(rec, n)
		if !slices.ContainsFunc(errs, func(other *policy.Error) bool { return *other == *e }) {
			errs = append(errs, e)
		}
	}
	if errs == nil {
		return nil
	}
	return hintError{errs, "check the name; `pare catalog update` if AWS added the service since; --ignore-unknown goes on without it"}
}

func unknownService(rec report.Recommendation, n refine.Note) *policy.Error {
	service := n.Text
	if a, err := policy.ParseAction(n.Text); err == nil {
		service = a.Service
	}
	where, pointer := servicePlace(rec, n.Pointer)
	e := &policy.Error{
		Pointer: pointer,
		Message: fmt.Sprintf("%q is not a service in the catalog of %s%s", service, rec.Catalog.Date(), report.DidYouMean(service, prefixes(rec.Catalog))),
	}
	e.Name, e.Line, e.Column = splitPlace(where)
	return e
}

// splitPlace takes name:line:column apart.
func splitPlace(where string) (name string, line, column int) {
	number := func() int {
		at := strings.LastIndexByte(where, ':')
		n, err := strconv.Atoi(where[at+1:])
		if err != nil {
			panic("pare: a place that isn't name:line:column: " + where)
		}
		where = where[:at]
		return n
	}
	column = number()
	line = number()
	return where, line, column
}

// comparePointers orders JSON pointers by place: the numbers in them by value.
func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

// servicePlace is where an unused list names the service of the entry at a pointer: the
// serviceNamespace beside it, if there is one.
func servicePlace(rec report.Recommendation, pointer string) (where, at string) {
	object := pointer
	if list, _, ok := strings.Cut(pointer, "/actions/"); ok {
		object = list
	}
	at = object + "/serviceNamespace"
	where = rec.Unused.Where(at)
	// A value inside a list or an object never stands at the very beginning: that is
	// the place of a pointer to nothing.
	if strings.HasSuffix(where, ":1:1") {
		return rec.Unused.Where(pointer), pointer
	}
	return where, at
}

// prefixes are the names of a catalog's services.
func prefixes(c *catalog.Catalog) []string {
	var out []string
	for _, s := range c.Services() {
		out = append(out, s.Prefix)
	}
	return out
}
