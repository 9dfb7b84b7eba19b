package samplegen

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/policy"
)

const day = 24 * time.Hour

var (
	//go:embed account.json
	accountFile []byte
	//go:embed policies/*.json
	policyFiles embed.FS
)

// account is account.json: the handwritten part of a world.
type account struct {
	Root     *principal   `json:"root"`
	Roles    []*principal `json:"roles"`
	Users    []*principal `json:"users"`
	Groups   []*group     `json:"groups"`
	Policies []string     `json:"policies"`
}

// principal is a role, a user or the account's root, and its habits.
type principal struct {
	Name     string            `json:"name"`
	Path     string            `json:"path"`    // "" is "/"
	Trust    string            `json:"trust"`   // of a role: "ecs.amazonaws.com", "role:Name", "user:Name", "account:ID", "oidc", "saml"
	Session  string            `json:"session"` // the name of a role's sessions; "" is made up of Trust
	Hours    string            `json:"hours"`   // "office": on working days, from 8 to 18; "" is round the clock
	Created  int               `json:"created"` // days ago
	Tags     map[string]string `json:"tags"`
	Boundary string            `json:"boundary"` // a customer managed policy
	Inline   []string          `json:"inline"`   // file names of policies
	Attached []string          `json:"attached"` // file names; of AWS managed policies, "aws:Name"
	Groups   []string          `json:"groups"`
	Keys     []key             `json:"keys"` // two at most
	Password *password         `json:"password"`
	MFA      bool              `json:"mfa"`
	Vars     map[string]string `json:"vars"` // for the requests: "bucket", "table", …
	Uses     []string          `json:"uses"` // see parseHabits

	role   bool
	number int // among all principals of the world
	arn    string
	id     string // AROA…, AIDA…; the account's ID for root
	habits []*habit
}

type key struct {
	Created int  `json:"created"` // days ago
	Active  bool `json:"active"`
}

type password struct {
	Set int `json:"set"` // days ago
}

type group struct {
	Name     string   `json:"name"`
	Created  int      `json:"created"`
	Inline   []string `json:"inline"`
	Attached []string `json:"attached"`
}

func readAccount() account {
	var a account
	if err := json.Unmarshal(accountFile, &a, json.RejectUnknownMembers(true)); err != nil {
		panic("samplegen: account.json: " + err.Error())
	}
	return a
}

func (w *World) addSample() {
	a := readAccount()
	w.root = a.Root
	w.roles, w.users, w.groups, w.policies = a.Roles, a.Users, a.Groups, a.Policies
	files, err := policyFiles.ReadDir("policies")
	if err != nil {
		panic("samplegen: " + err.Error())
	}
	for _, f := range files {
		text, err := policyFiles.ReadFile("policies/" + f.Name())
		if err != nil {
			panic("samplegen: " + err.Error())
		}
		w.addPolicy(strings.TrimSuffix(f.Name(), ".json"), strings.TrimSuffix(string(text), "\n"))
	}
}

func (w *World) addPolicy(name, text string) {
	doc, err := policy.Parse(name, []byte(text))
	if err != nil {
		panic("samplegen: " + err.Error())
	}
	w.texts[name], w.docs[name] = text, doc
}

// settle gives everybody an ARN and an id, and reads the habits.
func (w *World) settle() {
	w.root.arn, w.root.id = "arn:aws:iam::"+w.options.AccountID+":root", w.options.AccountID
	for _, r := range w.roles {
		r.role = true
		r.arn = w.arn("role", r.path(), r.Name)
		r.id = "AROA" + w.code("role/"+r.Name, 17)
	}
	for _, u := range w.users {
		u.arn = w.arn("user", u.path(), u.Name)
		u.id = "AIDA" + w.code("user/"+u.Name, 17)
	}
	number := 0
	for i, p := range w.principals() {
		p.number = i
		for _, line := range p.Uses {
			p.habits = append(p.habits, w.parseHabits(p, line)...)
		}
		for _, h := range p.habits {
			h.number, h.owner = number, p
			number++
		}
	}
}

func (p *principal) path() string {
	if p.Path == "" {
		return "/"
	}
	return p.Path
}

func (w *World) arn(kind, path, name string) string {
	return "arn:aws:iam::" + w.options.AccountID + ":" + kind + path + name
}

// since is the moment so many days ago, at an hour that depends on the name.
func (w *World) since(daysAgo int, name string) time.Time {
	second := time.Duration(hash(w.options.Seed, name)%uint64(day/time.Second)) * time.Second
	return w.options.Now.Add(-time.Duration(daysAgo)*day + second - day)
}

// code is n characters of base 32 that depend on the name, as in AWS's ids.
func (w *World) code(name string, n int) string {
	var b []byte
	for i := 0; len(b) < n; i++ {
		for h := hash(w.options.Seed, name+strconv.Itoa(i)); h > 31 && len(b) < n; h >>= 5 {
			b = append(b, base32[h%32])
		}
	}
	return string(b)
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

func keyID(w *World, p *principal, slot int) string {
	return "AKIA" + w.code(fmt.Sprintf("key/%s/%d", p.Name, slot), 16)
}

// hash is FNV-1a of a name, begun with the seed, and mixed.
func hash(seed uint64, name string) uint64 {
	h := seed ^ 14695981039346656037
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}
