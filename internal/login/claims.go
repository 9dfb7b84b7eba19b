package login

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const emailClaim = "email"

// errNoRole says that the provider knows somebody, and no group of theirs has a role.
var errNoRole = errors.New("none of the groups has a role here")

// object is a JSON object whose members aren't read yet.
type object map[string]jsontext.Value

func objectOf(src jsontext.Value) (object, error) {
	var o object
	if err := json.Unmarshal(src, &o); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return o, nil
}

// checkParty refuses a token that is for several, unless it was made for us.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (p *provider) checkParty(claims jsontext.Value, audience []string) error {
	o, err := objectOf(claims)
	if err != nil {
		return err
	}
	party, ok := o.text("azp")
	if ok && party != p.ClientID || !ok && len(audience) > 1 {
		return errors.New("the ID token was made for another client: its azp differs")
	}
	return nil
}

// identity is who claims are about. errNoRole if they may nothing here.
func (o *OIDC) identity(claims jsontext.Value) (Identity, error) {
	members, err := objectOf(claims)
	if err != nil {
		return Identity{}, err
	}
	name, ok := members.text(o.UserClaim)
	if !ok || !presentable(name) {
		return Identity{}, fmt.Errorf("the ID token has no %s to call somebody by: set oidc.user_claim, or have the provider send it", o.UserClaim)
	}
	if o.UserClaim == emailClaim && members.unverified() {
		return Identity{}, errors.New("the provider hasn't verified the email address")
	}
	role, ok := o.role(members.groups(o.GroupsClaim))
	if !ok {
		return Identity{Name: name}, errNoRole
	}
	return Identity{name, role, ViaOIDC}, nil
}

// presentable says whether a name can stand in a line of the audit log, and be nobody else's.
func presentable(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && strings.TrimSpace(name) == name && !isReserved(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// role is the highest of some groups' roles; false if no group has one.
func (o *OIDC) role(groups []string) (Role, bool) {
	best := Role("")
	for _, g := range groups {
		if r := o.Roles[g]; rank(r) > rank(best) {
			best = r
		}
	}
	return best, best != ""
}

// text is a member that is a text.
func (o object) text(name string) (string, bool) {
	src, ok := o[name]
	if !ok {
		return "", false
	}
	var s string
	err := json.Unmarshal(src, &s)
	return s, err == nil
}

// unverified says whether the provider says so. One that says nothing is believed: those
// that own their users' addresses leave the claim out.
func (o object) unverified() bool {
	src, ok := o["email_verified"]
	if !ok {
		return false
	}
	text := strings.Trim(string(src), `"`) // some send a text
	return text != "true"
}

// groups are a claim's texts: a member of that name, or, by dots, of objects within.
func (o object) groups(path string) []string {
	if src, ok := o[path]; ok {
		return texts(src)
	}
	outer, inner, ok := strings.Cut(path, ".")
	if !ok {
		return nil
	}
	within, err := objectOf(o[outer])
	if err != nil {
		return nil
	}
	return within.groups(inner)
}

func texts(src jsontext.Value) []string {
	var many []string
	if json.Unmarshal(src, &many) == nil {
		return many
	}
	var one string
	if json.Unmarshal(src, &one) == nil {
		return []string{one}
	}
	return nil
}

// same compares secrets in a time that doesn't depend on where the difference is. Empty
// ones are never the same.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
