package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/policy"
)

// Stack is what CloudFormation made of a template.
type Stack struct {
	Name      string // "" when the file doesn't say
	Account   string // twelve digits; "" when the file doesn't say
	Resources []StackResource
}

// StackResource is a resource of a stack.
type StackResource struct {
	LogicalID  string
	PhysicalID string // a role's name, a managed policy's ARN; "" of what was never made
	Type       string // "AWS::IAM::Role"
}

// ReadStacks reads what `aws cloudformation describe-stack-resources` or
// `list-stack-resources` prints, the latter without the stack's name. The name is for
// messages and isn't opened.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
func ReadStacks(name string, src []byte) ([]Stack, error) {
	type resource struct {
		StackName          string
		StackID            string `json:"StackId"`
		LogicalResourceID  string `json:"LogicalResourceId"`
		PhysicalResourceID string `json:"PhysicalResourceId"`
		ResourceType       string
		ResourceStatus     string
	}
	var file struct {
		StackResources         []resource
		StackResourceSummaries []resource
		NextToken              string
	}
	err := json.Unmarshal(src, &file)
	switch {
	case err != nil:
	case file.StackResources == nil && file.StackResourceSummaries == nil:
		err = errors.New("it has neither StackResources nor StackResourceSummaries")
	case file.NextToken != "":
		err = errors.New("it has a NextToken: there are more pages")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not the resources of a stack, as `aws cloudformation describe-stack-resources` prints them: %w", name, err)
	}
	var out []Stack
	for _, r := range append(file.StackResources, file.StackResourceSummaries...) {
		if r.ResourceStatus == "DELETE_COMPLETE" {
			continue
		}
		i := slices.IndexFunc(out, func(s Stack) bool { return s.Name == r.StackName })
		if i < 0 {
			i = len(out)
			out = append(out, Stack{Name: r.StackName})
		}
		out[i].Resources = append(out[i].Resources, StackResource{r.LogicalResourceID, r.PhysicalResourceID, r.ResourceType})
		for _, arn := range []string{r.StackID, r.PhysicalResourceID} {
			if parsed, err := policy.ParseARN(arn); err == nil && out[i].Account == "" && len(parsed.Account) == 12 {
				out[i].Account = parsed.Account
			}
		}
	}
	return out, nil
}

// The tags that CloudFormation gives to what it makes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
const (
	tagStack     = "aws:cloudformation:stack-name"
	tagLogicalID = "aws:cloudformation:logical-id"
)

// impliedStacks are those that holders' tags tell of, and that weren't given.
func impliedStacks(live []*Live, given []Stack) []Stack {
	var out []Stack
	at := map[[2]string]int{}
	for _, l := range live {
		name, id := l.Tags[tagStack], l.Tags[tagLogicalID]
		if name == "" || id == "" || slices.ContainsFunc(given, func(s Stack) bool { return s.Name == name && (s.Account == "" || s.Account == l.Account) }) {
			continue
		}
		key := [2]string{l.Account, name}
		if _, ok := at[key]; !ok {
			at[key] = len(out)
			out = append(out, Stack{Name: name, Account: l.Account})
		}
		stack := &out[at[key]]
		if r := (StackResource{id, l.HolderName, holderTypes[l.Holder]}); !slices.Contains(stack.Resources, r) {
			stack.Resources = append(stack.Resources, r)
		}
	}
	return out
}

// holderTypes are the types of resources that hold inline policies.
var holderTypes = map[iac.HolderKind]string{iac.Role: "AWS::IAM::Role", iac.User: "AWS::IAM::User", iac.Group: "AWS::IAM::Group"}

const managedType = "AWS::IAM::ManagedPolicy"

// stackOf is a stack, and the templates that it may be of.
type stackOf struct {
	Stack
	given     bool
	physical  map[[2]string]string // by logical ID and type
	templates map[string]bool      // roots
}

