package inventory

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// details reads a file of get-account-authorization-details, page by page and entity by
// entity, so that what is wrong with one stays with it.
func (p *parser) details(f File) error {
	r, err := open(f, "what this prints: "+detailsCommand)
	if err != nil {
		return err
	}
	pages := 0
	err = r.each(func() error { pages++; return p.page(r) })
	if err == nil && pages == 0 {
		return r.errorf(0, "no answer in it")
	}
	return err
}

// page reads one answer.
func (p *parser) page(r *reader) error {
	start := r.ahead()
	if kind := r.dec.PeekKind(); kind != '{' && kind != 0 {
		return r.errorf(start, "found %s", kindName(kind))
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	page := page{r: r}
	for r.dec.PeekKind() != '}' {
		if err := p.member(&page); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.syntax(err)
	}
	if !page.lists {
		return r.errorf(start, "%s", strangeAnswer(page.members))
	}
	p.lastPage = p.lastPage || !page.more
	return nil
}

// page is what is known of an answer while it is read.
type page struct {
	r       *reader
	lists   bool     // it has a list that only this command's answers have
	more    bool     // it says that another page follows
	members []string // the names of all its members
}

func (p *parser) member(page *page) error {
	token, err := page.r.dec.ReadToken()
	if err != nil {
		return page.r.syntax(err)
	}
	name := token.String()
	page.members = append(page.members, name)
	switch name {
	case "RoleDetailList":
		page.lists = true
		return p.list(page.r, name, p.role)
	case "UserDetailList":
		page.lists = true
		return p.list(page.r, name, p.user)
	case "GroupDetailList":
		page.lists = true
		return p.list(page.r, name, p.group)
	case "Policies":
		return p.list(page.r, name, p.managed)
	}
	value, err := page.r.next()
	if err != nil {
		return err
	}
	// The command line has NextToken where --max-items cut its own merging of pages.
	switch text := string(value.raw()); name {
	case "IsTruncated":
		page.more = page.more || text == "true"
	case "NextToken":
		page.more = page.more || text != "null" && text != `""`
	}
	return nil
}

// strangeAnswer says which command's answer it is that has these members.
func strangeAnswer(members []string) string {
	for _, known := range [...]struct{ member, command string }{
		{"Roles", "list-roles"}, {"Role", "get-role"}, {"RoleName", "list-roles"},
		{"Users", "list-users"}, {"User", "get-user"}, {"UserName", "list-users"},
		{"Groups", "list-groups"}, {"Policies", "list-policies"}, {"PolicyVersion", "get-policy-version"},
		{"AccessKeyMetadata", "list-access-keys"}, {"AccessKeyLastUsed", "get-access-key-last-used"},
		{"ServicesLastAccessed", "get-service-last-accessed-details"},
		{"Content", "get-credential-report"}, {"Statement", "a policy document"},
	} {
		if slices.Contains(members, known.member) {
			return fmt.Sprintf("no RoleDetailList, but %s: that is of %s", known.member, known.command)
		}
	}
	return "no RoleDetailList, UserDetailList or GroupDetailList"
}

// list reads the entities of one list. One that can't be read is left out.
func (p *parser) list(r *reader, name string, read func(place) error) error {
	if r.dec.PeekKind() == 'n' {
		return r.dec.SkipValue()
	}
	return r.array(func() error {
		value, err := r.next()
		if err != nil {
			return err
		}
		err = read(value)
		broken, ok := errors.AsType[*brokenEntity](err)
		if !ok {
			return err
		}
		p.leftOut = p.leftOut || name != "Policies"
		p.problem(Problem{
			File: r.name, Where: value.where(), Subject: subject(value),
			Text: fmt.Sprintf("an entry of %s is left out: %v", name, broken.err),
		})
		return nil
	})
}

// brokenEntity is an error that concerns one entity alone.
type brokenEntity struct{ err error }

func (b *brokenEntity) Error() string { return b.err.Error() }

// subject is the ARN of a value that couldn't be read, if it has one.
func subject(p place) string {
	var named struct{ Arn jsontext.Value }
	var arn string
	if json.Unmarshal(p.raw(), &named, jsontext.AllowDuplicateNames(true)) != nil || json.Unmarshal(named.Arn, &arn) != nil {
		return ""
	}
	return arn
}
