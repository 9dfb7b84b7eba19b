package login

import (
	"context"
	"slices"

	"github.com/pare-iam/pare/internal/store"
)

// Role is what somebody may do. Each may what the ones before it may: viewer, reviewer,
// operator, admin.
type Role = store.UserRole

// Roles lists all roles, the least first.
func Roles() []Role { return []Role{store.Viewer, store.Reviewer, store.Operator, store.Admin} }

// rank is a role's place in Roles; -1 for one that isn't a role.
func rank(r Role) int { return slices.Index(Roles(), r) }

// Via is how somebody is known.
const (
	ViaLoopback = "loopback"
	ViaPassword = "password"
	ViaOIDC     = "oidc"
	ViaToken    = "token"
)

// Identity is who asks. The zero value is nobody, and may nothing.
type Identity struct {
	Name string // of the password file, the provider's claim, or the store
	Role Role
	Via  string // ViaLoopback, ViaPassword, ViaOIDC or ViaToken
}

// May says whether somebody has a role, or one above it.
func (id Identity) May(role Role) bool {
	return rank(role) >= 0 && rank(id.Role) >= rank(role)
}

type (
	identityKey struct{}
	loginKey    struct{}
)

// From is who asks; false if nobody is known.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// With is a context in which somebody asks.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// within is the Login whose middleware a request went through; nil if through none.
func within(ctx context.Context) *Login {
	l, _ := ctx.Value(loginKey{}).(*Login)
	return l
}
