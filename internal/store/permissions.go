package store

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/finding"
)

// storedService is a finding.Permissions as the database has it. There are millions, so
// the names are short; they mustn't change.
type storedService struct {
	Namespace    string         `json:"n"`
	LastAccessed int64          `json:"l,omitzero"` // microseconds since 1970
	Granted      int            `json:"g,omitzero"`
	Kept         int            `json:"k,omitzero"`
	Source       string         `json:"s,omitzero"`
	Actions      []storedAction `json:"a,omitempty"`
}

type storedAction struct {
	Name         string `json:"n"`
	LastAccessed int64  `json:"l,omitzero"`
	Source       string `json:"s,omitzero"`
}

func encodePermissions(all []finding.Permissions) (string, error) {
	out := make([]storedService, len(all))
	for i, p := range all {
		out[i] = storedService{Namespace: p.Namespace, LastAccessed: micros(p.LastAccessed), Granted: p.Granted, Kept: p.Kept, Source: p.Source}
		for _, a := range p.Actions {
			out[i].Actions = append(out[i].Actions, storedAction{a.Name, micros(a.LastAccessed), a.Source})
		}
	}
	return encode(out)
}

// decodePermissions reads what encodePermissions made; none is nil.
func decodePermissions(body string) ([]finding.Permissions, error) {
	var in []storedService
	if err := decode(body, &in); err != nil || len(in) == 0 {
		return nil, err
	}
	out := make([]finding.Permissions, len(in))
	for i, p := range in {
		out[i] = finding.Permissions{Namespace: p.Namespace, LastAccessed: fromMicros(p.LastAccessed), Granted: p.Granted, Kept: p.Kept, Source: p.Source}
		for _, a := range p.Actions {
			out[i].Actions = append(out[i].Actions, finding.Action{Name: a.Name, LastAccessed: fromMicros(a.LastAccessed), Source: a.Source})
		}
	}
	return out, nil
}

// namespaces are the services of a text that encodePermissions made, each once, sorted.
func namespaces(body string) ([]string, error) {
	var in []storedService
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, p := range in {
		names[p.Namespace] = true
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// unusedHash tells whether the same services and actions are unused.
func unusedHash(all []finding.Permissions) string {
	var names []string
	for _, p := range all {
		if len(p.Actions) == 0 {
			names = append(names, p.Namespace)
		}
		for _, a := range p.Actions {
			names = append(names, a.Name)
		}
	}
	return digest(strings.Join(names, "\x00"))
}

// countUnused counts what is unused: whole services, and actions of others.
func countUnused(all []finding.Permissions) (services, actions int) {
	for _, p := range all {
		if len(p.Actions) == 0 {
			services++
		}
		actions += len(p.Actions)
	}
	return services, actions
}

// kept is a time as it comes back from the database.
func kept(t time.Time) time.Time { return fromMicros(micros(t)) }
