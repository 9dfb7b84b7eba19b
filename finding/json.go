package finding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is a finding as get-finding-v2 answers it, and what only pare knows of it at the
// end. Times are written in UTC.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingV2.html
type object struct {
	ID           string    `json:"id"`
	Type         Type      `json:"findingType"`
	Status       Status    `json:"status"`
	Resource     string    `json:"resource"`
	ResourceType string    `json:"resourceType"`
	Account      string    `json:"resourceOwnerAccount"`
	AnalyzedAt   time.Time `json:"analyzedAt,omitzero"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	UpdatedAt    time.Time `json:"updatedAt,omitzero"`
	Details      []details `json:"findingDetails"`

	ResourceID string   `json:"resourceId,omitzero"`
	Change     Change   `json:"change,omitzero"`
	ArchivedBy string   `json:"archivedBy,omitzero"`
	Sources    []string `json:"sources,omitempty"`
}

// details is a union: one member is there.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_FindingDetails.html
type details struct {
	Role       *lastAccessed      `json:"unusedIamRoleDetails,omitzero"`
	Key        *keyDetails        `json:"unusedIamUserAccessKeyDetails,omitzero"`
	Password   *lastAccessed      `json:"unusedIamUserPasswordDetails,omitzero"`
	Permission *permissionDetails `json:"unusedPermissionDetails,omitzero"`
}

type lastAccessed struct {
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
}

type keyDetails struct {
	AccessKeyID  string    `json:"accessKeyId"`
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
	Slot         int       `json:"slot,omitzero"`
}

// permissionDetails is one service. No actions: the whole service.
type permissionDetails struct {
	Namespace    string     `json:"serviceNamespace"`
	Actions      actionList `json:"actions,omitempty"`
	LastAccessed time.Time  `json:"lastAccessed,omitzero"`
	Granted      int        `json:"granted,omitzero"`
	Kept         int        `json:"kept,omitzero"`
	Source       string     `json:"source,omitzero"`
}

// actionJSON names the action without its service, as AWS's announcement of
// recommendations does; with it is read too.
type actionJSON struct {
	Action       string    `json:"action"`
	LastAccessed time.Time `json:"lastAccessed,omitzero"`
	Source       string    `json:"source,omitzero"`
}

// actionList is never empty when read: absent it is the whole service, and an empty list
// must not be taken for that.
type actionList []actionJSON

func (l *actionList) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var all []actionJSON
	if err := json.UnmarshalDecode(dec, &all); err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New(`empty: list the unused actions, or leave "actions" out if the whole service is unused`)
	}
	*l = all
	return nil
}

// MarshalJSONTo writes the finding as get-finding-v2 answers it, with pare's own members
// at the end.
func (f Finding) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, object{
		ID: f.ID, Type: f.Type, Status: f.Status, Resource: f.Resource, ResourceType: f.ResourceType(), Account: f.Account,
		AnalyzedAt: f.AnalyzedAt.UTC(), CreatedAt: f.CreatedAt.UTC(), UpdatedAt: f.UpdatedAt.UTC(), Details: f.details(),
		ResourceID: f.ResourceID, Change: f.Change, ArchivedBy: f.ArchivedBy, Sources: f.Sources,
	})
}

func (f *Finding) details() []details {
	last := lastAccessed{f.LastAccessed.UTC()}
	switch f.Type {
	case UnusedIAMRole:
		return []details{{Role: &last}}
	case UnusedIAMUserAccessKey:
		return []details{{Key: &keyDetails{f.AccessKeyID, last.LastAccessed, f.KeySlot}}}
	case UnusedIAMUserPassword:
		return []details{{Password: &last}}
	case UnusedPermission:
		out := make([]details, len(f.Permissions))
		for i, p := range f.Permissions {
			out[i].Permission = p.details()
		}
		return out
	}
	return nil
}

func (p Permissions) details() *permissionDetails {
	out := &permissionDetails{
		Namespace: p.Namespace, LastAccessed: p.LastAccessed.UTC(), Granted: p.Granted, Kept: p.Kept, Source: p.Source,
	}
	for _, a := range p.Actions {
		name := strings.TrimPrefix(a.Name, p.Namespace+":")
		out.Actions = append(out.Actions, actionJSON{name, a.LastAccessed.UTC(), a.Source})
	}
	return out
}

// UnmarshalJSONFrom reads a finding of unused access, pare's or AWS's. The error says
// which member is wrong and what it should be.
func (f *Finding) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var o object
	if err := json.UnmarshalDecode(dec, &o); err != nil {
		return err
	}
	out := Finding{
		ID: o.ID, Type: o.Type, Status: o.Status, Change: o.Change, Resource: o.Resource, ResourceID: o.ResourceID, Account: o.Account,
		AnalyzedAt: o.AnalyzedAt.UTC(), CreatedAt: o.CreatedAt.UTC(), UpdatedAt: o.UpdatedAt.UTC(),
		ArchivedBy: o.ArchivedBy, Sources: o.Sources,
	}
	if err := errors.Join(out.check(o), out.fill(o.Details)); err != nil {
		return fmt.Errorf("finding %q: %w", o.ID, err)
	}
	*f = out
	return nil
}

// check looks at the members that have a closed set of values, or must be there.
func (f *Finding) check(o object) error {
	switch {
	case f.ID == "":
		return errors.New("no id")
	case !slices.Contains(types[:], f.Type):
		return fmt.Errorf("findingType %q: want one of %s", f.Type, list(types[:]))
	case !slices.Contains(statuses[:], f.Status):
		return fmt.Errorf("status %q: want one of %s", f.Status, list(statuses[:]))
	case f.Change != "" && !slices.Contains(changes[:], f.Change):
		return fmt.Errorf("change %q: want one of %s", f.Change, list(changes[:]))
	case f.Resource == "":
		return errors.New("no resource: want the ARN of a role or user")
	case o.ResourceType != f.ResourceType():
		return fmt.Errorf("resourceType %q: want %q, which %q is", o.ResourceType, f.ResourceType(), f.Resource)
	}
	return nil
}

// fill takes the details over. Only UnusedPermission may have any number of them: none
// is what list-findings-v2 shows.
func (f *Finding) fill(all []details) error {
	if len(all) > 1 && f.Type != UnusedPermission {
		return fmt.Errorf("findingDetails: %d entries: want one in a finding of type %s", len(all), f.Type)
	}
	for i, d := range all {
		if d.count() != 1 || !d.fits(f.Type) {
			return fmt.Errorf("findingDetails[%d]: want one member, that of %s", i, f.Type)
		}
		switch {
		case d.Role != nil:
			f.LastAccessed = d.Role.LastAccessed.UTC()
		case d.Password != nil:
			f.LastAccessed = d.Password.LastAccessed.UTC()
		case d.Key != nil:
			f.AccessKeyID, f.KeySlot, f.LastAccessed = d.Key.AccessKeyID, d.Key.Slot, d.Key.LastAccessed.UTC()
		case d.Permission != nil:
			if d.Permission.Namespace == "" {
				return fmt.Errorf("findingDetails[%d]: no serviceNamespace", i)
			}
			f.Permissions = append(f.Permissions, d.Permission.permissions())
		}
	}
	return nil
}

func (d details) count() int {
	n := 0
	for _, there := range [...]bool{d.Role != nil, d.Key != nil, d.Password != nil, d.Permission != nil} {
		if there {
			n++
		}
	}
	return n
}

func (d details) fits(t Type) bool {
	switch t {
	case UnusedIAMRole:
		return d.Role != nil
	case UnusedIAMUserAccessKey:
		return d.Key != nil
	case UnusedIAMUserPassword:
		return d.Password != nil
	case UnusedPermission:
		return d.Permission != nil
	}
	return false
}

func (p *permissionDetails) permissions() Permissions {
	out := Permissions{
		Namespace: p.Namespace, LastAccessed: p.LastAccessed.UTC(), Granted: p.Granted, Kept: p.Kept, Source: p.Source,
	}
	for _, a := range p.Actions {
		name := a.Action
		if !strings.Contains(name, ":") {
			name = p.Namespace + ":" + name
		}
		out.Actions = append(out.Actions, Action{name, a.LastAccessed.UTC(), a.Source})
	}
	return out
}

func list[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, v := range all {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}
