package samplegen

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// Options say which world to make. Every field counts: two worlds of the same options
// are the same.
type Options struct {
	Seed      uint64
	AccountID string    // twelve digits
	Now       time.Time // midnight UTC; the snapshot is of this moment and the logs end at it
	Days      int       // how many days the trail goes back; at least 1
	Sample    bool      // with the handwritten principals of "pare demo", whose policies name account 111122223333
	Roles     int       // how many random roles there are besides
	Users     int       // how many random users there are besides
	Policies  int       // how many random customer managed policies they share; at least 1 if there is a random principal
}

// Demo is the account of "pare demo": the handwritten principals alone.
func Demo() Options {
	return Options{
		Seed:      1,
		AccountID: "111122223333",
		Now:       time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC),
		Days:      120,
		Sample:    true,
	}
}

// Large is an account of 5,000 roles, 500 users and 1,500 policies, for benchmarks.
func Large() Options {
	o := Demo()
	o.Sample, o.Roles, o.Users, o.Policies = false, 5000, 500, 1500
	return o
}

// World is an account and the truth of who used what when. It is read-only and safe for
// concurrent use.
type World struct {
	options  Options
	catalog  *catalog.Catalog
	calls    *callTable
	root     *principal
	roles    []*principal
	users    []*principal
	groups   []*group
	policies []string                    // customer managed ones, by file name
	texts    map[string]string           // policies by file name: "app-baseline", "aws-ReadOnlyAccess"
	docs     map[string]*policy.Document // the same, parsed
}

// New makes a world. It panics if the options break the rules written beside them.
func New(c *catalog.Catalog, o Options) *World {
	if len(o.AccountID) != 12 || o.Days < 1 || !o.Now.Equal(o.Now.UTC().Truncate(day)) || o.Roles+o.Users > 0 && o.Policies < 1 {
		panic(fmt.Sprintf("samplegen: options break their rules: %+v", o))
	}
	o.Now = o.Now.UTC()
	w := &World{options: o, catalog: c, calls: readCalls(), texts: map[string]string{}, docs: map[string]*policy.Document{}}
	w.root = &principal{Name: "root", Created: 1500, MFA: true}
	if o.Sample {
		w.addSample()
	}
	w.addRandom()
	w.settle()
	return w
}

// Use is one use of an IAM action: the action for which an attempt was checked first.
type Use struct {
	Principal string // ARN of the role or user, or of the account's root
	Action    string // "s3:GetObject", in the catalog's casing
	Region    string
	Time      time.Time
	Denied    bool
	Logged    bool   // an event of it is in the trail's files
	Inferred  bool   // iam:PassRole, from a call that passes a role: Logged says whether that call is
	Via       string // the service that called for the principal; mostly empty
}

// Truth tells every use, in order of time; of one time, by principal and action. Calls
// that need no permission aren't uses.
func (w *World) Truth() iter.Seq[Use] {
	return func(yield func(Use) bool) {
		for ago := w.oldest(); ago >= 0; ago-- {
			var uses []Use
			for _, e := range w.day(ago, isUse) {
				uses = w.appendUses(uses, e)
			}
			slices.SortFunc(uses, func(a, b Use) int {
				return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Action, b.Action))
			})
			for _, u := range uses {
				if !yield(u) {
					return
				}
			}
		}
	}
}

func (w *World) appendUses(uses []Use, e event) []Use {
	h := e.habit
	u := Use{
		Principal: h.owner.arn, Action: h.call.action, Region: h.region, Time: e.at,
		Denied: h.denied, Logged: logged(h) && e.ago < w.options.Days, Via: h.via,
	}
	uses = append(uses, u)
	if h.call.passes {
		u.Action, u.Inferred = "iam:PassRole", true
		uses = append(uses, u)
	}
	return uses
}

func isUse(h *habit) bool { return h.call.action != "" && !h.call.free }

// logged says whether the trail records a habit on the days that it goes back.
func logged(h *habit) bool {
	return h.call.data == "" || h.call.data == "AWS::S3::Object"
}

// principals are all, in a fixed order: the root, roles, users.
func (w *World) principals() []*principal {
	return slices.Concat([]*principal{w.root}, w.roles, w.users)
}
