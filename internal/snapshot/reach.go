package snapshot

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/inventory"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// answer is a file about one principal: whom it is about, and up to when it knows.
type answer struct {
	file      File
	kind      usage.Kind
	principal string
	until     time.Time // zero: it doesn't say
	gone      bool      // the principal isn't in the inventory: the file is left out
}

// knownTo lists whom evidence can be about.
func knownTo(account *inventory.Account) map[string]bool {
	known := map[string]bool{}
	add := func(arn string) {
		for _, name := range analyzer.Aliases(arn) {
			known[name] = true
		}
	}
	for _, r := range account.Roles {
		add(r.ARN)
	}
	for _, u := range account.Users {
		add(u.ARN)
	}
	return known
}

// own says whether an answer is about a role or user that there is, and notes it. One of
// another account is a problem: somebody put it into the wrong folder.
func (e *Evidence) own(file File, kind usage.Kind, principal string, until time.Time) bool {
	if arn, err := policy.ParseARN(principal); err != nil || arn.Account != e.account.ID {
		e.problem(file.Path, principal, "it isn't of account %s: left out; want the files of one account in a folder", e.account.ID)
		return false
	}
	a := answer{file, kind, principal, until, !e.known[principal]}
	e.answers = append(e.answers, a)
	return !a.gone
}

// few is how many of several are named.
const few = 3

// noteGone says which answers are about nobody that there is, and forgets them.
func (e *Evidence) noteGone() {
	gone := map[string][]string{} // by folder
	for _, a := range e.answers {
		if a.gone {
			gone[filepath.Dir(a.file.Path)] = append(gone[filepath.Dir(a.file.Path)], a.principal)
		}
	}
	e.answers = slices.DeleteFunc(e.answers, func(a answer) bool { return a.gone })
	for _, dir := range []string{LastAccessedFolder, FindingsFolder} {
		dir = filepath.Join(e.folder.Dir, dir)
		if who := gone[dir]; len(who) > 0 {
			names := strings.Join(who[:min(few, len(who))], ", ")
			if more := len(who) - few; more > 0 {
				names += fmt.Sprintf(" and %d more", more)
			}
			e.Notes = append(e.Notes, inventory.Problem{File: dir, Text: fmt.Sprintf("%s in %s, and left out: %s", counted(len(who), "answer is about someone not", "answers are about someone not"), DetailsFile, names)})
		}
	}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// strange says why a usage.jsonl and its coverage aren't of each other, or not of the
// account; nothing if they may be.
func (e *Evidence) strange(coverage usage.Coverage, uses []usage.Use) string {
	const again = "nothing counts as unused for want of a line. Make both again with pare ingest"
	covered, id := map[string]bool{}, e.account.ID
	for _, a := range coverage.Accounts {
		covered[a.ID] = true
	}
	switch accounts := accountsOf(uses); {
	case coverage.Uses != 0 && coverage.Uses != len(uses):
		return fmt.Sprintf("%s, and %s is about %d: they don't belong together; %s", counted(len(uses), "line", "lines"), e.folder.Coverage.Path, coverage.Uses, again)
	case len(covered) > 0 && len(accounts) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return covered[a] }):
		return fmt.Sprintf("its lines are of account %s, of which %s says nothing: they don't belong together; %s", accounts[0], e.folder.Coverage.Path, again)
	case len(covered) > 0 && !covered[id], len(covered) == 0 && len(accounts) > 0 && !slices.Contains(accounts, id):
		return fmt.Sprintf("the logs behind it hold nothing of account %s: nothing is judged by it; want those of the account's own trail", id)
	}
	return ""
}

// accountsOf lists the accounts of uses, sorted.
func accountsOf(uses []usage.Use) []string {
	var out []string
	last := ""
	for _, u := range uses {
		if u.Principal == last {
			continue
		}
		last = u.Principal
		if arn, err := policy.ParseARN(u.Principal); err == nil && !slices.Contains(out, arn.Account) {
			out = append(out, arn.Account)
		}
	}
	slices.Sort(out)
	return out
}

// Short says which evidence doesn't reach to the end of a window, so that nothing is
// unused by its word: a line for each source.
func (e *Evidence) Short(w usage.Window) []inventory.Problem {
	var out []inventory.Problem
	for _, kind := range []usage.Kind{usage.ActionLastAccessed, usage.AccessAnalyzer} {
		if p, ok := e.shortAnswers(kind, w); ok {
			out = append(out, p)
		}
	}
	var ends time.Time
	for _, r := range e.regions() {
		ends = first(ends, r.To)
	}
	if early(ends, w) {
		out = append(out, inventory.Problem{File: e.folder.Coverage.Path, Text: "the logs end " + endText(ends, ends, w)})
	}
	return out
}

// early says whether evidence ends too early for a window. What has no end was warned of.
func early(until time.Time, w usage.Window) bool {
	return !until.IsZero() && w.Now.Sub(until) > usage.Day
}

