package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// keyFacts is what one or more answers say of a key.
type keyFacts struct {
	id, user string
	slot     int
	status   bool // an answer about this very key has its status
	active   bool
	created  time.Time // zero: not known
	last     LastUsed
	doubt    bool // an answer has a last use that can't be read
	service  string
	where    place
}

// wireKey is an entry of list-access-keys, an answer of get-access-key-last-used, or both.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyMetadata.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKeyLastUsed.html
type wireKey struct {
	UserName           string
	AccessKeyID        string `json:"AccessKeyId"`
	Status, CreateDate string
	AccessKeyLastUsed  *struct{ LastUsedDate, Region, ServiceName string } // nil: the answer doesn't say
}

type wireKeyAnswer struct {
	wireKey           `json:",inline"`
	AccessKeyMetadata []wireKey // nil: not an answer of list-access-keys
	IsTruncated       bool
	NextToken         string
}

const keyAnswersWanted = "answers of list-access-keys (" + listCommand + ") and of get-access-key-last-used (" + usedCommand + ")"

// keyAnswers reads a file of answers about access keys.
func (p *parser) keyAnswers(f File) error {
	r, err := open(f, keyAnswersWanted)
	if err != nil {
		return err
	}
	var strange []place
	answers := 0
	err = r.each(func() error {
		value, err := r.next()
		if err != nil {
			return err
		}
		var w wireKeyAnswer
		if wrong := value.decode(&w); wrong != nil {
			p.keyProblem(value, "", fmt.Sprintf("the answer is left out: %v", wrong))
			strange = append(strange, value)
			return nil
		}
		if w.AccessKeyMetadata == nil && w.AccessKeyLastUsed == nil && w.AccessKeyID == "" {
			p.keyProblem(value, "", "the answer is left out: no AccessKeyMetadata, no AccessKeyLastUsed and no AccessKeyId")
			strange = append(strange, value)
			return nil
		}
		answers++
		return p.keyAnswer(value, &w)
	})
	if err == nil && answers == 0 && len(strange) > 0 {
		return r.errorf(strange[0].start, "nothing about access keys")
	}
	return err
}

func (p *parser) keyProblem(at place, subject, text string) {
	p.problem(Problem{File: at.r.name, Where: at.where(), Subject: subject, Text: text})
}

func (p *parser) keyAnswer(at place, w *wireKeyAnswer) error {
	if w.AccessKeyMetadata == nil {
		return p.key(at, &w.wireKey)
	}
	for i := range w.AccessKeyMetadata {
		key := &w.AccessKeyMetadata[i]
		if !w.IsTruncated && w.NextToken == "" {
			p.listed[key.UserName] = true
		}
		if err := p.key(at, key); err != nil {
			return err
		}
	}
	return nil
}

// key adds what an answer says of a key to what others said.
func (p *parser) key(at place, w *wireKey) error {
	if w.AccessKeyID == "" {
		p.keyProblem(at, w.UserName, "the answer doesn't say which key it is about, and is left out; run: "+usedCommand)
		return nil
	}
	facts := keyFacts{id: w.AccessKeyID, user: w.UserName, status: w.Status != "", active: w.Status == "Active", where: at}
	facts.created, _ = p.time(at, w.AccessKeyID, "CreateDate", w.CreateDate)
	if used := w.AccessKeyLastUsed; used != nil {
		when, ok := p.time(at, w.AccessKeyID, "LastUsedDate", used.LastUsedDate)
		facts.doubt = !ok
		facts.last = LastUsed{Known: ok, At: when, Region: given(used.Region)}
		facts.service = given(used.ServiceName)
	}
	first := p.keys[facts.id]
	switch {
	case first == nil:
		p.keys[facts.id] = &facts
	case first.user != "" && facts.user != "" && first.user != facts.user:
		return fmt.Errorf("%s:%s: the key %s is of user %s here, and of %s at %s:%s: want answers of one account",
			at.r.name, at.where(), facts.id, facts.user, first.user, first.where.r.name, first.where.where())
	default:
		first.user = cmp.Or(first.user, facts.user)
		first.merge(facts)
	}
	return nil
}

// merge adds what another source says of the same key. Where they differ, the key is in
// use for as long, and as young, as either says.
func (k *keyFacts) merge(other keyFacts) {
	if other.last.Known && (!k.last.Known || other.last.At.After(k.last.At)) {
		k.last, k.service = other.last, other.service
	}
	if other.created.After(k.created) {
		k.created = other.created
	}
	k.status = k.status || other.status
	k.active = k.active || other.active
	k.doubt = k.doubt || other.doubt
}

