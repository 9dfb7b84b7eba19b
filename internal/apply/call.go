package apply

import "fmt"

// Call is one call that writes. Which of its parts an operation takes is AWS's to say.
type Call struct {
	Op       Op        `json:"op"`
	Entity   Entity    `json:"entity,omitzero"`
	Policy   string    `json:"policy,omitempty"` // ARN
	Name     string    `json:"name,omitempty"`   // of a policy, a role, an instance profile; key of a tag
	Path     string    `json:"path,omitempty"`
	Version  string    `json:"version,omitempty"`
	Default  bool      `json:"default,omitzero"` // of CreateVersion: make it the default
	Key      string    `json:"accessKey,omitempty"`
	Text     string    `json:"text,omitempty"` // a key's status, a tag's value
	Document string    `json:"document,omitempty"`
	Role     *RoleText `json:"role,omitempty"`
}

// Op is what a call does, whatever kind of entity it does it to.
type Op string

// The operations.
const (
	OpCreatePolicy  Op = "createPolicy"
	OpDeletePolicy  Op = "deletePolicy"
	OpCreateVersion Op = "createPolicyVersion"
	OpSetDefault    Op = "setDefaultPolicyVersion"
	OpDeleteVersion Op = "deletePolicyVersion"
	OpAttach        Op = "attachPolicy"
	OpDetach        Op = "detachPolicy"
	OpPutInline     Op = "putPolicy"
	OpDeleteInline  Op = "deleteInlinePolicy"
	OpTag           Op = "tagRole"
	OpUntag         Op = "untagRole"
	OpSetKey        Op = "updateAccessKey"
	OpDeleteKey     Op = "deleteAccessKey"
	OpDeleteLogin   Op = "deleteLoginProfile"
	OpAddToProfile  Op = "addRoleToInstanceProfile"
	OpRemoveProfile Op = "removeRoleFromInstanceProfile"
	OpCreateRole    Op = "createRole"
	OpDeleteRole    Op = "deleteRole"
)

// call is the one that brings a target from one value to another. ok is false if there is
// none: what it would take can't be had.
func call(t Target, to Value) (c Call, ok bool) {
	switch t := t.(type) {
	case Policy:
		panic("apply: a policy takes several calls")
	case Attachment:
		return Call{Op: pick(to.There, OpAttach, OpDetach), Entity: t.Of, Policy: t.Policy}, true
	case Inline:
		return Call{Op: pick(to.There, OpPutInline, OpDeleteInline), Entity: t.Of, Name: t.Name, Document: to.Document}, true
	case RoleTag:
		return Call{Op: pick(to.There, OpTag, OpUntag), Entity: Entity{RoleEntity, t.Role}, Name: t.Key, Text: to.Text}, true
	case AccessKey:
		return Call{Op: pick(to.There, OpSetKey, OpDeleteKey), Entity: Entity{UserEntity, t.User}, Key: t.ID, Text: to.Text}, true
	case Password:
		return Call{Op: OpDeleteLogin, Entity: Entity{UserEntity, t.User}}, !to.There
	case ProfileRole:
		return Call{Op: pick(to.There, OpAddToProfile, OpRemoveProfile), Entity: Entity{RoleEntity, t.Role}, Name: t.Profile}, true
	case Role:
		c := Call{Op: OpDeleteRole, Entity: Entity{RoleEntity, t.Name}}
		if to.There {
			c.Op, c.Document, c.Role = OpCreateRole, to.Document, to.Role
		}
		return c, !to.There || to.Role != nil
	}
	panic(fmt.Sprintf("apply: unhandled %T", t))
}

func pick(there bool, make, unmake Op) Op {
	if there {
		return make
	}
	return unmake
}

// gives says whether a call may give access.
func (c Call) gives() bool {
	return c.Op == OpAttach || c.Op == OpPutInline || c.Op == OpCreatePolicy || c.Op == OpCreateVersion || c.Op == OpSetDefault
}

// takes says whether a call takes a policy from an entity.
func (c Call) takes() bool { return c.Op == OpDetach || c.Op == OpDeleteInline }

// Operation is AWS's name of the call: AttachRolePolicy.
func (c Call) Operation() string {
	kind := map[EntityKind]string{RoleEntity: "Role", UserEntity: "User", GroupEntity: "Group"}[c.Entity.Kind]
	switch c.Op {
	case OpAttach:
		return "Attach" + kind + "Policy"
	case OpDetach:
		return "Detach" + kind + "Policy"
	case OpPutInline:
		return "Put" + kind + "Policy"
	case OpDeleteInline:
		return "Delete" + kind + "Policy"
	case OpCreatePolicy, OpDeletePolicy, OpCreateVersion, OpSetDefault, OpDeleteVersion, OpTag, OpUntag, OpSetKey,
		OpDeleteKey, OpDeleteLogin, OpAddToProfile, OpRemoveProfile, OpCreateRole, OpDeleteRole:
		return string(c.Op[0]-'a'+'A') + string(c.Op[1:])
	}
	panic(fmt.Sprintf("apply: unhandled operation %q", c.Op))
}
