package terraform

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// State is what a Terraform state knows of resources that hold IAM policies.
type State struct {
	Name string // as given to ReadState
	// Root is the folder of the root module that the state is of, as Source.Root has it. A
	// file doesn't say; ReadState leaves it empty, which is any root.
	Root      string
	Resources []StateResource // sorted by Instance
}

// StateResource is one instance of a managed resource.
type StateResource struct {
	Type     string // "aws_iam_role_policy"
	Address  string // as Source.Address begins: without keys of count and for_each
	Instance string // the address with its keys: `module.app["a"].aws_iam_policy.p[0]`
	Account  string // twelve digits; "" when the state doesn't tell

	ID, ARN, Name, Path string // empty what the resource doesn't have
	Holder              string // name of the role, user or group that an inline policy is in; else ""
	PermissionSet       string // name of the permission set; "" when the state doesn't tell
	Inline              []string
	// Inline are the names of an aws_iam_role's inline_policy blocks, sorted.
}

// stateTypes are the resources that are read.
var stateTypes = [...]string{
	"aws_iam_group_policy", "aws_iam_policy", "aws_iam_role", "aws_iam_role_policy", "aws_iam_user_policy",
	"aws_ssoadmin_permission_set", "aws_ssoadmin_permission_set_inline_policy",
}