// key is the result. One answer that can't be read could be the one with the latest use.
func (k keyFacts) key() Key {
	key := Key{ID: k.id, Slot: k.slot, Active: k.active, CreatedAt: k.created, LastUsed: k.last, Service: k.service}
	if k.doubt {
		key.LastUsed, key.Service = LastUsed{}, ""
	}
	return key
}

// credentials gives the users their passwords and keys, and says what is left over.
func (p *parser) credentials(files Files) {
	ofUser := map[string][]keyFacts{}
	for _, id := range slices.Sorted(maps.Keys(p.keys)) {
		k := p.keys[id]
		ofUser[k.user] = append(ofUser[k.user], *k)
	}
	for _, u := range sorted(p.users) {
		row, ok := p.rowOf(u, files.Report.Name)
		u.Password = row.pass
		u.Keys = joinKeys(ofUser[u.Name], row.keys)
		u.KeysKnown = ok && row.allKeys || p.listed[u.Name]
		delete(ofUser, u.Name)
		delete(p.rows, u.ARN)
	}
	for _, arn := range slices.Sorted(maps.Keys(p.rows)) {
		p.problem(Problem{File: files.Report.Name, Where: p.rows[arn].where, Subject: arn,
			Text: "the user isn't in " + files.Details[0].Name + ", and the line is left out: want both files of one moment"})
	}
	for _, user := range slices.Sorted(maps.Keys(ofUser)) {
		for _, k := range ofUser[user] {
			p.keyProblem(k.where, k.id, fmt.Sprintf("the key's user, %q, isn't in %s, and the key is left out: want files of one account and moment", user, files.Details[0].Name))
		}
	}
}

// rowOf is the report's line about a user. One about an earlier user of the same name is none.
func (p *parser) rowOf(u *User, report string) (reportRow, bool) {
	if p.rows == nil {
		return reportRow{}, false
	}
	row, ok := p.rows[u.ARN]
	switch {
	case !ok:
		p.problem(Problem{File: report, Subject: u.ARN, Text: "the report has no line for this user: the password isn't judged, and keys only as far as other answers know them; run: " + reportCommand})
	case !row.created.IsZero() && !u.CreatedAt.IsZero() && row.created.Unix() != u.CreatedAt.Unix():
		p.problem(Problem{File: report, Where: row.where, Subject: u.ARN, Text: fmt.Sprintf(
			"the line is about a user made at %s, but this one was made at %s: it is left out; run: %s",
			row.created.Format(time.RFC3339), u.CreatedAt.Format(time.RFC3339), reportCommand)})
	default:
		return row, true
	}
	return reportRow{}, false
}

// joinKeys puts the keys that have an ID together with those that the report has in slots.
// A key and a slot are the same if no other was made in their second. Of the rest it can't
// be told which is which: they are joined by age, and each of those keys is as young, and
// was used as late, as any of those slots.
func joinKeys(keys, slots []keyFacts) []Key {
	var out []Key
	var rest []keyFacts
	for _, k := range keys {
		i := slices.IndexFunc(slots, k.sameSecond)
		if i < 0 || countFunc(slots, k.sameSecond) > 1 || countFunc(keys, slots[i].sameSecond) > 1 {
			rest = append(rest, k)
			continue
		}
		k.slot = slots[i].slot
		k.merge(slots[i])
		out = append(out, k.key())
		slots = slices.Concat(slots[:i], slots[i+1:])
	}
	byAge := func(a, b keyFacts) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id), cmp.Compare(a.slot, b.slot))
	}
	slices.SortFunc(rest, byAge)
	slots = slices.SortedFunc(slices.Values(slots), byAge)
	for i, k := range rest {
		if i < len(slots) {
			k.slot = slots[i].slot
		}
		out = append(out, k.oneOf(slots).key())
	}
	for _, slot := range slots[min(len(rest), len(slots)):] {
		out = append(out, slot.key())
	}
	slices.SortFunc(out, compareKeys)
	return out
}

// oneOf is a key that may be in any of these slots.
func (k keyFacts) oneOf(slots []keyFacts) keyFacts {
	known := k.last.Known
	for _, slot := range slots {
		slot.active = slot.active && !k.status
		slot.doubt = slot.doubt || !known && !slot.last.Known
		k.merge(slot)
	}
	return k
}

func (k keyFacts) sameSecond(other keyFacts) bool {
	return !k.created.IsZero() && k.created.Unix() == other.created.Unix()
}

func countFunc(keys []keyFacts, match func(keyFacts) bool) int {
	n := 0
	for _, k := range keys {
		if match(k) {
			n++
		}
	}
	return n
}
