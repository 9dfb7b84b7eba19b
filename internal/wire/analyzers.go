package wire

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pare-iam/pare/finding"
)

// analyzerTypes are all that AWS has; the first two are those of unused access.
var analyzerTypes = []string{
	string(AccountUnusedAccess), string(OrganizationUnusedAccess),
	"ACCOUNT", "ORGANIZATION", "ACCOUNT_INTERNAL_ACCESS", "ORGANIZATION_INTERNAL_ACCESS",
}

// LinkedPrefix begins the names of service-linked analyzers, and of no others.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateServiceLinkedAnalyzer.html
const (
	LinkedPrefix = "_AccessAnalyzerFor"
	managedBy    = "pare"
)

// configurationJSON is a union: one member is there.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalyzerConfiguration.html
type configurationJSON struct {
	Unused   *unusedJSON `json:"unusedAccess,omitzero"`
	Internal *struct{}   `json:"internalAccess,omitzero"`
}

type unusedJSON struct {
	Age  *int          `json:"unusedAccessAge,omitzero"`
	Rule *analysisRule `json:"analysisRule,omitzero"`
}

type analysisRule struct {
	Exclusions []exclusionJSON `json:"exclusions"`
}

type exclusionJSON struct {
	Accounts []string            `json:"accountIds,omitempty"`
	Tags     []map[string]string `json:"resourceTags,omitempty"`
}

// analyzerJSON is an AnalyzerSummary.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalyzerSummary.html
type analyzerJSON struct {
	ARN           string             `json:"arn"`
	Name          string             `json:"name"`
	Type          AnalyzerType       `json:"type"`
	CreatedAt     string             `json:"createdAt"`
	LastResource  string             `json:"lastResourceAnalyzed,omitzero"`
	LastAt        string             `json:"lastResourceAnalyzedAt,omitzero"`
	Tags          map[string]string  `json:"tags"`
	Status        AnalyzerStatus     `json:"status"`
	StatusReason  *codeJSON          `json:"statusReason,omitzero"`
	Configuration *configurationJSON `json:"configuration,omitzero"`
	ManagedBy     string             `json:"managedBy,omitzero"`
}

type codeJSON struct {
	Code string `json:"code"`
}

type arnJSON struct {
	ARN string `json:"arn"`
}

type newAnalyzerJSON struct {
	Name          string             `json:"analyzerName"`
	Type          string             `json:"type"`
	Rules         []inlineRuleJSON   `json:"archiveRules"`
	Tags          map[string]string  `json:"tags"`
	Token         string             `json:"clientToken"`
	Configuration *configurationJSON `json:"configuration"`
}

func createAnalyzer(c *call) (any, error) {
	in, err := body[newAnalyzerJSON](c)
	if err != nil {
		return nil, err
	}
	var v validation
	v.name("analyzerName", in.Name, analyzerName)
	if strings.HasPrefix(in.Name, LinkedPrefix) {
		v.fail("analyzerName", in.Name, "Member must not begin with %s: such names are those of service-linked analyzers", LinkedPrefix)
	}
	v.tags("tags", in.Tags)
	return c.create(&v, in)
}

// createServiceLinkedAnalyzer makes an analyzer of the fixed age, under a name of its own.
func createServiceLinkedAnalyzer(c *call) (any, error) {
	in, err := body[newAnalyzerJSON](c)
	if err != nil {
		return nil, err
	}
	var v validation
	if u := in.Configuration; u != nil && u.Unused != nil && u.Unused.Age != nil && *u.Unused.Age != defaultAge {
		v.fail("configuration.unusedAccess.unusedAccessAge", strconv.Itoa(*u.Unused.Age), "Member must be %d: that of service-linked analyzers is fixed", defaultAge)
	}
	var id [10]byte
	rand.Read(id[:]) // never fails
	in.Name, in.Tags = LinkedPrefix+"Pare-"+strings.ToLower(base32.StdEncoding.EncodeToString(id[:])), nil
	return c.create(&v, in)
}

