package terraform

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// Plan is what a plan does with the policies of its resources.
type Plan struct {
	Policies []PolicyChange // in the order of their addresses

	// Problems say what of the plan isn't known: changes that are deferred to a later plan.
	Problems []string
}

// PolicyChange is a policy in a plan, also one that stays as it is.
type PolicyChange struct {
	// Address is the resource's, with the keys of count and for_each; for a role's inline
	// policy with its name: `aws_iam_role.app["a"].inline_policy["logs"]`. Of an object that a
	// replacement left behind it ends as Terraform writes it: ` (deposed object 0a1b2c3d)`.
	Address       string
	Before, After PlannedPolicy
}

// PlannedPolicy is a policy on one side of a change. The zero value is that there is none.
type PlannedPolicy struct {
	Text    string // JSON
	Unknown string // why it isn't known; Text is empty then
}

// untilApply is why a policy of a plan isn't known.
const untilApply = "it is not known before apply"

// planJSON is as much of a plan as is looked at.
// https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
type planJSON struct {
	FormatVersion   string               `json:"format_version"`
	Errored         bool                 `json:"errored"`
	ResourceChanges []resourceChangeJSON `json:"resource_changes"`
	Deferred        []struct {
		Change resourceChangeJSON `json:"resource_change"`
	} `json:"deferred_changes"`
	Configuration struct {
		Root moduleConfigJSON `json:"root_module"`
	} `json:"configuration"`
	PlannedValues jsontext.Value `json:"planned_values"`
}

type resourceChangeJSON struct {
	Address string     `json:"address"`
	Module  string     `json:"module_address"`
	Mode    string     `json:"mode"`
	Type    string     `json:"type"`
	Name    string     `json:"name"`
	Deposed string     `json:"deposed"`
	Change  changeJSON `json:"change"`
}

type changeJSON struct {
	Actions      []string       `json:"actions"`
	Before       jsontext.Value `json:"before"`
	After        jsontext.Value `json:"after"`
	AfterUnknown jsontext.Value `json:"after_unknown"`
}

type moduleConfigJSON struct {
	Resources []struct {
		Address     string                    `json:"address"`
		Expressions map[string]jsontext.Value `json:"expressions"`
	} `json:"resources"`
	Calls map[string]struct {
		Module moduleConfigJSON `json:"module"`
	} `json:"module_calls"`
}

// ReadPlan reads what `terraform show -json PLAN` prints. The error is of a file that is
// something else, or of a plan that didn't come to its end.
func ReadPlan(name string, src []byte) (*Plan, error) {
	var in planJSON
	if err := json.Unmarshal(src, &in); err != nil {
		return nil, planError(name, src, err)
	}
	major, _, _ := strings.Cut(in.FormatVersion, ".")
	switch {
	case in.FormatVersion == "":
		return nil, fmt.Errorf("%s: no format_version: want what `terraform show -json PLAN` prints", name)
	case major != "0" && major != "1":
		return nil, fmt.Errorf("%s: format_version %s: want 1, which Terraform 1.1 and newer print", name, in.FormatVersion)
	case in.PlannedValues == nil && in.ResourceChanges == nil:
		return nil, fmt.Errorf("%s: a state, not a plan: want what `terraform show -json PLAN` prints, of a file that `terraform plan -out=PLAN` wrote", name)
	case in.Errored:
		return nil, fmt.Errorf("%s: the plan ended with an error, and isn't whole: want one of a `terraform plan` that succeeded", name)
	}
	return in.plan(name)
}

func planError(name string, src []byte, err error) error {
	offset := 0
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(e.ByteOffset)
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		offset = int(e.ByteOffset)
	}
	line, column := policy.Position(src, offset)
	return fmt.Errorf("%s:%d:%d: want what `terraform show -json PLAN` prints: %w", name, line, column, err)
}

func (in *planJSON) plan(name string) (*Plan, error) {
	out := &Plan{}
	for _, c := range in.ResourceChanges {
		changes, err := in.changes(c)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, c.Address, err)
		}
		out.Policies = append(out.Policies, changes...)
	}
	for _, d := range in.Deferred {
		if policyTypes[d.Change.Type] != 0 {
			out.Problems = append(out.Problems, d.Change.Address+": deferred to a later plan: its policies are not known")
		}
	}
	slices.SortStableFunc(out.Policies, func(a, b PolicyChange) int { return strings.Compare(a.Address, b.Address) })
	slices.Sort(out.Problems)
	return out, nil
}

