package usage

import "fmt"

// The texts here are identifiers: they are stored and compared, and don't change.
// Sentences for readers are made elsewhere.

// String is "unknown", "not-used" or "in-use".
func (s State) String() string { return name(int(s), "State", "unknown", "not-used", "in-use") }

// String is the identifier of a source, such as "cloudtrail"; "none" is no source.
func (k Kind) String() string {
	return name(int(k), "Kind", "none", "iam-last-accessed-services", "iam-last-accessed-actions", "cloudtrail", "access-analyzer")
}

// String is the identifier of a reason, such as "tracked-late".
func (y Why) String() string {
	return name(int(y), "Why",
		"not-listed", "not-tracked", "tracked-late", "ends-early", "gap", "data-events", "not-recorded",
		"shorter-window", "contradicted", "seen", "seen-before", "never-seen")
}

func name(i int, kind string, names ...string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}
