package cloudtrail

import (
	"bytes"
	"strings"

	"github.com/pare-iam/pare/catalog"
)

// resourceType is a type of resource that an action can be limited to.
type resourceType struct {
	name    string // the catalog's
	formats []arnFormat
	literal int // how many bytes its ARNs tell: the more, the more specific
}

// arnFormat is an ARN with placeholders: what stands between them.
//
//	arn:${Partition}:s3:::${BucketName}/${ObjectName}
//	service s3, no region, no account, literals "", "/" and ""
type arnFormat struct {
	service         string
	region, account segment
	literals        [][]byte // of the resource; one more than there are placeholders
}

// segment is a part of an ARN that is either one text or any that isn't empty.
type segment struct {
	any  bool
	text string
}

func newSegment(s string) segment {
	if strings.ContainsAny(s, "$*") {
		return segment{any: true}
	}
	return segment{text: s}
}

func (s segment) match(b []byte) bool {
	if s.any {
		return len(b) > 0
	}
	return string(b) == s.text
}

func newResourceType(s *catalog.Service, name string) resourceType {
	t := resourceType{name: name}
	known := s.Details().Resource(name)
	if known == nil {
		return t
	}
	for _, text := range known.ARNFormats {
		f, ok := newARNFormat(text)
		if !ok {
			continue
		}
		t.formats = append(t.formats, f)
		n := 0
		for _, l := range f.literals {
			n += len(l)
		}
		t.literal = max(t.literal, n)
	}
	return t
}

// newARNFormat reads a format of the catalog; ok is false for one that isn't an ARN's.
func newARNFormat(text string) (arnFormat, bool) {
	const named, star = "${", "*"
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || strings.ContainsAny(parts[2], "$*") {
		return arnFormat{}, false
	}
	f := arnFormat{service: parts[2], region: newSegment(parts[3]), account: newSegment(parts[4])}
	for rest := parts[5]; ; {
		i := strings.IndexAny(rest, "$*")
		if i < 0 {
			f.literals = append(f.literals, []byte(rest))
			return f, true
		}
		f.literals = append(f.literals, []byte(rest[:i]))
		switch {
		case strings.HasPrefix(rest[i:], star):
			rest = rest[i+len(star):]
		case strings.HasPrefix(rest[i:], named):
			end := strings.IndexByte(rest[i:], '}')
			if end < 0 {
				return arnFormat{}, false
			}
			rest = rest[i+end+1:]
		default:
			return arnFormat{}, false
		}
	}
}

// arnParts is an ARN cut at its first five colons, for matching without allocation.
type arnParts struct{ service, region, account, resource []byte }

func cutARN(arn []byte) (p arnParts, ok bool) {
	rest, isARN := bytes.CutPrefix(arn, []byte("arn:"))
	if !isARN {
		return p, false
	}
	for _, part := range []*[]byte{nil, &p.service, &p.region, &p.account} {
		i := bytes.IndexByte(rest, ':')
		if i < 0 {
			return p, false
		}
		if part != nil {
			*part = rest[:i]
		}
		rest = rest[i+1:]
	}
	p.resource = rest
	return p, len(rest) > 0
}

func (t *resourceType) match(p arnParts) bool {
	for i := range t.formats {
		if t.formats[i].match(p) {
			return true
		}
	}
	return false
}

// match says whether an ARN has the format. A placeholder stands for one byte or more, up
// to the next place where what follows it stands; the last one for all the rest. A
// resource that is a placeholder alone has no slash and no colon.
func (f *arnFormat) match(p arnParts) bool {
	if string(p.service) != f.service || !f.region.match(p.region) || !f.account.match(p.account) {
		return false
	}
	rest, ok := bytes.CutPrefix(p.resource, f.literals[0])
	if !ok {
		return false
	}
	for k, literal := range f.literals[1:] {
		if len(rest) == 0 {
			return false
		}
		if last := k == len(f.literals)-2; last && len(literal) == 0 {
			return len(f.literals) > 2 || len(f.literals[0]) > 0 || !bytes.ContainsAny(rest, "/:")
		}
		i := bytes.Index(rest[1:], literal)
		if i < 0 {
			return false
		}
		rest = rest[1+i+len(literal):]
	}
	return len(rest) == 0
}
