package web

import (
	"fmt"

	"github.com/pare-iam/pare/internal/store"
)

// The settings' lists as files. They stand together on pages, and so have addresses of their
// own. No secret is in them: the store keeps hashes of tokens and passwords, and gives out
// neither them nor the secrets of keys.

func settingsListRoutes() []route {
	return []route{
		{"GET /settings/analyzers", store.Admin, "", (*visit).analyzerList},
		{"GET /settings/users", store.Admin, "", (*visit).userList},
		{"GET /settings/user/tokens", store.Admin, "", (*visit).tokenList},
		{"GET /settings/user/keys", store.Admin, "", (*visit).keyList},
	}
}

var analyzerColumns = []column[store.Analyzer]{
	{"arn", func(a store.Analyzer) token { return text(a.ARN) }},
	{"name", func(a store.Analyzer) token { return text(a.Name) }},
	{"type", func(a store.Analyzer) token { return text(a.Type) }},
	{"status", func(a store.Analyzer) token { return text(a.Status) }},
	{"unusedAccessAge", func(a store.Analyzer) token { return whole(a.UnusedAge) }},
	{"everySeconds", func(a store.Analyzer) token { return whole(int64(a.Every.Seconds())) }},
	{"excludedAccounts", func(a store.Analyzer) token { n, _ := excluded(a.Exclusions); return whole(n) }},
	{"excludedTags", func(a store.Analyzer) token { _, n := excluded(a.Exclusions); return whole(n) }},
	{"managedBy", func(a store.Analyzer) token { return text(a.LinkedService) }},
	{"createdAt", func(a store.Analyzer) token { return stamp(a.CreatedAt) }},
	{"lastRunAt", func(a store.Analyzer) token { return stamp(a.LastRunAt) }},
}

var userColumns = []column[store.Person]{
	{"name", func(p store.Person) token { return text(p.Name) }},
	{"role", func(p store.Person) token { return text(p.Role) }},
	{"createdAt", func(p store.Person) token { return stamp(p.CreatedAt) }},
}

var tokenColumns = []column[store.APIToken]{
	{"id", func(t store.APIToken) token { return text(t.ID) }},
	{"user", func(t store.APIToken) token { return text(t.User) }},
	{"label", func(t store.APIToken) token { return text(t.Label) }},
	{"createdAt", func(t store.APIToken) token { return stamp(t.CreatedAt) }},
	{"expiresAt", func(t store.APIToken) token { return stamp(t.ExpiresAt) }},
}

var keyColumns = []column[store.AccessKey]{
	{"id", func(k store.AccessKey) token { return text(k.ID) }},
	{"user", func(k store.AccessKey) token { return text(k.User) }},
	{"createdAt", func(k store.AccessKey) token { return stamp(k.CreatedAt) }},
}

func (v *visit) analyzerList() (answer, error) {
	return exported(v, sheet[store.Analyzer]{"analyzers", analyzerColumns, analyzerTold, func(at store.Page) (store.Part[store.Analyzer], error) {
		return v.site.Store.Analyzers(v.Context(), "", at)
	}})
}

func (v *visit) userList() (answer, error) {
	return exported(v, sheet[store.Person]{"users", userColumns, userTold, func(at store.Page) (store.Part[store.Person], error) {
		return v.site.Store.Users(v.Context(), at)
	}})
}

func (v *visit) tokenList() (answer, error) {
	who, err := v.site.Store.User(v.Context(), v.query("name"))
	if err != nil {
		return nil, err
	}
	return exported(v, sheet[store.APIToken]{"tokens", tokenColumns, tokenTold, func(at store.Page) (store.Part[store.APIToken], error) {
		return v.site.Store.Tokens(v.Context(), who.Name, at)
	}})
}

func (v *visit) keyList() (answer, error) {
	who, err := v.site.Store.User(v.Context(), v.query("name"))
	if err != nil {
		return nil, err
	}
	return exported(v, sheet[store.AccessKey]{"keys", keyColumns, keyTold, func(at store.Page) (store.Part[store.AccessKey], error) {
		return v.site.Store.Keys(v.Context(), who.Name, at)
	}})
}

var analyzerTold = told[store.Analyzer]{
	"Analyzer", "An analyzer: what is looked at, and after how long it counts as unused.",
	"A change of an analyzer has its accounts looked at anew.",
	func(a store.Analyzer) result {
		return result{
			what: "resource", name: a.ARN, key: []string{a.ARN},
			text: sentences(fmt.Sprintf("The analyzer %s is %s. What wasn't used for %s is unused", a.Name, a.Status, counted(a.UnusedAge, "day", "days")), a.StatusReason),
		}
	},
}

var userTold = told[store.Person]{
	"User", "Somebody who may use the server, and as what.",
	"A viewer sees, a reviewer archives, an operator has work done, an admin sets up.",
	func(p store.Person) result {
		return result{what: "user", name: p.Name, key: []string{p.Name}, text: sentences(fmt.Sprintf("The user %s has the role %s", p.Name, p.Role))}
	},
}

var tokenTold = told[store.APIToken]{
	"Token", "A token of the API, and whose it is.",
	"Who has it is its user. Its text isn't kept.",
	func(t store.APIToken) result {
		life := "It is good for ever"
		if !t.ExpiresAt.IsZero() {
			life = "It is good until " + t.ExpiresAt.UTC().Format("2006-01-02")
		}
		return result{
			what: "token", name: t.ID, key: []string{t.ID},
			text: sentences(fmt.Sprintf("The token %s of %s is for %s", t.ID, t.User, t.Label), life),
		}
	},
}

var keyTold = told[store.AccessKey]{
	"AccessKey", "An access key for AWS's clients, and whose it is.",
	"Who signs with it is its user. A user's page revokes it.",
	func(k store.AccessKey) result {
		return result{
			what: "key", name: k.ID, key: []string{k.ID},
			text: sentences(fmt.Sprintf("The access key %s is of %s, since %s", k.ID, k.User, k.CreatedAt.UTC().Format("2006-01-02"))),
		}
	},
}
