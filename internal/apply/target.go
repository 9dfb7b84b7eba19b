package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Target is something in IAM that an action changes.
//
//sumtype:decl
type Target interface {
	target()
	String() string
}

// The targets.
type (
	// Policy is a customer managed policy: whether it is there, and its default version.
	Policy struct{ ARN, Name, Path string }

	// Attachment is a managed policy's being attached to an entity.
	Attachment struct {
		Of     Entity
		Policy string // ARN
	}

	// Inline is an entity's inline policy of a name.
	Inline struct {
		Of   Entity
		Name string
	}

	// RoleTag is the tag of a role with a key.
	RoleTag struct{ Role, Key string }

	// AccessKey is a user's access key with its status.
	AccessKey struct{ User, ID string }

	// Password is a user's login profile.
	Password struct{ User string }

	// ProfileRole is a role's being in an instance profile.
	ProfileRole struct{ Profile, Role string }

	// Role is a role itself, without its policies.
	Role struct{ Name string }
)

// EntityKind is what policies can be attached to.
type EntityKind string

// The kinds of entities.
const (
	RoleEntity  EntityKind = "role"
	UserEntity  EntityKind = "user"
	GroupEntity EntityKind = "group"
)

// Entity is a role, user or group. It is comparable.
type Entity struct {
	Kind EntityKind
	Name string
}

func (e Entity) String() string { return string(e.Kind) + " " + e.Name }

func (Policy) target()      {}
func (Attachment) target()  {}
func (Inline) target()      {}
func (RoleTag) target()     {}
func (AccessKey) target()   {}
func (Password) target()    {}
func (ProfileRole) target() {}
func (Role) target()        {}

func (t Policy) String() string      { return "policy " + t.Name }
func (t Attachment) String() string  { return "policy " + lastName(t.Policy) + " on " + t.Of.String() }
func (t Inline) String() string      { return "inline policy " + t.Name + " of " + t.Of.String() }
func (t RoleTag) String() string     { return "tag " + t.Key + " of role " + t.Role }
func (t AccessKey) String() string   { return "access key " + t.ID + " of user " + t.User }
func (t Password) String() string    { return "password of user " + t.User }
func (t ProfileRole) String() string { return "role " + t.Role + " in instance profile " + t.Profile }
func (t Role) String() string        { return "role " + t.Name }

func lastName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// entityOf is whose target it is; a policy belongs to nobody.
func entityOf(t Target) (Entity, bool) {
	switch t := t.(type) {
	case Policy:
		return Entity{}, false
	case Attachment:
		return t.Of, true
	case Inline:
		return t.Of, true
	case RoleTag:
		return Entity{RoleEntity, t.Role}, true
	case AccessKey:
		return Entity{UserEntity, t.User}, true
	case Password:
		return Entity{UserEntity, t.User}, true
	case ProfileRole:
		return Entity{RoleEntity, t.Role}, true
	case Role:
		return Entity{RoleEntity, t.Name}, true
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

// policyOf is the ARN of the managed policy, or the name of the inline one, that a target
// is about; "" when it is about none.
func policyOf(t Target) string {
	switch t := t.(type) {
	case Policy:
		return t.ARN
	case Attachment:
		return t.Policy
	case Inline:
		return t.Name
	case RoleTag, AccessKey, Password, ProfileRole, Role:
		return ""
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

// wireTarget is a target in JSON: its kind, and of the rest what the kind has.
type wireTarget struct {
	Kind    string `json:"kind"`
	Role    string `json:"role,omitempty"`
	User    string `json:"user,omitempty"`
	Group   string `json:"group,omitempty"`
	Policy  string `json:"policy,omitempty"` // ARN of a managed policy
	Name    string `json:"name,omitempty"`   // of a policy
	Path    string `json:"path,omitempty"`   // of a managed policy
	Tag     string `json:"tag,omitempty"`    // its key
	Key     string `json:"accessKey,omitempty"`
	Profile string `json:"instanceProfile,omitempty"`
}

const wantKinds = "policy, attachment, inline, roleTag, accessKey, password, instanceProfile or role"

func toWire(t Target) wireTarget {
	switch t := t.(type) {
	case Policy:
		return wireTarget{Kind: "policy", Policy: t.ARN, Name: t.Name, Path: t.Path}
	case Attachment:
		return t.Of.in(wireTarget{Kind: "attachment", Policy: t.Policy})
	case Inline:
		return t.Of.in(wireTarget{Kind: "inline", Name: t.Name})
	case RoleTag:
		return wireTarget{Kind: "roleTag", Role: t.Role, Tag: t.Key}
	case AccessKey:
		return wireTarget{Kind: "accessKey", User: t.User, Key: t.ID}
	case Password:
		return wireTarget{Kind: "password", User: t.User}
	case ProfileRole:
		return wireTarget{Kind: "instanceProfile", Role: t.Role, Profile: t.Profile}
	case Role:
		return wireTarget{Kind: "role", Role: t.Name}
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

func (e Entity) in(w wireTarget) wireTarget {
	switch e.Kind {
	case RoleEntity:
		w.Role = e.Name
	case UserEntity:
		w.User = e.Name
	case GroupEntity:
		w.Group = e.Name
	}
	return w
}

// entity is the one that a target in JSON names.
func (w wireTarget) entity() (Entity, error) {
	var found []Entity
	for _, e := range []Entity{{RoleEntity, w.Role}, {UserEntity, w.User}, {GroupEntity, w.Group}} {
		if e.Name != "" {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return Entity{}, fmt.Errorf("target %q names %d entities: want one of role, user, group", w.Kind, len(found))
	}
	return found[0], nil
}

// read is the target that w says.
func (w wireTarget) read() (Target, error) {
	need := func(t Target, parts ...string) (Target, error) {
		if slices.Contains(parts, "") {
			return nil, fmt.Errorf("target %q lacks a part: it has %+v", w.Kind, w)
		}
		return t, nil
	}
	switch w.Kind {
	case "policy":
		return need(Policy{w.Policy, w.Name, cmp.Or(w.Path, "/")}, w.Policy, w.Name)
	case "attachment", "inline":
		e, err := w.entity()
		if err != nil {
			return nil, err
		}
		if w.Kind == "inline" {
			return need(Inline{e, w.Name}, w.Name)
		}
		return need(Attachment{e, w.Policy}, w.Policy)
	case "roleTag":
		return need(RoleTag{w.Role, w.Tag}, w.Role, w.Tag)
	case "accessKey":
		return need(AccessKey{w.User, w.Key}, w.User, w.Key)
	case "password":
		return need(Password{w.User}, w.User)
	case "instanceProfile":
		return need(ProfileRole{w.Profile, w.Role}, w.Profile, w.Role)
	case "role":
		return need(Role{w.Role}, w.Role)
	}
	return nil, fmt.Errorf("target %q: want %s", w.Kind, wantKinds)
}
