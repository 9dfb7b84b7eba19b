package jobs

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// held is a policy with its text as it was read; nil when it couldn't be.
type held struct {
	store.HeldPolicy
	doc *policy.Document
}

// heldBy lists the policies of a role, user or group: attached ones, then inline ones.
func heldBy(e *inventory.Entity, group string) []held {
	var out []held
	for _, at := range e.Attached {
		h := held{HeldPolicy: store.HeldPolicy{Kind: finding.CustomerPolicy, Name: at.Name, ARN: at.ARN, Group: group}}
		if (&inventory.ManagedPolicy{ARN: at.ARN}).AWSManaged() {
			h.Kind = finding.AWSPolicy
		}
		if at.Policy != nil {
			h.doc = at.Policy.Document
		}
		out = append(out, h)
	}
	for _, in := range e.Inline {
		out = append(out, held{store.HeldPolicy{Kind: finding.InlinePolicy, Name: in.Name, Group: group}, in.Document})
	}
	return out
}

// principals streams the account's roles and users by their ARNs, after findings has ended.
func (l *looking) principals() iter.Seq2[store.Principal, error] {
	return func(yield func(store.Principal, error) bool) {
		if err := l.advise(); err != nil {
			yield(store.Principal{}, err)
			return
		}
		judged := l.judged()
		for _, p := range l.everybody() {
			out, err := l.principal(p)
			if err == nil {
				err = l.ctx.Err()
			}
			out.Unjudged = !judged(p.ARN)
			if err == nil && !out.Unjudged {
				l.report.Granted += out.Granted
				l.report.Used += out.Used
				l.report.Unused += out.Unused
				l.report.Removed += out.Granted - out.After
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// advise finds out what proved steps would take away of each principal.
func (l *looking) advise() error {
	return l.Recommendations(func(r analyzer.Recommendation) error {
		l.removed[r.Resource] = r.Before - r.After
		return l.ctx.Err()
	})
}

// judged says of whom the permissions were judged.
func (l *looking) judged() func(arn string) bool {
	not := map[string]bool{}
	for _, skip := range l.summary.Skipped {
		if (skip.Type == "" || skip.Type == finding.UnusedPermission) && skip.Reason != analyzer.Unreadable {
			not[skip.Resource] = true
		}
	}
	return func(arn string) bool { return !not[arn] }
}

// person is a role or a user: one of the two is set.
type person struct {
	*inventory.Entity
	role *inventory.Role
	user *inventory.User
}

func (l *looking) everybody() []person {
	var out []person
	for _, r := range l.Inventory.Roles {
		out = append(out, person{&r.Entity, r, nil})
	}
	for _, u := range l.Inventory.Users {
		out = append(out, person{&u.Entity, nil, u})
	}
	slices.SortFunc(out, func(a, b person) int { return cmp.Compare(a.ARN, b.ARN) })
	return out
}

// principal is one as the store has it.
func (l *looking) principal(p person) (store.Principal, error) {
	out := store.Principal{
		ARN: p.ARN, ID: p.ID, Kind: store.Role, Account: l.Inventory.ID, Path: p.Path, Tags: p.Tags,
		CreatedAt: p.CreatedAt, LastUsed: p.lastUsed(),
	}
	if p.user != nil {
		out.Kind = store.User
	}
	var docs []*policy.Document
	for _, h := range l.policies(p) {
		if h.doc != nil {
			docs = append(docs, h.doc)
			h.Policy = string(h.doc.Bytes())
		}
		out.Policies = append(out.Policies, h.HeldPolicy)
	}
	granted := access.Actions(l.Catalog, docs...)
	out.Granted = len(granted.Actions)
	out.After = out.Granted - l.removed[p.ARN]
	var sources []usage.Source
	for _, arn := range analyzer.Aliases(p.ARN) {
		some, err := l.Evidence.Of(arn)
		if err != nil {
			return out, err
		}
		sources = append(sources, some...)
	}
	out.Evidence = byService(usage.Judge(granted.Actions, granted.Services, sources, l.Window), l.unused[p.ARN])
	for _, e := range out.Evidence {
		out.Used += e.Actions
		out.Unused += e.Unused
	}
	return out, nil
}

// policies are all that a principal has, its own before those of its groups.
func (l *looking) policies(p person) []held {
	out := heldBy(p.Entity, "")
	if p.user == nil {
		return out
	}
	for _, g := range l.Inventory.Groups {
		if slices.Contains(p.user.Groups, g.Name) {
			out = append(out, heldBy(&g.Entity, g.ARN)...)
		}
	}
	return out
}

// lastUsed is when a role was assumed, or a user's key or password used, as far as it is known.
func (p person) lastUsed() time.Time {
	if p.role != nil {
		return p.role.LastUsed.At
	}
	last := p.user.Password.LastUsed.At
	for _, k := range p.user.Keys {
		if k.LastUsed.At.After(last) {
			last = k.LastUsed.At
		}
	}
	return last
}

// byService counts the actions of each granted service: granted, seen in use, unused.
func byService(j usage.Judgement, unused map[string]int) []store.Evidence {
	out := make([]store.Evidence, 0, len(j.Services))
	for _, s := range j.Services {
		e := store.Evidence{Service: s.Prefix, LastAccessed: s.Last, Granted: len(s.Actions), Unused: unused[s.Prefix]}
		if s.Source != usage.NoSource {
			e.Source = s.Source.String()
		}
		for _, a := range s.Actions {
			if a.State == usage.InUse {
				e.Actions++
			}
		}
		out = append(out, e)
	}
	return out
}
