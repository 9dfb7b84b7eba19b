package cloudtrail

import (
	"bytes"
)

// record is what counts of an event record. Texts are empty when the record doesn't
// have them or has something else in their place; they are valid until the next record is read.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	time, source, name  []byte
	region, account     []byte // awsRegion, recipientAccountId
	errorCode           []byte
	eventType, category []byte
	readOnly            bool
	notManagement       bool   // managementEvent is false
	params              []byte // requestParameters as JSON, an object
	resources           []resource
	insight             bool // has insightDetails
	identity            identity

	shape shape
}

// identity is what counts of userIdentity.
type identity struct {
	kind, arn, account []byte // type, arn, accountId
	invokedBy          []byte
	issuer             []byte   // sessionContext.sessionIssuer.arn
	session            *session // where it is remembered; nil when it isn't
}

// resource is what counts of an element of resources.
type resource struct{ arn, kind []byte }

// shape says what else than an event an object may be.
type shape struct {
	event    bool   // has a member that events have
	row      bool   // a row of a query's result
	digest   bool   // a digest file
	embedded []byte // the text of an event inside
	list     int    // position of the value of Records or Events behind other members; 0 when there is none
}

func (r *record) reset() { *r = record{resources: r.resources[:0]} }

// record reads an object and leaves in r what counts of it. Of a member that is there
// twice the last counts.
func (s *scanner) record(i int, r *record) int {
	r.reset()
	s.scratch, s.depth = s.scratch[:0], 0
	if s.src[i] != '{' {
		return s.fail(i, "an event record, which is an object")
	}
	if i = s.blank(i + 1); s.src[i] == '}' {
		return i + 1
	}
	s.depth++
	s.begun.start = 0
	for place := 0; ; {
		if i, place = s.recordMember(r, i, place); i < 0 {
			return i
		}
		switch i = s.blank(i); s.src[i] {
		case ',':
			i = s.blank(i + 1)
		case '}':
			s.depth--
			return i + 1
		default:
			return s.fail(i, "a comma or the closing bracket")
		}
	}
}

// recordMember reads a member, or a run of them, and its value. Place is as in member.
func (s *scanner) recordMember(r *record, i, place int) (next, here int) {
	if next, here := s.rerun(r, i, place); next > i {
		return next, here
	}
	value, m, here := s.member(i, place)
	switch {
	case value < 0:
		return value, here
	case m == otherMember:
		next = s.pass(value, here, kindOf(r.source))
	default:
		next = s.value(r, m, value)
	}
	if m.steady() && next >= 0 {
		s.extend(place, i, part{m, value, next}, here)
	} else {
		s.begun.start = 0
	}
	return next, here
}

// object reads an object. The function reads the value of each member.
func (s *scanner) object(i int, value func(key []byte, i int) int) int {
	if i = s.blank(i + 1); s.src[i] == '}' {
		return i + 1
	}
	s.depth++
	for {
		if s.src[i] != '"' {
			return s.fail(i, "a member's name in quotes")
		}
		start := i + 1
		next, plain := s.str(start)
		if next < 0 {
			return next
		}
		key := s.src[start : next-1]
		if !plain {
			key = s.unquote(key)
		}
		if i = s.colon(next); i < 0 {
			return i
		}
		if i = value(key, i); i < 0 {
			return i
		}
		switch i = s.blank(i); s.src[i] {
		case ',':
			i = s.blank(i + 1)
		case '}':
			s.depth--
			return i + 1
		default:
			return s.fail(i, "a comma or the closing bracket")
		}
	}
}

// value reads the value of a member.
func (s *scanner) value(r *record, m member, i int) int {
	switch m {
	case timeMember:
		r.shape.event = true
		return s.field(&r.time, i)
	case sourceMember:
		r.shape.event = true
		return s.field(&r.source, i)
	case nameMember:
		r.shape.event = true
		return s.field(&r.name, i)
	case regionMember:
		return s.field(&r.region, i)
	case accountMember:
		return s.field(&r.account, i)
	case errorMember:
		return s.field(&r.errorCode, i)
	case typeMember:
		return s.field(&r.eventType, i)
	case categoryMember:
		return s.field(&r.category, i)
	case readOnlyMember:
		return s.flag(&r.readOnly, 't', i)
	case managementMember:
		return s.flag(&r.notManagement, 'f', i)
	case identityMember:
		r.shape.row = r.shape.row || s.src[i] == '"'
		return s.userIdentity(&r.identity, i)
	case paramsMember:
		r.shape.row = r.shape.row || s.src[i] == '"'
		return s.requestParameters(r, i)
	case resourcesMember:
		r.shape.row = r.shape.row || s.src[i] == '"'
		return s.resources(r, i)
	case insightMember:
		r.insight = true
	case embeddedMember:
		r.shape.row = true
		return s.field(&r.shape.embedded, i)
	case rowMember:
		r.shape.row = true
	case digestMember:
		r.shape.digest = true
	case listMember:
		r.shape.list = i
	case otherMember:
	}
	return s.skip(i)
}

