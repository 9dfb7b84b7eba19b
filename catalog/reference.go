package catalog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// referenceFile is one file of the AWS Service Reference, format v1; unknown fields are
// ignored and missing arrays are empty.
type referenceFile struct {
	Name          string
	Version       string
	Actions       []referenceAction
	ConditionKeys []ConditionKey
	Operations    []referenceOperation
	Resources     []ResourceType
}

type referenceAction struct {
	Name                string
	ActionConditionKeys []string
	Annotations         struct {
		Properties *referenceProperties // nil when the file doesn't say
	}
	Resources   []ActionResource
	SupportedBy struct {
		PolicyGeneration bool `json:"IAM Access Analyzer Policy Generation"`
		LastAccessed     bool `json:"IAM Action Last Accessed"`
	}
}

type referenceProperties struct{ IsList, IsPermissionManagement, IsTaggingOnly, IsWrite bool }

type referenceOperation struct {
	Name              string
	AuthorizedActions []struct {
		Name, Service string
		Context       struct {
			PassedTo []string `json:"iam:PassedToService"`
		}
	}
}

// File is a file of a folder or an archive.
type File struct {
	Path  string // slash-separated
	Bytes []byte
}

// ReadService reads one file of the AWS Service Reference, such as s3.json or
// v1/s3/s3.json; the name in it must be the file's. Formats v1.x are read, unknown
// fields ignored, missing arrays empty; another major version is an error.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html
func ReadService(name string, src []byte) (ServiceFacts, error) {
	src = blankMark(src)
	var file referenceFile
	if err := json.Unmarshal(src, &file); err != nil {
		return ServiceFacts{}, locate(name, src, err)
	}
	if err := file.check(name); err != nil {
		return ServiceFacts{}, err
	}
	out := ServiceFacts{Prefix: file.Name, Resources: file.Resources, Conditions: file.ConditionKeys}
	for _, a := range file.Actions {
		out.Actions = append(out.Actions, a.facts())
	}
	for _, o := range file.Operations {
		out.Operations = append(out.Operations, o.operation())
	}
	return out, nil
}

var versionOne = regexp.MustCompile(`^v?1(\.\d+)*$`)

func (f *referenceFile) check(name string) error {
	switch want := strings.TrimSuffix(path.Base(name), ".json"); {
	case f.Name == "" && f.Version == "":
		return fmt.Errorf("%s: no Name and no Version: not an AWS Service Reference file; take it out of the folder", name)
	case !versionOne.MatchString(f.Version):
		return fmt.Errorf("%s: Version %q: this pare reads v1.x; update pare", name, f.Version)
	case f.Name != want:
		return fmt.Errorf("%s: Name %q: want %q as the file is named", name, f.Name, want)
	}
	return nil
}

func (a referenceAction) facts() ActionFacts {
	out := ActionFacts{Name: a.Name, Level: a.level()}
	out.Resources, out.ConditionKeys = a.Resources, a.ActionConditionKeys
	if a.SupportedBy.LastAccessed {
		out.Tracked |= LastAccessed
	}
	if a.SupportedBy.PolicyGeneration {
		out.Tracked |= PolicyGeneration
	}
	return out
}

func (a referenceAction) level() Level {
	switch p := a.Annotations.Properties; {
	case p == nil:
		return LevelUnknown
	case p.IsPermissionManagement:
		return LevelPermissions
	case p.IsTaggingOnly:
		return LevelTagging
	case p.IsWrite:
		return LevelWrite
	case p.IsList:
		return LevelList
	default:
		return LevelRead
	}
}

func (o referenceOperation) operation() Operation {
	out := Operation{Name: o.Name}
	for _, a := range o.AuthorizedActions {
		out.Authorized = append(out.Authorized, AuthorizedAction{Service: a.Service, Name: a.Name, PassedTo: a.Context.PassedTo})
	}
	return out
}