func (c *call) create(v *validation, in newAnalyzerJSON) (any, error) {
	v.oneOf("type", in.Type, analyzerTypes)
	if t := AnalyzerType(in.Type); !t.served() && slices.Contains(analyzerTypes, in.Type) { // its configuration is another's, too
		return nil, notSupported(fmt.Sprintf("Analyzers of type %s look for external or internal access, which is not served here: want %s or %s.", in.Type, AccountUnusedAccess, OrganizationUnusedAccess))
	}
	a := NewAnalyzer{Name: in.Name, Type: AnalyzerType(in.Type), Tags: in.Tags, Rules: v.rules(in.Rules)}
	if strings.HasPrefix(in.Name, LinkedPrefix) {
		a.ManagedBy = managedBy
	}
	a.Configuration = Configuration(c.configuration(v, in.Configuration, AnalyzerType(in.Type)))
	if a.Age == 0 {
		a.Age = defaultAge
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	made, err := c.o.Backend.CreateAnalyzer(c.ctx(), c.change(in.Token), a)
	if err != nil {
		return nil, err
	}
	return arnJSON{c.arn(Ref{c.signed.Account, made.Name}).String()}, nil
}

func (t AnalyzerType) served() bool {
	return t == AccountUnusedAccess || t == OrganizationUnusedAccess
}

// configuration reads a configuration of unused access. Of a type of "" nothing is known.
func (c *call) configuration(v *validation, in *configurationJSON, typ AnalyzerType) ConfigurationUpdate {
	var out ConfigurationUpdate
	switch {
	case in == nil:
		return out
	case in.Internal != nil || in.Unused == nil:
		v.fail("configuration", "", "Member must have unusedAccess, and nothing else")
		return out
	}
	if age := in.Unused.Age; age != nil {
		out.Age = *age
		if *age < 1 || *age > maxAge {
			v.fail("configuration.unusedAccess.unusedAccessAge", strconv.Itoa(*age), "Member must be between 1 and %d", maxAge)
		}
	}
	if in.Unused.Rule != nil {
		out.Exclusions = []Exclusion{}
		for i, e := range in.Unused.Rule.Exclusions {
			out.Exclusions = append(out.Exclusions, Exclusion(e))
			c.exclusion(v, fmt.Sprintf("configuration.unusedAccess.analysisRule.exclusions.%d.member", i+1), e, typ)
		}
	}
	return out
}

func (c *call) exclusion(v *validation, field string, e exclusionJSON, typ AnalyzerType) {
	accounts := field + ".accountIds"
	switch n := len(e.Accounts); {
	case n > 0 && typ == AccountUnusedAccess:
		v.fail(accounts, e.Accounts[0], "Account IDs can only be applied to organization-level analyzers")
	case n > MaxExcluded:
		v.fail(accounts, strconv.Itoa(n), "Member must have length less than or equal to %d", MaxExcluded)
	}
	for _, id := range e.Accounts {
		switch {
		case !accountID.MatchString(id):
			v.fail(accounts, id, "Member must satisfy regular expression pattern: [0-9]{12}")
		case id == c.signed.Account:
			v.fail(accounts, id, "The accounts cannot include the analyzer's owner account")
		}
	}
	for _, tags := range e.Tags {
		v.tags(field+".resourceTags", tags)
	}
	if len(e.Accounts)+len(e.Tags) == 0 {
		v.fail(field, "", "Member must have accountIds or resourceTags")
	}
}

// named reads the analyzer in the path.
func (c *call) named(v *validation) Ref {
	name := c.r.PathValue("analyzerName")
	v.name("analyzerName", name, analyzerName)
	return Ref{c.signed.Account, name}
}

func getAnalyzer(c *call) (any, error) {
	var v validation
	ref := c.named(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	a, err := c.o.Backend.Analyzer(c.ctx(), ref)
	if err != nil {
		return nil, err
	}
	out := c.summary(a)
	out.Configuration = configured(a.Configuration)
	return struct {
		Analyzer analyzerJSON `json:"analyzer"`
	}{out}, nil
}

// summary is an analyzer without its configuration, which lists omit.
func (c *call) summary(a Analyzer) analyzerJSON {
	out := analyzerJSON{
		ARN: c.arn(Ref{c.signed.Account, a.Name}).String(), Name: a.Name, Type: a.Type, CreatedAt: at(a.CreatedAt),
		LastResource: a.LastResource, LastAt: at(a.LastAt), Tags: a.Tags, Status: a.Status, ManagedBy: a.ManagedBy,
	}
	if a.StatusReason != "" {
		out.StatusReason = &codeJSON{a.StatusReason}
	}
	return out
}

func configured(cfg Configuration) *configurationJSON {
	out := &unusedJSON{Age: &cfg.Age}
	if len(cfg.Exclusions) > 0 {
		out.Rule = &analysisRule{}
		for _, e := range cfg.Exclusions {
			out.Rule.Exclusions = append(out.Rule.Exclusions, exclusionJSON(e))
		}
	}
	return &configurationJSON{Unused: out}
}

func listAnalyzers(c *call) (any, error) {
	q := c.r.URL.Query()
	var v validation
	typ := q.Get("type")
	if typ != "" {
		v.oneOf("type", typ, analyzerTypes)
	}
	scope := c.scope(typ)
	page := c.page(&v, scope, q.Get("maxResults"), q.Get("nextToken"))
	if err := v.err(); err != nil {
		return nil, err
	}
	out := struct {
		Analyzers []analyzerJSON `json:"analyzers"`
		Next      string         `json:"nextToken,omitzero"`
	}{}
	if typ != "" && !AnalyzerType(typ).served() {
		return out, nil // there are none
	}
	list, next, err := c.o.Backend.ListAnalyzers(c.ctx(), c.signed.Account, AnalyzerType(typ), page)
	for _, a := range list {
		out.Analyzers = append(out.Analyzers, c.summary(a))
	}
	out.Next = c.token(scope, next)
	return out, err
}

func updateAnalyzer(c *call) (any, error) {
	in, err := body[struct {
		Configuration *configurationJSON `json:"configuration"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	ref := c.named(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	a, err := c.o.Backend.Analyzer(c.ctx(), ref)
	if err != nil {
		return nil, err
	}
	update := c.configuration(&v, in.Configuration, a.Type)
	if a.ManagedBy != "" && update.Age != 0 && update.Age != a.Age {
		v.fail("configuration.unusedAccess.unusedAccessAge", strconv.Itoa(update.Age), "Member must be %d: that of service-linked analyzers is fixed", a.Age)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	now, err := c.o.Backend.UpdateAnalyzer(c.ctx(), c.change(""), ref, update)
	if err != nil {
		return nil, err
	}
	return struct {
		Configuration *configurationJSON `json:"configuration"`
	}{configured(now)}, nil
}

func deleteAnalyzer(c *call) (any, error) {
	return c.remove(func(name string) string {
		if strings.HasPrefix(name, LinkedPrefix) {
			return "is service-linked: use DeleteServiceLinkedAnalyzer"
		}
		return ""
	})
}

func deleteServiceLinkedAnalyzer(c *call) (any, error) {
	return c.remove(func(name string) string {
		if !strings.HasPrefix(name, LinkedPrefix) {
			return "is not service-linked: use DeleteAnalyzer"
		}
		return ""
	})
}

// remove deletes the analyzer in the path, unless there is an objection to its name.
func (c *call) remove(objection func(name string) string) (any, error) {
	var v validation
	ref := c.named(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	if why := objection(ref.Name); why != "" {
		return nil, Invalid("Analyzer %q %s.", ref.Name, why)
	}
	return nil, c.o.Backend.DeleteAnalyzer(c.ctx(), c.change(c.r.URL.Query().Get("clientToken")), ref)
}

// rules reads the archive rules of a new analyzer.
func (v *validation) rules(in []inlineRuleJSON) []finding.ArchiveRule {
	var out []finding.ArchiveRule
	if len(in) > MaxRules {
		v.fail("archiveRules", strconv.Itoa(len(in)), "Member must have length less than or equal to %d", MaxRules)
	}
	for i, r := range in {
		field := fmt.Sprintf("archiveRules.%d.member", i+1)
		v.name(field+".ruleName", r.Name, ruleName)
		if slices.ContainsFunc(out, func(o finding.ArchiveRule) bool { return o.Name == r.Name }) {
			v.fail(field+".ruleName", r.Name, "Member must be unique")
		}
		out = append(out, finding.ArchiveRule{Name: r.Name, Filter: v.filter(field+".filter", r.Filter, ruleKeys[:])})
	}
	return out
}
