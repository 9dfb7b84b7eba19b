package finding

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Statistics are counts of findings, as get-findings-statistics answers them.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UnusedAccessFindingsStatistics.html
type Statistics struct {
	Active   int            `json:"totalActiveFindings"`
	Archived int            `json:"totalArchivedFindings"`
	Resolved int            `json:"totalResolvedFindings"`
	Types    []TypeCount    `json:"unusedAccessTypeStatistics"` // active findings by type; types without any aren't listed
	Accounts []AccountCount `json:"topAccounts"`                // those with the most active findings, at most ten, most first
}

// TypeCount is how many active findings there are of a type.
type TypeCount struct {
	Type  Type `json:"unusedAccessType"`
	Total int  `json:"total"`
}

// AccountCount is how many active findings an account has.
type AccountCount struct {
	Account string       `json:"account"`
	Active  int          `json:"numberOfActiveFindings"`
	Details map[Type]int `json:"details"` // active findings by type; types without any aren't there
}

// MarshalJSONTo writes the count with its types in one order.
func (c AccountCount) MarshalJSONTo(enc *jsontext.Encoder) error {
	type plain AccountCount
	return json.MarshalEncode(enc, plain(c), json.Deterministic(true))
}

// maxAccounts is how many accounts are listed.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingAggregationAccountDetails.html
const maxAccounts = 10

// Tally counts findings one by one. The zero value has counted none.
type Tally struct {
	statuses map[Status]int
	types    map[Type]int
	accounts map[string]map[Type]int
}

// Add counts a finding.
func (t *Tally) Add(f *Finding) {
	if t.statuses == nil {
		*t = Tally{map[Status]int{}, map[Type]int{}, map[string]map[Type]int{}}
	}
	t.statuses[f.Status]++
	if f.Status != Active {
		return
	}
	t.types[f.Type]++
	if t.accounts[f.Account] == nil {
		t.accounts[f.Account] = map[Type]int{}
	}
	t.accounts[f.Account][f.Type]++
}

// Statistics are the counts so far.
func (t *Tally) Statistics() Statistics {
	out := Statistics{
		Active: t.statuses[Active], Archived: t.statuses[Archived], Resolved: t.statuses[Resolved],
		Types: []TypeCount{}, Accounts: []AccountCount{},
	}
	for _, typ := range types {
		if n := t.types[typ]; n > 0 {
			out.Types = append(out.Types, TypeCount{typ, n})
		}
	}
	for account, byType := range t.accounts {
		c := AccountCount{Account: account, Details: maps.Clone(byType)}
		for _, n := range byType {
			c.Active += n
		}
		out.Accounts = append(out.Accounts, c)
	}
	slices.SortFunc(out.Accounts, func(a, b AccountCount) int {
		return cmp.Or(cmp.Compare(b.Active, a.Active), cmp.Compare(a.Account, b.Account))
	})
	out.Accounts = out.Accounts[:min(len(out.Accounts), maxAccounts)]
	return out
}