// ReadFS reads a folder of AWS Service Reference files, at any depth: a copy of the
// endpoint, or what an archive of one unpacks to. See [ReadFiles]. Where no name gives
// a date, the catalog's is the day of the newest file, if the file system knows it.
func ReadFS(name string, fsys fs.FS) (*Catalog, error) {
	var files []File
	var newest string
	err := fs.WalkDir(fsys, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(p) != ".json" {
			return err
		}
		src, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if at := info.ModTime(); !at.IsZero() {
			newest = max(newest, at.UTC().Format("2006-01-02"))
		}
		files = append(files, File{Path: p, Bytes: src})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, err := ReadFiles(name, files)
	if err != nil || c.date != "" || newest == "" {
		return c, err
	}
	return c.WithDate(newest)
}

// ReadFiles reads AWS Service Reference files, one a service. Files that aren't .json
// and the endpoint's mapping.json are passed over. If the index is among them, every
// service that it lists must be too. The date is the one that the name, or a folder in
// it, carries (aws-service-reference-20260213.tar.xz, 2026-02-13); else empty, for
// [Catalog.WithDate] to fill. All errors are reported.
func ReadFiles(name string, files []File) (*Catalog, error) {
	b := folder{name: name, paths: map[string]string{}}
	for _, file := range slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Path, b.Path) }) {
		b.add(file)
	}
	b.checkIndex()
	if len(b.services) == 0 && len(b.errs) == 0 {
		b.errs = append(b.errs, fmt.Errorf("%s: no AWS Service Reference files: want <service>.json, such as s3.json", name))
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	date := b.date()
	return Build(name, Facts{Date: date, FactsDate: date, Services: b.services})
}

// folder collects the files of one copy of the reference.
type folder struct {
	name     string
	paths    map[string]string // service → the file that gave it
	services []ServiceFacts
	index    []IndexEntry
	folders  []string
	errs     []error
}

func (f *folder) add(file File) {
	if path.Ext(file.Path) != ".json" || path.Base(file.Path) == "mapping.json" {
		return
	}
	full := f.name + "/" + file.Path
	if bytes.HasPrefix(bytes.TrimSpace(file.Bytes), []byte("[")) {
		entries, err := ReadIndex(full, file.Bytes)
		f.index, f.errs = append(f.index, entries...), appendError(f.errs, err)
		return
	}
	s, err := ReadService(full, file.Bytes)
	if err != nil {
		f.errs = append(f.errs, err)
		return
	}
	if other, twice := f.paths[s.Prefix]; twice {
		f.errs = append(f.errs, fmt.Errorf("%s: service %s is also in %s: want one file a service", full, s.Prefix, other))
		return
	}
	f.paths[s.Prefix] = full
	f.services = append(f.services, s)
	f.folders = append(f.folders, path.Dir(file.Path))
}

func (f *folder) checkIndex() {
	if len(f.errs) > 0 {
		return
	}
	var missing []string
	for _, entry := range f.index {
		if f.paths[entry.Service] == "" {
			missing = append(missing, entry.Service)
		}
	}
	if len(missing) > 0 {
		f.errs = append(f.errs, fmt.Errorf("%s: the index lists services without a file: %s; fetch them, or take the index away", f.name, strings.Join(missing, ", ")))
	}
}

var dateInName = regexp.MustCompile(`(?:^|\D)(20\d\d)-?([01]\d)-?([0-3]\d)(?:\D|$)`)

// date is the last date in the source's name, else the only one in its folders' names.
func (f *folder) date() string {
	if dates := datesIn(path.Base(strings.ReplaceAll(f.name, "\\", "/"))); len(dates) > 0 {
		return dates[len(dates)-1]
	}
	found := map[string]bool{}
	for _, dir := range f.folders {
		for _, date := range datesIn(dir) {
			found[date] = true
		}
	}
	if len(found) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(found))[0]
}

func datesIn(text string) []string {
	var out []string
	for _, match := range dateInName.FindAllStringSubmatch(text, -1) {
		if date := strings.Join(match[1:], "-"); checkDate(date) == nil {
			out = append(out, date)
		}
	}
	return out
}

// IndexEntry is a line of the index of the AWS Service Reference.
type IndexEntry struct {
	Service string `json:"service"` // "s3"
	URL     string `json:"url"`     // "https://servicereference.us-east-1.amazonaws.com/v1/s3/s3.json"
}

// ReadIndex reads the index of the AWS Service Reference: what its endpoint answers at
// "/". An empty index, an entry without service or url, and a service listed twice are errors.
func ReadIndex(name string, src []byte) ([]IndexEntry, error) {
	src = blankMark(src)
	var entries []IndexEntry
	if err := json.Unmarshal(src, &entries); err != nil {
		return nil, locate(name, src, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf(`%s: no services: want [{"service":"s3","url":"…/v1/s3/s3.json"}]`, name)
	}
	seen := map[string]bool{}
	for i, entry := range entries {
		if entry.Service == "" || entry.URL == "" || seen[entry.Service] {
			return nil, fmt.Errorf("%s: [%d]: service %q, url %q: want both, and each service once", name, i, entry.Service, entry.URL)
		}
		seen[entry.Service] = true
	}
	return entries, nil
}

func appendError(errs []error, err error) []error {
	if err == nil {
		return errs
	}
	return append(errs, err)
}