// ReadState reads a terraform.tfstate of version 4, or what `terraform show -json` prints
// of a state or a plan; of a plan the state before it. The name is for messages and isn't
// opened. A state without resources has none; what isn't a state is an error.
//
// https://developer.hashicorp.com/terraform/internals/json-format
func ReadState(name string, src []byte) (*State, error) {
	var top stateFile
	if err := json.Unmarshal(src, &top); err != nil {
		return nil, fmt.Errorf("%s: not a Terraform state: %w; `terraform show -json` or `terraform state pull` print one", name, err)
	}
	all, err := top.objects()
	if err == nil {
		var out *State
		if out, err = newState(name, all); err == nil {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, err)
}

// stateFile is the top of all forms.
type stateFile struct {
	Version       jsontext.Value `json:"version"`
	FormatVersion string         `json:"format_version"`
	Encrypted     jsontext.Value `json:"encrypted_data"`
	Resources     []storedState  `json:"resources"`
	Values        *shownValues   `json:"values"`
	PriorState    *struct {
		Values *shownValues `json:"values"`
	} `json:"prior_state"`
}

// storedState is a resource of a terraform.tfstate.
type storedState struct {
	Module    string `json:"module"`
	Mode      string `json:"mode"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Instances []struct {
		IndexKey   jsontext.Value `json:"index_key"`
		Deposed    string         `json:"deposed"` // a former object of the resource, which it is going to delete
		Attributes jsontext.Value `json:"attributes"`
	} `json:"instances"`
}

// shownValues are the resources that `terraform show -json` prints.
type shownValues struct {
	RootModule shownModule `json:"root_module"`
}

type shownModule struct {
	Address   string `json:"address"`
	Resources []struct {
		Mode     string         `json:"mode"`
		Type     string         `json:"type"`
		Name     string         `json:"name"`
		Index    jsontext.Value `json:"index"`
		Provider string         `json:"provider_name"`
		Deposed  string         `json:"deposed_key"`
		Values   jsontext.Value `json:"values"`
	} `json:"resources"`
	Children []shownModule `json:"child_modules"`
}

// stateObject is a resource's instance in whatever form.
type stateObject struct {
	module, mode, kind, name string
	provider                 string // one configuration of a provider, as far as the form tells them apart
	key                      jsontext.Value
	attributes               jsontext.Value
}

// objects are the instances of the form that the file has.
func (f *stateFile) objects() ([]stateObject, error) {
	switch {
	case f.Encrypted != nil:
		return nil, errors.New("the state is encrypted: `tofu show -json` prints it in the clear")
	case f.FormatVersion != "":
		if major, _, _ := strings.Cut(f.FormatVersion, "."); major != "0" && major != "1" {
			return nil, fmt.Errorf("format_version %s: want 1.x of `terraform show -json`", f.FormatVersion)
		}
		values := f.Values
		if f.PriorState != nil {
			values = f.PriorState.Values
		}
		if values == nil {
			return nil, nil
		}
		return values.RootModule.objects(), nil
	case f.Version == nil:
		return nil, errors.New("not a Terraform state: it has neither version nor format_version")
	case string(f.Version) != "4":
		return nil, fmt.Errorf("a Terraform state of version %s: want 4, of Terraform 0.12 or newer", f.Version)
	}
	return f.stored(), nil
}

func (f *stateFile) stored() []stateObject {
	var out []stateObject
	for _, r := range f.Resources {
		for _, in := range r.Instances {
			if in.Deposed == "" {
				out = append(out, stateObject{r.Module, r.Mode, r.Type, r.Name, r.Provider, in.IndexKey, in.Attributes})
			}
		}
	}
	return out
}

func (m *shownModule) objects() []stateObject {
	var out []stateObject
	for _, r := range m.Resources {
		if r.Deposed == "" {
			out = append(out, stateObject{m.Address, r.Mode, r.Type, r.Name, r.Provider, r.Index, r.Values})
		}
	}
	for i := range m.Children {
		out = append(out, m.Children[i].objects()...)
	}
	return out
}

// stateAttributes are those of all resources that are read.
type stateAttributes struct {
	ID            string `json:"id"`
	ARN           string `json:"arn"`
	Name          string `json:"name"`
	Path          string `json:"path"`
	Role          string `json:"role"`
	User          string `json:"user"`
	Group         string `json:"group"`
	PermissionSet string `json:"permission_set_arn"`
	// Inline is a string in a permission set's policy, and blocks in a role.
	Inline jsontext.Value `json:"inline_policy"`
}

// newState reads the attributes of the resources that matter, and finds their accounts.
func newState(name string, all []stateObject) (*State, error) {
	out := &State{Name: name}
	accounts := accountsOf(all)
	sets, err := permissionSets(all)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.mode != "managed" || !slices.Contains(stateTypes[:], o.kind) {
			continue
		}
		r, err := o.resource()
		if err != nil {
			return nil, err
		}
		if r.PermissionSet != "" {
			r.PermissionSet = sets[r.PermissionSet]
		}
		if r.Account == "" {
			r.Account = accounts[o.provider]
		}
		out.Resources = append(out.Resources, r)
	}
	out.accountsOfHolders()
	slices.SortFunc(out.Resources, func(a, b StateResource) int { return cmp.Compare(a.Instance, b.Instance) })
	return out, nil
}

// resource is the instance with its attributes; PermissionSet is still the set's ARN.
func (o *stateObject) resource() (StateResource, error) {
	module := o.module
	if module != "" {
		module += "."
	}
	r := StateResource{Type: o.kind, Instance: module + o.kind + "." + o.name + o.indexed()}
	r.Address = withoutKeys(r.Instance)
	a, err := o.decode()
	if err != nil {
		return r, err
	}
	r.ID, r.ARN, r.Name, r.Path = a.ID, a.ARN, a.Name, a.Path
	r.Holder, r.PermissionSet = cmp.Or(a.Role, a.User, a.Group), a.PermissionSet
	if o.kind == "aws_ssoadmin_permission_set" {
		r.PermissionSet = a.ARN
	} else {
		r.Account = accountIn(a.ARN) // a permission set's ARN has none
	}
	if o.kind == "aws_iam_role" {
		r.Inline, err = a.inlineNames()
	}
	return r, err
}

// inlineNames are the names of a role's inline_policy blocks, sorted. A block without a
// name says that there are none.
func (a *stateAttributes) inlineNames() ([]string, error) {
	var blocks []struct {
		Name string `json:"name"`
	}
	if a.Inline == nil {
		return nil, nil
	}
	if err := json.Unmarshal(a.Inline, &blocks); err != nil {
		return nil, fmt.Errorf("%s: inline_policy of another kind than the AWS provider's: %w", a.ARN, err)
	}
	var out []string
	for _, in := range blocks {
		if in.Name != "" {
			out = append(out, in.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (o *stateObject) decode() (stateAttributes, error) {
	var a stateAttributes
	if o.attributes == nil {
		return a, nil
	}
	if err := json.Unmarshal(o.attributes, &a); err != nil {
		return a, fmt.Errorf("%s.%s: attributes of another kind than the AWS provider's: %w", o.kind, o.name, err)
	}
	return a, nil
}

// indexed is the instance's key in brackets, if it has one.
func (o *stateObject) indexed() string {
	switch o.key.Kind() {
	case jsontext.KindString:
		key, err := jsontext.AppendUnquote(nil, o.key)
		if err != nil {
			return "[" + string(o.key) + "]" // it was decoded before
		}
		return "[" + strconv.Quote(string(key)) + "]"
	case jsontext.KindNumber:
		return "[" + string(o.key) + "]"
	}
	return ""
}

// withoutKeys is an address without what is in brackets. A key may hold brackets and
// escaped quotes between its quotes.
func withoutKeys(address string) string {
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case depth > 0 && c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// permissionSets are the names of the state's permission sets by their ARNs.
func permissionSets(all []stateObject) (map[string]string, error) {
	out := map[string]string{}
	for _, o := range all {
		if o.kind != "aws_ssoadmin_permission_set" {
			continue
		}
		a, err := o.decode()
		if err != nil {
			return nil, err
		}
		out[a.ARN] = a.Name
	}
	return out, nil
}

// accountsOf says to which account each provider belongs, if all that it made is of one.
// An ARN may name somebody else's account, but not that of what has it as its arn.
func accountsOf(all []stateObject) map[string]string {
	seen := map[string]map[string]bool{}
	for _, o := range all {
		var a struct {
			ARN     jsontext.Value `json:"arn"`
			Account jsontext.Value `json:"account_id"`
		}
		if o.mode != "managed" && o.kind != "aws_caller_identity" || json.Unmarshal(o.attributes, &a) != nil {
			continue
		}
		id := accountIn(text(a.ARN))
		if o.kind == "aws_caller_identity" {
			id = text(a.Account)
		}
		if id != "" {
			if seen[o.provider] == nil {
				seen[o.provider] = map[string]bool{}
			}
			seen[o.provider][id] = true
		}
	}
	out := map[string]string{}
	for provider, ids := range seen {
		if len(ids) == 1 {
			out[provider] = slices.Collect(maps.Keys(ids))[0]
		}
	}
	return out
}

// text is a JSON string's text, "" of anything else.
func text(v jsontext.Value) string {
	if v.Kind() != jsontext.KindString {
		return ""
	}
	out, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "" // it was decoded before
	}
	return string(out)
}

// accountIn is the account of an ARN; "" if there is none, as in an AWS managed policy's.
func accountIn(arn string) string {
	parsed, err := policy.ParseARN(arn)
	if err != nil || len(parsed.Account) != 12 {
		return ""
	}
	return parsed.Account
}

// accountsOfHolders gives inline policies without an account that of the one role of the
// state which has the holder's name.
func (s *State) accountsOfHolders() {
	roles := map[string][]string{}
	for _, r := range s.Resources {
		if r.Type == "aws_iam_role" {
			roles[r.Name] = append(roles[r.Name], r.Account)
		}
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		if accounts := slices.Compact(slices.Sorted(slices.Values(roles[r.Holder]))); r.Type == "aws_iam_role_policy" && r.Account == "" && len(accounts) == 1 {
			r.Account = accounts[0]
		}
	}
}
