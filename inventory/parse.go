package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pare-iam/pare/policy"
)

// File is the content of one file. The name is for messages and isn't opened. The zero
// value is a file that isn't there; one with a name and without bytes is empty, which is
// an error.
type File struct {
	Name  string
	Bytes []byte
}

func (f File) there() bool { return f.Name != "" || f.Bytes != nil }

// Files are the answers that an account is read from.
type Files struct {
	// Details are answers of get-account-authorization-details: at least one file. A
	// file holds one answer, or pages of it one after another or in a JSON array.
	Details []File

	// Report is the credential report: the CSV, or get-credential-report's answer with
	// the CSV in base64. The zero value is none.
	Report File

	// Keys are answers of list-access-keys, and of get-access-key-last-used with an
	// AccessKeyId put in, one after another or in a JSON array.
	Keys []File
}

// The commands that make the files, for messages.
const (
	detailsCommand = "aws iam get-account-authorization-details --output json"
	reportCommand  = "aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d"
	listCommand    = "aws iam list-access-keys --user-name USER --output json"
	usedCommand    = `aws iam get-access-key-last-used --access-key-id ID --query "merge(@, {AccessKeyId: 'ID'})" --output json`
)

// Parse reads an account. The order of files, and of pages in a file, doesn't matter.
//
// The error is for a file that isn't what it should be (empty, broken off, of another
// command), for files of different accounts, and for two different descriptions of one
// entity: then there is no account. What couldn't be read of a single entity is a Problem,
// and left out or marked as not known; the rest goes on.
func Parse(files Files) (*Account, []Problem, error) {
	if len(files.Details) == 0 {
		return nil, nil, errors.New("no authorization details: want what this prints: " + detailsCommand)
	}
	p := &parser{
		documents: map[string]parsedText{},
		roles:     map[string]found[*Role]{},
		users:     map[string]found[*User]{},
		groups:    map[string]found[*Group]{},
		policies:  map[string]found[*ManagedPolicy]{},
		keys:      map[string]*keyFacts{},
		listed:    map[string]bool{},
	}
	for _, f := range files.Details {
		if err := p.details(f); err != nil {
			return nil, nil, err
		}
	}
	if !p.lastPage {
		p.problem(Problem{File: files.Details[0].Name, Text: "every page says that more follow: pages are missing, and what they describe is left out; run, without --max-items: " + detailsCommand})
	}
	if files.Report.there() {
		if err := p.report(files.Report); err != nil {
			return nil, nil, err
		}
	}
	for _, f := range files.Keys {
		if err := p.keyAnswers(f); err != nil {
			return nil, nil, err
		}
	}
	return p.link(files), p.problems, nil
}

// parser collects what the files say until all of them are read.
type parser struct {
	problems  []Problem
	documents map[string]parsedText // by the text

	partition, account string // of the first ARN; "" until there is one
	accountFrom        string // the file of that ARN
	lastPage           bool   // a page was read that no other follows
	leftOut            bool   // a role, user or group couldn't be read

	roles    map[string]found[*Role] // these four by ARN
	users    map[string]found[*User]
	groups   map[string]found[*Group]
	policies map[string]found[*ManagedPolicy]

	rows   map[string]reportRow // by the user's ARN; nil without a report
	keys   map[string]*keyFacts // by ID
	listed map[string]bool      // names of users whose keys are all in keys
}

// found is an entity with the place where it is described.
type found[T any] struct {
	entity T
	place  place
}

func (p *parser) problem(problem Problem) { p.problems = append(p.problems, problem) }

// own checks that an ARN is of the account that the others are of.
func (p *parser) own(file string, arn policy.ARN) error {
	switch {
	case p.account == "":
		p.partition, p.account, p.accountFrom = arn.Partition, arn.Account, file
	case p.account != arn.Account || p.partition != arn.Partition:
		return fmt.Errorf("%s: %s is of account %s (%s), but %s is of account %s (%s): want the files of one account in a folder",
			file, arn, arn.Account, arn.Partition, p.accountFrom, p.account, p.partition)
	}
	return nil
}

// sorted lists entities by ARN.
func sorted[T any](byARN map[string]found[T]) []T {
	out := make([]T, 0, len(byARN))
	for _, arn := range slices.Sorted(maps.Keys(byARN)) {
		out = append(out, byARN[arn].entity)
	}
	return out
}

// byName indexes entities by what other answers know them by.
func byName[T any](entities []T, name func(T) string) map[string]T {
	out := make(map[string]T, len(entities))
	for _, e := range entities {
		out[name(e)] = e
	}
	return out
}

// some lists the first few names, and how many more there are.
func some(names []string) string {
	const few = 3
	slices.Sort(names)
	if more := len(names) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), more)
	}
	return strings.Join(names, ", ")
}

func compareKeys(a, b Key) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Slot, b.Slot))
}