func (e *Evidence) shortAnswers(kind usage.Kind, w usage.Window) (inventory.Problem, bool) {
	var short []answer
	all := 0
	var latest time.Time
	for _, a := range e.answers {
		if a.kind != kind {
			continue
		}
		all++
		latest = later(latest, a.until)
		if early(a.until, w) {
			short = append(short, a)
		}
	}
	if len(short) == 0 {
		return inventory.Problem{}, false
	}
	oldest := slices.MinFunc(short, func(a, b answer) int { return cmp.Or(a.until.Compare(b.until), cmp.Compare(a.file.Path, b.file.Path)) })
	if all == 1 {
		return inventory.Problem{File: oldest.file.Path, Text: "ends " + endText(oldest.until, latest, w)}, true
	}
	return inventory.Problem{File: filepath.Dir(oldest.file.Path), Text: fmt.Sprintf("%d of %d answers end early, the first (%s) %s",
		len(short), all, filepath.Base(oldest.file.Path), endText(oldest.until, latest, w))}, true
}

// endText says when evidence ends, and what to do; latest is how far its kind reaches.
func endText(until, latest time.Time, w usage.Window) string {
	if !until.After(w.From()) {
		return fmt.Sprintf("%s, before the window begins (%s): nothing is unused by its word; collect anew, or give --now %s",
			day(until), day(w.From()), latest.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s, more than a day before the window does (%s): nothing is unused by its word; collect anew, or give --now %s",
		day(until), day(w.Now), latest.UTC().Format(time.RFC3339))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Remarks says what is worth knowing of the evidence at a window and harms nothing: logs
// that begin late or have gaps, and uses dated later than the window's end, which count.
func (e *Evidence) Remarks(w usage.Window) []inventory.Problem {
	out := slices.Clone(e.Notes)
	if text := e.uncovered(w); text != "" {
		out = append(out, inventory.Problem{File: e.folder.Coverage.Path, Text: text + ": CloudTrail shows what was used, and calls nothing unused"})
	}
	if late(e.last, w) {
		out = append(out, inventory.Problem{File: e.folder.Usage.Path, Text: laterText(e.last, w)})
	}
	var last time.Time
	for _, l := range e.lastAccessed {
		for _, s := range e.catalog.Services() {
			last = later(last, l.Service(s.Prefix, w).Last)
		}
	}
	if late(last, w) {
		out = append(out, inventory.Problem{File: filepath.Join(e.folder.Dir, LastAccessedFolder), Text: laterText(last, w)})
	}
	return out
}

// late says whether a use is dated later than a clock's error explains.
func late(last time.Time, w usage.Window) bool { return last.Sub(w.Now) > usage.Day }

func laterText(last time.Time, w usage.Window) string {
	return fmt.Sprintf("uses as late as %s, after the window's end (%s): they count as uses", day(last), day(w.Now))
}

// uncovered says what of the window the logs don't cover at its beginning or in between.
func (e *Evidence) uncovered(w usage.Window) string {
	for _, r := range e.regions() {
		if r.From.After(w.From()) {
			return fmt.Sprintf("the logs of %s begin %s, after the window does (%s)", r.Name, day(r.From), day(w.From()))
		}
	}
	hours := 0
	var at string
	for _, r := range e.regions() {
		for _, g := range r.Gaps {
			if g.To.After(w.From()) && g.From.Before(w.Now) {
				hours += int(g.To.Sub(g.From) / time.Hour)
				at = cmp.Or(at, fmt.Sprintf("%s, %s", r.Name, g.From.UTC().Format("2006-01-02 15:04")))
			}
		}
	}
	if hours == 0 {
		return ""
	}
	return fmt.Sprintf("the logs lack %s of the window, the first of them %s", counted(hours, "hour", "hours"), at)
}

// Outdated says that the IAM data was collected more than a day before a window ends, and
// makes unknown what it says of disuse: roles, keys and passwords may have been used since.
// It says nothing of data of which it isn't known when it was collected.
func (f *Folder) Outdated(account *inventory.Account, w usage.Window) []inventory.Problem {
	if !early(f.Info.CollectedAt, w) {
		return nil
	}
	ForgetCredentials(account)
	for _, r := range account.Roles {
		r.LastUsed.Known = false
	}
	at := f.Info.CollectedAt
	return []inventory.Problem{{File: f.Dir, Text: fmt.Sprintf("collected %s, more than a day before the window ends (%s): no role, key or password is called unused; collect anew, or give --now %s",
		day(at), day(w.Now), at.UTC().Format(time.RFC3339))}}
}

// Newest is the latest date in an account's IAM data: it was collected no earlier. It is
// zero if there is none.
func Newest(account *inventory.Account) time.Time {
	var newest time.Time
	note := func(dates ...time.Time) {
		for _, t := range dates {
			newest = later(newest, t)
		}
	}
	for _, r := range account.Roles {
		note(r.CreatedAt, r.LastUsed.At)
	}
	for _, u := range account.Users {
		note(u.CreatedAt, u.Password.ChangedAt, u.Password.LastUsed.At)
		for _, k := range u.Keys {
			note(k.CreatedAt, k.LastUsed.At)
		}
	}
	for _, p := range account.Policies {
		note(p.CreatedAt, p.UpdatedAt)
	}
	return newest
}
