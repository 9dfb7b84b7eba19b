package report

import "fmt"

// DidYouMean asks whether the nearest of the known names is meant. It begins with a
// blank, and is empty if none is near.
func DidYouMean(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return didYouMean(near)
	}
	return ""
}

func didYouMean(name string) string { return fmt.Sprintf(" (did you mean %q?)", name) }

// nearest is the known name that takes the fewest edits, if that is at most one for every
// three letters; else "".
func nearest(name string, known []string) string {
	best, near := len(name)/3+1, ""
	for _, k := range known {
		if d := distance(name, k); d < best {
			best, near = d, k
		}
	}
	return near
}

// distance is how many letters must be put in, taken out or changed to make b of a
// (Levenshtein), in one row of the table.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
