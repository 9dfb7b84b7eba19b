package ingest

import (
	"path/filepath"
	"strings"
)

// Paths are the files of a listing, copies joined by " = ".
func (l *Listing) Paths() []string {
	var out []string
	for _, j := range l.jobs {
		var copies []string
		for i := j.from; i < j.to; i++ {
			copies = append(copies, filepath.ToSlash(l.files[i].path()))
		}
		out = append(out, strings.Join(copies, " = "))
	}
	return out
}

// Unreadable are the folders and links that couldn't be looked into.
func (l *Listing) Unreadable() []string {
	var out []string
	l.Problems(func(path string, err error) { out = append(out, path+": "+err.Error()) })
	return out
}