// policyPlace is where a type of resource has its policies.
type policyPlace uint8

const (
	inPolicy       policyPlace = iota + 1 // a text, policy
	inInlinePolicy                        // a text, inline_policy
	inBlocks                              // blocks inline_policy with name and policy
)

// policyTypes are the types of resources with identity policies.
var policyTypes = map[string]policyPlace{
	"aws_iam_policy":                            inPolicy,
	"aws_iam_role_policy":                       inPolicy,
	"aws_iam_user_policy":                       inPolicy,
	"aws_iam_group_policy":                      inPolicy,
	"aws_ssoadmin_permission_set_inline_policy": inInlinePolicy,
	"aws_iam_role":                              inBlocks,
}

// changes are the policies of a resource. What is forgotten stays as it is in AWS. An object
// that is deposed is there until the plan deletes it, and is another than the resource's.
func (in *planJSON) changes(c resourceChangeJSON) ([]PolicyChange, error) {
	kind := policyTypes[c.Type]
	if kind == 0 || c.Mode != "managed" || slices.Contains(c.Change.Actions, "forget") {
		return nil, nil
	}
	read := in.text
	if kind == inBlocks {
		read = in.blocks
	}
	out, err := read(c)
	if c.Deposed != "" {
		for i := range out {
			out[i].Address += deposedMark + c.Deposed + ")"
		}
	}
	return out, err
}

// deposedMark is between an address and the key of the deposed object that is meant.
const deposedMark = " (deposed object "

// Undeposed is the address of the resource that an address of a PolicyChange is of,
// whichever of its objects is meant.
func Undeposed(address string) string {
	if i := strings.LastIndex(address, deposedMark); i >= 0 && strings.HasSuffix(address, ")") {
		return address[:i]
	}
	return address
}

// text is the policy of a resource that has it as a text.
func (in *planJSON) text(c resourceChangeJSON) ([]PolicyChange, error) {
	kind, key := policyTypes[c.Type], "policy"
	if kind == inInlinePolicy {
		key = "inline_policy"
	}
	before, err := textAt(c.Change.Before, key)
	if err != nil {
		return nil, err
	}
	after, err := textAt(c.Change.After, key)
	if err != nil {
		return nil, err
	}
	out := PolicyChange{c.Address, PlannedPolicy{Text: before}, PlannedPolicy{Text: after}}
	if unknownAt(c.Change.AfterUnknown, key) {
		out.After = PlannedPolicy{Unknown: untilApply}
	}
	return []PolicyChange{out}, nil
}