// rank says for each stack which templates it may be of: those of which most is in it.
func (m *matcher) rank(stacks []Stack, given int) []stackOf {
	var out []stackOf
	for i, stack := range stacks {
		of := stackOf{Stack: stack, given: i < given, physical: map[[2]string]string{}, templates: map[string]bool{}}
		for _, r := range stack.Resources {
			if r.PhysicalID != "" {
				of.physical[[2]string{r.LogicalID, r.Type}] = r.PhysicalID
			}
		}
		of.choose(m.subjects)
		out = append(out, of)
	}
	return out
}

func (of *stackOf) choose(subjects []*subject) {
	in := map[string]map[[2]string]bool{}
	for _, s := range subjects {
		if !strings.HasPrefix(s.Type, "AWS::") {
			continue
		}
		for _, key := range s.resources() {
			if of.physical[key] != "" {
				if in[s.Root] == nil {
					in[s.Root] = map[[2]string]bool{}
				}
				in[s.Root][key] = true
			}
		}
	}
	most := 0
	for _, keys := range in {
		most = max(most, len(keys))
	}
	for root, keys := range in {
		of.templates[root] = len(keys) == most
	}
}

// resources are the logical IDs and types of what a source makes or stands in.
func (s *subject) resources() [][2]string {
	if s.Holder == 0 {
		return [][2]string{{s.LogicalID, managedType}}
	}
	var out [][2]string
	for _, h := range holdersOf(s.Source) {
		if h.LogicalID != "" {
			out = append(out, [2]string{h.LogicalID, holderTypes[h.Kind]})
		}
	}
	if s.LogicalID != "" && s.LogicalID != s.HolderLogicalID {
		out = append(out, [2]string{s.LogicalID, s.Type})
	}
	return out
}

// ofStack are the live policies that stacks have under the source's logical IDs.
func (m *matcher) ofStack(s *subject) []*Live {
	if !strings.HasPrefix(s.Type, "AWS::") {
		return nil
	}
	var out []*Live
	for i := range m.stacks {
		if of := &m.stacks[i]; of.templates[s.Root] {
			out = append(out, m.inStack(s, of)...)
		}
	}
	return out
}

func (m *matcher) inStack(s *subject, of *stackOf) []*Live {
	if s.Holder == 0 {
		arn := of.physical[[2]string{s.LogicalID, managedType}]
		l := m.byARN[arn]
		if l == nil {
			s.miss(of, arn)
			return nil
		}
		return []*Live{l}
	}
	var out []*Live
	for _, h := range holdersOf(s.Source) {
		name := of.physical[[2]string{h.LogicalID, holderTypes[h.Kind]}]
		if name == "" && of.physical[[2]string{s.LogicalID, s.Type}] != "" {
			name = whole(h.Name)
		}
		if name == "" {
			continue
		}
		found := m.held(holder{h.Kind, name}, of.Account, func(l *Live) bool {
			_, ok := fits(s.Name, l.Name)
			return ok
		})
		if len(found) == 0 {
			s.miss(of, h.Kind.String()+" "+name)
		}
		out = append(out, s.narrowed(found, of)...)
	}
	return out
}

// miss notes what a stack that was given has, and the accounts given don't. What tags tell
// of is there.
func (s *subject) miss(of *stackOf, what string) {
	if of.given && what != "" {
		s.missing = append(s.missing, fmt.Sprintf("the stack %s has %s of %s, which isn't in the data of any account given", of.Name, s.Address, what))
	}
}

// narrowed is the one policy of a holder that a source makes there.
func (s *subject) narrowed(found []*Live, of *stackOf) []*Live {
	if len(accountsOf(found)) == len(found) && len(found) < 2 {
		return found
	}
	if equal := slices.DeleteFunc(slices.Clone(found), func(l *Live) bool { return !s.like(l).equal }); len(equal) == 1 {
		return equal
	}
	s.candidates = append(s.candidates, found...)
	s.doubt(fmt.Sprintf("the stack %s has several policies that it could be", of.Name))
	return found
}
