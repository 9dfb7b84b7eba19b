package report

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
)

// Printable is a text from a policy, with what a terminal wouldn't print escaped.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// count is a number and its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func reasonName(k refine.ReasonKind) string {
	switch k {
	case refine.AllUnused:
		return "allUnused"
	case refine.ServiceUnused:
		return "serviceUnused"
	case refine.PartlyUnused:
		return "partlyUnused"
	case refine.AlreadyCovered:
		return "alreadyCovered"
	case refine.NotActionUnused:
		return "notActionUnused"
	case refine.StatementUnused:
		return "statementUnused"
	}
	panic(fmt.Sprintf("report: unhandled reason %d", k))
}

// reasonText says in a line why an entry became what it became.
func (r Recommendation) reasonText(e refine.Edit) string {
	matched, unused, kept := e.Reason.Matched, e.Reason.Unused, e.Reason.Matched-e.Reason.Unused
	switch e.Reason.Kind {
	case refine.AllUnused:
		return allUnusedText(e)
	case refine.ServiceUnused:
		return "the whole service is unused → removed"
	case refine.PartlyUnused:
		became := fmt.Sprintf("%s the other %d", count(len(e.In), "entry that matches", "entries that match"), kept)
		if n := r.matchedBy(e.In); n < kept {
			became = fmt.Sprintf("%s %d of the other %d, beside entries of the list that match the rest",
				count(len(e.In), "entry that matches", "entries that match"), n, kept)
		}
		return fmt.Sprintf("matches %s, %d of them unused → %s", count(matched, "action", "actions"), unused, became)
	case refine.AlreadyCovered:
		return fmt.Sprintf("matches %s, %d of them unused → removed: other entries of the list match the other %d",
			count(matched, "action", "actions"), unused, kept)
	case refine.NotActionUnused:
		return fmt.Sprintf("allows all that it doesn't name → names %s more", count(len(e.In), "unused entry", "unused entries"))
	case refine.StatementUnused:
		return "none of its actions is used → the statement goes"
	}
	panic(fmt.Sprintf("report: unhandled reason %d", e.Reason.Kind))
}

// matchedBy counts the catalog's actions that entries match.
func (r Recommendation) matchedBy(entries []string) int {
	var last *catalog.Service
	seen, n := map[*catalog.Service][]bool{}, 0
	var flags []bool // of last
	for _, text := range entries {
		p, err := policy.ParseActionPattern(text)
		s := r.Catalog.Service(p.Service)
		if err != nil || s == nil {
			continue
		}
		if s != last {
			if seen[s] == nil {
				seen[s] = make([]bool, len(s.Actions))
			}
			last, flags = s, seen[s]
		}
		prefix := p.Name.Prefix()
		from := sort.Search(len(s.Actions), func(i int) bool { return s.Actions[i].Lower >= prefix })
		for i := from; i < len(s.Actions) && strings.HasPrefix(s.Actions[i].Lower, prefix); i++ {
			if !flags[i] && p.Name.Match(s.Actions[i].Lower) {
				flags[i] = true
				n++
			}
		}
	}
	return n
}

func allUnusedText(e refine.Edit) string {
	if e.Reason.Matched == 1 {
		if p, err := policy.ParseActionPattern(e.Out[0]); err == nil {
			if _, exact := p.Name.Text(); exact {
				return "unused → removed"
			}
		}
		return "matches 1 action, which is unused → removed"
	}
	return fmt.Sprintf("matches %d actions, all of them unused → removed", e.Reason.Matched)
}

func noteName(k refine.NoteKind) string {
	switch k {
	case refine.UnknownService:
		return "unknownService"
	case refine.UnknownAction:
		return "unknownAction"
	case refine.UnusedUnknown:
		return "unusedUnknown"
	case refine.UnknownDropped:
		return "unknownDropped"
	case refine.OnlyDenyLeft:
		return "onlyDenyLeft"
	case refine.UnknownElement:
		return "unknownElement"
	case refine.UnusedNowhere:
		return "unusedNowhere"
	}
	panic(fmt.Sprintf("report: unhandled note %d", k))
}

// placedNotes is how many notes say where they are and what may be meant. A place is found
// by reading from the start, so doing it for each of very many would take very long.
const placedNotes = 200

// noteText says in a line what the reader should know; i is the note's index.
func (r Recommendation) noteText(i int) string {
	n := r.Result.Notes[i]
	text := Printable(n.Text)
	at, near := "", ""
	if i < placedNotes {
		at, near = r.notePlace(n), r.nearNote(n)
	}
	switch n.Kind {
	case refine.UnknownService:
		return fmt.Sprintf("%s%q: the catalog doesn't know the service; kept", at, text)
	case refine.UnknownAction:
		return fmt.Sprintf("%s%q: the catalog knows no action that it matches; kept", at, text)
	case refine.UnusedUnknown:
		return fmt.Sprintf("%s%q is reported as unused, and the catalog doesn't know it; nothing was removed for it%s", at, text, near)
	case refine.UnknownDropped:
		return fmt.Sprintf("%s%q also matched services and actions that the catalog doesn't know; they are no longer allowed", at, text)
	case refine.OnlyDenyLeft:
		return "no Allow statement is left; the policy stays for its Deny statements"
	case refine.UnknownElement:
		return fmt.Sprintf("%s: %q is no element of a policy and means nothing; kept as written", Printable(n.Pointer), text)
	case refine.UnusedNowhere:
		return fmt.Sprintf("%s%q is reported as unused, and neither the catalog nor the policy knows its service", at, text)
	}
	panic(fmt.Sprintf("report: unhandled note %d", n.Kind))
}

// notePlace is where a note's subject stands, with a colon, or nothing.
func (r Recommendation) notePlace(n refine.Note) string {
	where := ""
	switch {
	case n.Statement >= 0:
		where = r.Original.Where(r.Original.Statements[n.Statement].Action.Entries[n.Entry].Start)
	case n.Kind == refine.UnusedUnknown || n.Kind == refine.UnusedNowhere:
		where = r.Unused.Where(n.Pointer)
	}
	if where == "" {
		return ""
	}
	return where + ": "
}

func (r Recommendation) nearNote(n refine.Note) string {
	if n.Kind != refine.UnusedUnknown {
		return ""
	}
	return r.nearAction(n.Text)
}

// nearAction names the action that an unknown one may be meant for.
func (r Recommendation) nearAction(text string) string {
	a, err := policy.ParseAction(text)
	s := r.Catalog.Service(a.Service)
	if err != nil || s == nil {
		return ""
	}
	lower, written := make([]string, len(s.Actions)), map[string]string{}
	for i, known := range s.Actions {
		lower[i] = known.Lower
		written[known.Lower] = known.Name
	}
	near := nearest(a.Name, lower)
	if near == "" {
		return ""
	}
	return didYouMean(s.Prefix + ":" + written[near])
}

// statementName is how a statement is called in text: its place, and its Sid.
func statementName(doc *policy.Document, i int) string {
	name := fmt.Sprintf("Statement[%d]", i)
	if sid := doc.Statements[i].Sid; sid != "" {
		name += " " + Printable(sid)
	}
	return name
}

// catalogText says which catalog was used.
func catalogText(c *catalog.Catalog) string {
	return fmt.Sprintf("%s: %s, %s", dateOf(c.Date()), count(len(c.Services()), "service", "services"), count(c.Len(), "action", "actions"))
}

func dateOf(date string) string {
	if date == "" {
		return "undated"
	}
	return date
}
