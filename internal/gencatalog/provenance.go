package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pare-iam/pare/catalog"
)

// provenance says what a snapshot was made of.
type provenance struct {
	Date      string      `json:"date"`      // names are known up to it
	FactsDate string      `json:"factsDate"` // of tracking and operations
	Snapshot  file        `json:"snapshot"`
	Counts    counts      `json:"counts"`
	Merge     mergeCounts `json:"merge"`
	Warnings  []string    `json:"warnings"`
	Sources   []source    `json:"sources"`
}

type file struct {
	Name   string `json:"name,omitempty"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

type source struct {
	Title   string `json:"title"`
	Version string `json:"version,omitempty"`
	Date    string `json:"date"`
	URL     string `json:"url"`
	License string `json:"license"`
	Gives   string `json:"gives"`
	File    file   `json:"file"`
	Actions int    `json:"actions"`
}

type counts struct {
	Services         int `json:"services"`
	Actions          int `json:"actions"`
	Operations       int `json:"operations"`
	ResourceTypes    int `json:"resourceTypes"`
	LastAccessed     int `json:"lastAccessed"`     // actions that IAM last accessed tracks
	PolicyGeneration int `json:"policyGeneration"` // actions that policy generation sees
}

func count(c *catalog.Catalog) counts {
	n := counts{Services: len(c.Services()), Actions: c.Len()}
	for _, s := range c.Services() {
		n.Operations += len(s.Details().Operations)
		n.ResourceTypes += len(s.Details().Resources)
		for _, a := range s.Actions {
			if a.Tracked.Has(catalog.LastAccessed) {
				n.LastAccessed++
			}
			if a.Tracked.Has(catalog.PolicyGeneration) {
				n.PolicyGeneration++
			}
		}
	}
	return n
}

func sources(reference string, base *catalog.Catalog, newer string, added iamData) ([]source, error) {
	baseFile, baseErr := describe(reference)
	newerFile, newerErr := describe(newer)
	return []source{{
		Title:   "AWS Service Reference",
		Date:    base.Date(),
		URL:     "https://servicereference.us-east-1.amazonaws.com/",
		License: "data published by AWS; the mirror that the archive was taken from is under the MIT licence",
		Gives:   "names, levels, resource types, condition keys, tracked flags, operations; kept wherever both sources know something",
		File:    baseFile,
		Actions: base.Len(),
	}, {
		Title:   added.name,
		Version: added.version,
		Date:    added.facts.Date,
		URL:     added.url,
		License: added.license,
		Gives:   "newer names with their levels, resource types and condition keys; no tracked flags, no operations",
		File:    newerFile,
		Actions: total(added.facts),
	}}, errors.Join(baseErr, newerErr)
}

func total(facts catalog.Facts) int {
	n := 0
	for _, s := range facts.Services {
		n += len(s.Actions)
	}
	return n
}

// describe returns the size and digest of a file; of a folder, its name alone.
func describe(name string) (file, error) {
	out := file{Name: filepath.Base(name)}
	info, err := os.Stat(name)
	if err != nil || info.IsDir() {
		return out, err
	}
	opened, err := os.Open(name)
	if err != nil {
		return out, err
	}
	digest := sha256.New()
	n, err := io.Copy(digest, opened)
	out.Bytes, out.SHA256 = int(n), fmt.Sprintf("%x", digest.Sum(nil))
	return out, errors.Join(err, opened.Close())
}