// field reads a text; anything else leaves nothing.
func (s *scanner) field(out *[]byte, i int) int {
	if s.src[i] != '"' {
		*out = nil
		return s.skip(i)
	}
	var next int
	*out, next = s.text(i)
	return next
}

// flag notes whether the value is true ('t') or false ('f').
func (s *scanner) flag(out *bool, letter byte, i int) int {
	*out = s.src[i] == letter
	return s.skip(i)
}

// inside reads the members of an object; anything else is skipped.
func (s *scanner) inside(i int, value func(key []byte, i int) int) int {
	if s.src[i] != '{' {
		return s.skip(i)
	}
	return s.object(i, value)
}

// userIdentity reads the value of userIdentity. Sessions make many calls, and their
// identities are the longest part of a record: one that was read before isn't read again.
func (s *scanner) userIdentity(id *identity, i int) int {
	*id = identity{}
	e := s.sessions.find(s.src[i:s.end])
	if e != nil && len(e.text) > 0 && bytes.HasPrefix(s.src[i:s.end], e.text) {
		*id = e.identity
		return i + len(e.text)
	}
	scratch := len(s.scratch)
	next := s.inside(i, func(key []byte, i int) int { return s.identity(id, key, i) })
	if e != nil && next >= i+sessionBytes && len(s.scratch) == scratch {
		e.keep(s.src, i, next, *id)
		*id = e.identity
	}
	return next
}

func (s *scanner) identity(id *identity, key []byte, i int) int {
	switch string(key) {
	case "type":
		return s.field(&id.kind, i)
	case "arn":
		return s.field(&id.arn, i)
	case "accountId":
		return s.field(&id.account, i)
	case "invokedBy":
		return s.field(&id.invokedBy, i)
	case "sessionContext":
		id.issuer = nil
		return s.inside(i, func(key []byte, i int) int { return s.sessionContext(id, key, i) })
	}
	return s.skip(i)
}

func (s *scanner) sessionContext(id *identity, key []byte, i int) int {
	if string(key) != "sessionIssuer" {
		return s.skip(i)
	}
	id.issuer = nil
	return s.inside(i, func(key []byte, i int) int {
		if string(key) == "arn" {
			return s.field(&id.issuer, i)
		}
		return s.skip(i)
	})
}

func (s *scanner) requestParameters(r *record, i int) int {
	next := s.skip(i)
	r.params = nil
	if next >= 0 && s.src[i] == '{' {
		r.params = s.src[i:next]
	}
	return next
}

// resources reads the list of what the call was about.
func (s *scanner) resources(r *record, i int) int {
	r.resources = r.resources[:0]
	if s.src[i] != '[' {
		return s.skip(i)
	}
	if i = s.blank(i + 1); s.src[i] == ']' {
		return i + 1
	}
	s.depth++
	for {
		var one resource
		if i = s.inside(i, func(key []byte, i int) int { return s.resource(&one, key, i) }); i < 0 {
			return i
		}
		r.resources = append(r.resources, one)
		switch i = s.blank(i); s.src[i] {
		case ',':
			i = s.blank(i + 1)
		case ']':
			s.depth--
			return i + 1
		default:
			return s.fail(i, "a comma or the closing bracket")
		}
	}
}

func (s *scanner) resource(one *resource, key []byte, i int) int {
	switch string(key) {
	case "ARN":
		return s.field(&one.arn, i)
	case "type":
		return s.field(&one.kind, i)
	}
	return s.skip(i)
}

// insights says whether this is a record of CloudTrail Insights, which is no call.
func (r *record) insights() bool {
	return r.insight || string(r.category) == "Insight" || string(r.eventType) == "AwsCloudTrailInsight"
}

// management says whether this is a management event.
func (r *record) management() bool {
	if len(r.category) > 0 {
		return string(r.category) == "Management"
	}
	return !r.notManagement
}

// data says whether this is a data event.
func (r *record) data() bool {
	return !r.management() && !bytes.Equal(r.category, []byte("NetworkActivity"))
}
