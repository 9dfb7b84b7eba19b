package cloudtrail

import (
	"bytes"
	"strings"

	"github.com/pare-iam/pare/internal/wildcard"
	"github.com/pare-iam/pare/policy"
)

// parameter is a text in requestParameters.
type parameter struct {
	name   []byte // of the member that it is the value of, or an element of the value
	parent []byte // the name of the member around, if there is one
	text   []byte
	depth  int // 1 in requestParameters itself
}

// parameters calls visit for each text in requestParameters and member for each member's
// name, in order. The scanner has read them before, and pad bytes follow them.
func (s *scanner) parameters(raw []byte, member func(name []byte), visit func(parameter)) {
	in := scanner{src: raw[:len(raw)+pad], scratch: s.scratch}
	names := append(s.names[:0], nil) // of the open members by depth
	for i := 0; i < len(raw); {
		depth := len(names) - 1
		switch raw[i] {
		case '{':
			names = append(names, nil)
		case '[':
			names = append(names, names[depth])
		case '}', ']':
			names = names[:depth]
		case '"':
			var text []byte
			text, i = in.text(i)
			if raw[min(in.blank(i), len(raw)-1)] == ':' {
				names[depth] = text
				member(text)
			} else {
				visit(parameter{names[depth], names[depth-1], text, depth})
			}
			continue
		}
		i++
	}
	s.scratch, s.names = in.scratch, names
}

// found is what requestParameters say that somebody asked for.
type found struct {
	arns     [][]byte
	bucket   []byte
	key      []byte
	function []byte
	table    []byte
	roles    [][]byte // ARNs of roles and instance profiles that are passed
	passes   bool     // a role is passed
	tags     bool     // what is made gets tags
	only     uint64   // which of the event's actions are asked for; 0 when it isn't said
	unclear  bool     // a statement of unknown kind

	types []int    // memory for matches
	typed [][]byte // likewise
	text  []byte   // memory for ARNs put together
}

func (f *found) reset() {
	*f = found{arns: f.arns[:0], roles: f.roles[:0], types: f.types, typed: f.typed, text: f.text[:0]}
}

// wants says whether the parameters can tell something about e beyond the resources that are known.
func (e *event) wants(raw []byte, resourceKnown bool) bool {
	if len(raw) == 0 {
		return false
	}
	if e.choice != noChoice || e.mayPass && mayHold(raw, "role", "Role", "nstanceProfile", "instance-profile") || e.mayTag && mayHold(raw, "tag", "Tag") {
		return true
	}
	return !resourceKnown && len(e.types) > 0 && (e.params != noParams || mayHold(raw, "arn:"))
}

// mayHold says whether one of the words may stand in a JSON text: it is there, or there
// is an escape.
func mayHold(raw []byte, words ...string) bool {
	if bytes.IndexByte(raw, '\\') >= 0 {
		return true
	}
	for _, w := range words {
		if bytes.Contains(raw, []byte(w)) {
			return true
		}
	}
	return false
}

// look collects what the parameters of e say.
func (f *found) look(s *scanner, e *event, raw []byte) {
	f.reset()
	s.parameters(raw, func(name []byte) {
		if e.choice == byMember {
			f.only |= e.bits(memberAction(name))
		}
		f.tags = f.tags || e.mayTag && tagMember(name)
	}, func(p parameter) {
		f.names(p)
		if e.mayPass {
			f.role(p)
		}
		if e.choice == byStatement && (string(p.name) == "statement" || string(p.name) == "Statement") {
			bit := e.bits(statementAction(p.text))
			f.only |= bit
			f.unclear = f.unclear || bit == 0
		}
	})
	if f.unclear {
		f.only = 0
	}
}

// tagMember says whether a member of that name has the tags of what is made.
func tagMember(name []byte) bool {
	for _, one := range [...]string{"tags", "tagSet", "tagList", "tagging", "x-amz-tagging", "tagSpecificationSet", "tagSpecifications", "resourceTags", "jobTags"} {
		if wildcard.EqualFold(string(name), one) {
			return true
		}
	}
	return false
}

// names notes what p says of resources.
func (f *found) names(p parameter) {
	if isARN(p.text) {
		f.arns = append(f.arns, p.text)
	}
	if p.depth != 1 {
		return
	}
	switch string(p.name) {
	case "bucketName":
		f.bucket = p.text
	case "key":
		f.key = p.text
	case "functionName":
		f.function = p.text
	case "tableName":
		f.table = p.text
	}
}

