package web

import (
	"html/template"
	"strconv"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// findingRow is a finding as tables show it. It is made here, since a table has up to a
// thousand, and what a template calls for each cell takes it most of its time.
type findingRow struct {
	ID, Short, URL string
	Name, Kind     string
	Key            string // of an access key's: its ID, or which of two it is; ""
	Type, Account  string
	Unused         template.HTML
	Updated        template.HTML
	Status         template.HTML
	ArchivedBy     string
}

func (v *visit) findingRows(items []store.Item) []findingRow {
	out := make([]findingRow, len(items))
	for i := range items {
		f := &items[i]
		out[i] = findingRow{
			ID: f.ID, Short: f.ID[:min(8, len(f.ID))], URL: v.Finding(f.ID), Name: entityText(f.Resource), Kind: entityKind(f.Resource),
			Key: f.AccessKeyID, Type: typeText(f.Type), Account: f.Account, Unused: v.unusedTag(f), Updated: sinceTag(v.At(f.UpdatedAt)),
			Status: badge(f.Status), ArchivedBy: f.ArchivedBy,
		}
		if f.AccessKeyID == "" && f.KeySlot != 0 {
			out[i].Key = strconv.Itoa(f.KeySlot)
		}
	}
	return out
}

// unusedTag says what is unused, or since when.
func (v *visit) unusedTag(f *store.Item) template.HTML {
	switch {
	case f.Type == finding.UnusedPermission:
		out := ""
		if f.UnusedActions > 0 {
			out = counted(f.UnusedActions, "action", "actions")
		}
		if f.UnusedServices > 0 {
			if out != "" {
				out += ", "
			}
			out += counted(f.UnusedServices, "whole service", "whole services")
		}
		return template.HTML(out)
	case f.LastAccessed.IsZero():
		return "never used"
	default:
		return "last used " + sinceTag(v.At(f.LastAccessed))
	}
}