// textAt is a text of a resource; empty if it has none.
func textAt(resource jsontext.Value, key string) (string, error) {
	if absent(resource) {
		return "", nil
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(resource, &members); err != nil {
		return "", err
	}
	var out *string
	if v := members[key]; v != nil {
		if err := json.Unmarshal(v, &out); err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
	}
	if out == nil {
		return "", nil
	}
	return *out, nil
}

func absent(v jsontext.Value) bool { return v == nil || v.Kind() == 'n' }

// unknownAt follows a path of keys and indices into after_unknown, which has true in the
// place of what isn't known yet.
func unknownAt(v jsontext.Value, path ...string) bool {
	for _, step := range path {
		switch v.Kind() {
		case 't':
			return true
		case '{':
			var members map[string]jsontext.Value
			if json.Unmarshal(v, &members) != nil {
				return false
			}
			v = members[step]
		case '[':
			var entries []jsontext.Value
			i, err := strconv.Atoi(step)
			if err != nil || json.Unmarshal(v, &entries) != nil || i >= len(entries) {
				return false
			}
			v = entries[i]
		default:
			return false
		}
	}
	return v.Kind() == 't'
}

// blockJSON is one inline_policy of a role. A name or a policy that isn't known is null or
// missing, and so is a policy of a block that is left empty.
type blockJSON struct {
	Name   *string `json:"name"`
	Policy *string `json:"policy"`
}

// blocks are the inline policies of a role.
func (in *planJSON) blocks(c resourceChangeJSON) ([]PolicyChange, error) {
	before, err := inlineBlocks(c.Change.Before)
	if err != nil {
		return nil, err
	}
	after, err := inlineBlocks(c.Change.After)
	if err != nil {
		return nil, err
	}
	const key = "inline_policy"
	byName := map[string]*PolicyChange{}
	for i, b := range before {
		change := changeOf(byName, c.Address, b, i)
		change.Before = PlannedPolicy{Text: orEmpty(b.Policy)}
	}
	if unknownAt(c.Change.AfterUnknown, key) {
		return in.unknownBlocks(c, byName), nil
	}
	for i, b := range after {
		change := changeOf(byName, c.Address, b, i)
		change.After = PlannedPolicy{Text: orEmpty(b.Policy)}
		if unknownAt(c.Change.AfterUnknown, key, strconv.Itoa(i), "policy") {
			change.After = PlannedPolicy{Unknown: untilApply}
		}
	}
	return sortedChanges(byName), nil
}

// unknownBlocks are a role's when all of them together aren't known. A role without such
// blocks in its configuration has those that it has, which other resources write.
func (in *planJSON) unknownBlocks(c resourceChangeJSON, byName map[string]*PolicyChange) []PolicyChange {
	if !in.configured(c) {
		for _, change := range byName {
			change.After = change.Before
		}
		return sortedChanges(byName)
	}
	for _, change := range byName {
		change.After = PlannedPolicy{Unknown: untilApply}
	}
	if len(byName) == 0 {
		return []PolicyChange{{Address: c.Address + ".inline_policy", After: PlannedPolicy{Unknown: untilApply}}}
	}
	return sortedChanges(byName)
}

// configured says whether a role's configuration has inline_policy. Where the plan doesn't
// say what the configuration is, it has.
func (in *planJSON) configured(c resourceChangeJSON) bool {
	module := &in.Configuration.Root
	for _, name := range moduleNames(c.Module) {
		call, ok := module.Calls[name]
		if !ok {
			return true
		}
		module = &call.Module
	}
	for _, r := range module.Resources {
		if r.Address == c.Type+"."+c.Name {
			_, has := r.Expressions["inline_policy"]
			return has
		}
	}
	return true
}

// moduleNames are the names of the calls of an address: of `module.a["x.y"].module.b` a and
// b. A key may have any character in it, escaped as in HCL.
func moduleNames(address string) []string {
	var out []string
	for address != "" {
		address = strings.TrimPrefix(strings.TrimPrefix(address, "."), "module.")
		end := strings.IndexAny(address, ".[")
		if end < 0 {
			return append(out, address)
		}
		out = append(out, address[:end])
		address = address[end:]
		if address[0] == '[' {
			address = address[keyEnd(address):]
		}
	}
	return out
}

// keyEnd is where the key that a text begins with ends, brackets included.
func keyEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ']' && !quoted:
			return i + 1
		}
	}
	return len(s)
}

func inlineBlocks(resource jsontext.Value) ([]blockJSON, error) {
	if absent(resource) {
		return nil, nil
	}
	var role struct {
		InlinePolicy []blockJSON `json:"inline_policy"`
	}
	err := json.Unmarshal(resource, &role)
	return role.InlinePolicy, err
}

// changeOf is the change of the policy that a block has, by its name or its place.
func changeOf(byName map[string]*PolicyChange, role string, b blockJSON, i int) *PolicyChange {
	key := strconv.Itoa(i)
	if b.Name != nil {
		key = strconv.Quote(*b.Name)
	}
	if byName[key] == nil {
		byName[key] = &PolicyChange{Address: role + ".inline_policy[" + key + "]"}
	}
	return byName[key]
}

func sortedChanges(byName map[string]*PolicyChange) []PolicyChange {
	var out []PolicyChange
	for _, change := range byName {
		if *change != (PolicyChange{Address: change.Address}) {
			out = append(out, *change)
		}
	}
	slices.SortFunc(out, func(a, b PolicyChange) int { return cmp.Compare(a.Address, b.Address) })
	return out
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