// memberAction is the action of a member of transactItems.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItem.html
func memberAction(name []byte) string {
	switch string(name) {
	case "conditionCheck", "ConditionCheck":
		return "ConditionCheckItem"
	case "put", "Put":
		return "PutItem"
	case "delete", "Delete":
		return "DeleteItem"
	case "update", "Update":
		return "UpdateItem"
	}
	return ""
}

// statementAction is the action of a PartiQL statement.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
func statementAction(text []byte) string {
	text = bytes.TrimLeft(text, " \t\r\n")
	if end := bytes.IndexAny(text, " \t\r\n"); end >= 0 {
		text = text[:end]
	}
	switch strings.ToUpper(string(text)) {
	case "SELECT":
		return "PartiQLSelect"
	case "INSERT":
		return "PartiQLInsert"
	case "UPDATE":
		return "PartiQLUpdate"
	case "DELETE":
		return "PartiQLDelete"
	}
	return ""
}

// bits is the place of an action among e's, as a bit; 0 when it isn't one.
func (e *event) bits(name string) uint64 {
	for i, a := range e.actions {
		if a.name == name {
			return 1 << i
		}
	}
	return 0
}

// role notes a role that p passes: the ARN of a role or an instance profile in a
// parameter called like one. EMR, EC2 and Auto Scaling also take the bare name.
func (f *found) role(p parameter) {
	if len(p.text) == 0 || !roleParameter(p.name) && !roleParameter(p.parent) {
		return
	}
	arn, err := policy.ParseARN(string(p.text))
	switch {
	case err == nil && arn.Service == "iam" && (arn.Type() == "role" || arn.Type() == "instance-profile"):
		f.passes = true
		f.roles = append(f.roles, p.text)
	case err != nil && bareRole(p) && bytes.IndexByte(p.text, ':') < 0:
		f.passes = true
	}
}

// roleParameter says whether a parameter of that name passes a role.
func roleParameter(name []byte) bool {
	for _, ending := range [...]string{"role", "roles", "roleArn", "roleArns", "instanceProfile", "instanceProfileArn"} {
		if n := len(name) - len(ending); n >= 0 && wildcard.EqualFold(string(name[n:]), ending) {
			return true
		}
	}
	return false
}

// bareRole says whether p may be the name of a role or an instance profile.
func bareRole(p parameter) bool {
	name := p.name
	if string(name) == "name" {
		name = p.parent
	}
	switch string(name) {
	case "serviceRole", "jobFlowRole", "autoScalingRole", "instanceProfile", "iamInstanceProfile":
		return true
	}
	return false
}

// guess adds the resources that parameters name: ARNs, and what names stand for.
func (m *matches) guess(f *found, r *record, principal string) {
	for _, arn := range f.arns {
		m.add(arn)
	}
	partition := "aws"
	if arn, err := policy.ParseARN(principal); err == nil {
		partition = arn.Partition
	}
	switch m.event.params {
	case bucketParams:
		if len(f.bucket) == 0 {
			break
		}
		m.add(f.join("arn:", partition, ":s3:::", string(f.bucket)))
		if len(f.key) > 0 {
			m.add(f.join("arn:", partition, ":s3:::", string(f.bucket), "/", string(f.key)))
		}
	case functionParams:
		m.guessFunction(f, r, partition)
	case tableParams:
		if len(f.table) > 0 && !isARN(f.table) {
			m.add(f.join("arn:", partition, ":dynamodb:", string(r.region), ":", string(r.account), ":table/", string(f.table)))
		}
	case noParams:
	}
}

// guessFunction adds a Lambda function by its name, which may have the account before it.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
func (m *matches) guessFunction(f *found, r *record, partition string) {
	account, function, partial := bytes.Cut(f.function, []byte(":function:"))
	switch {
	case len(f.function) == 0 || isARN(f.function):
	case partial:
		m.add(f.join("arn:", partition, ":lambda:", string(r.region), ":", string(account), ":function:", string(function)))
	default:
		m.add(f.join("arn:", partition, ":lambda:", string(r.region), ":", string(r.account), ":function:", string(f.function)))
	}
}

func isARN(text []byte) bool { return bytes.HasPrefix(text, []byte("arn:")) }

// join puts a text together that lives as long as f's others.
func (f *found) join(parts ...string) []byte {
	start := len(f.text)
	for _, p := range parts {
		f.text = append(f.text, p...)
	}
	return f.text[start:len(f.text):len(f.text)]
}
