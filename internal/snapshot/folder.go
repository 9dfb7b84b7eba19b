package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-iam/pare/inventory"
)

// The names of the files and folders.
const (
	InfoFile           = "snapshot.json"
	DetailsFile        = "authorization-details.json"
	DetailsFolder      = "authorization-details"
	ReportFile         = "credential-report.csv"
	KeysFile           = "access-keys.json"
	LastAccessedFolder = "last-accessed"
	UsageFile          = "usage.jsonl"
	CoverageFile       = "usage.coverage.json"
	FindingsFolder     = "findings"
	OrganizationsFile  = "organizations.json"

	reportAnswer = "credential-report.json"
)

const detailsCommand = "aws iam get-account-authorization-details --output json > "

// Folder is a snapshot folder as it was when it was opened.
type Folder struct {
	Dir  string
	Info Info // the zero value when there is no snapshot.json

	Details       []File // get-account-authorization-details: at least one
	Report        File   // credential report
	Keys          File   // answers about access keys
	Usage         File   // usage.jsonl
	Coverage      File   // usage.coverage.json
	Organizations File
	LastAccessed  []File // get-service-last-accessed-details, by name
	Findings      []File // get-finding-v2, by name

	info   File
	Absent []Absent // what could be there and isn't, in the order of the list above
	Others []string // names that a snapshot doesn't have, sorted: nobody looks at them
}

// File is a file of the folder. The zero value is one that isn't there. It isn't opened
// before it is read.
type File struct {
	Path string // with the folder's, for messages too
}

// There says whether the file was there when the folder was opened.
func (f File) There() bool { return f.Path != "" }

// Open opens the file, which must be there, for reading.
func (f File) Open() (io.ReadCloser, error) { return os.Open(f.Path) }

// Read reads the whole file, which must be there.
func (f File) Read() ([]byte, error) { return os.ReadFile(f.Path) }

// Paths lists the files that are read.
func (f *Folder) Paths() []string {
	var out []string
	for _, file := range slices.Concat(f.Details, f.LastAccessed, f.Findings, []File{f.Report, f.Keys, f.Usage, f.Coverage, f.Organizations, f.info}) {
		if file.There() {
			out = append(out, file.Path)
		}
	}
	return out
}

// Absent is a part that a folder lacks.
type Absent struct {
	Name    string // "credential-report.csv"
	Meaning string // "passwords aren't judged"
	Command string // what makes the file
}

// parts are the optional files of which it is worth saying that they aren't there.
var parts = [...]struct {
	Absent
	have func(*Folder) bool
}{
	{Absent{InfoFile, "when the files were collected isn't known", `printf '{"schemaVersion": 1, "collectedAt": "%s"}' "$(date -u +%FT%TZ)" > ` + InfoFile}, func(f *Folder) bool { return f.Info.SchemaVersion != 0 }},
	{Absent{
		ReportFile, "passwords aren't judged, and access keys only as far as " + KeysFile + " knows them",
		"aws iam generate-credential-report; aws iam get-credential-report --query Content --output text | base64 -d > " + ReportFile,
	}, func(f *Folder) bool { return f.Report.There() }},
	{Absent{
		KeysFile, "access keys are known by the credential report alone, and without their IDs",
		`aws iam list-access-keys --user-name USER >> ` + KeysFile + `; aws iam get-access-key-last-used --access-key-id ID --query "merge(@, {AccessKeyId: 'ID'})" >> ` + KeysFile,
	}, func(f *Folder) bool { return f.Keys.There() }},
	{Absent{
		LastAccessedFolder, "permissions aren't judged by IAM's last accessed information",
		"aws iam generate-service-last-accessed-details --arn ARN --granularity ACTION_LEVEL; aws iam get-service-last-accessed-details --job-id JOB > " + LastAccessedFolder + "/NAME.json",
	}, func(f *Folder) bool { return len(f.LastAccessed) > 0 }},
	{Absent{UsageFile, "permissions aren't judged by CloudTrail", "pare ingest PATH… --out " + UsageFile}, func(f *Folder) bool { return f.Usage.There() }},
	{Absent{
		CoverageFile, UsageFile + " shows what was used, and never that something wasn't", "pare ingest PATH… --out " + UsageFile,
	}, func(f *Folder) bool { return f.Coverage.There() || !f.Usage.There() }},
}

// Open looks at what a folder holds and reads its snapshot.json. A folder without
// authorization details is an error, which says what makes them; so is a snapshot.json that
// can't be read.
func Open(dir string) (*Folder, error) {
	f := &Folder{Dir: dir}
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := f.add(e.Name()); err != nil {
			return nil, err
		}
	}
	if len(f.Details) == 0 {
		return nil, fmt.Errorf("%s: no %s: want what this prints: %s%s", dir, DetailsFile, detailsCommand, filepath.Join(dir, DetailsFile))
	}
	for _, part := range parts {
		if !part.have(f) {
			f.Absent = append(f.Absent, part.Absent)
		}
	}
	slices.Sort(f.Others)
	return f, nil
}

// add sorts in one entry of the folder.
func (f *Folder) add(name string) error {
	path := filepath.Join(f.Dir, name)
	file := File{path}
	switch name {
	case InfoFile:
		return f.readInfo(file)
	case DetailsFile:
		f.Details = append([]File{file}, f.Details...)
	case DetailsFolder:
		return f.addAll(name, &f.Details)
	case ReportFile:
		f.Report = file
	case reportAnswer:
		if !f.Report.There() {
			f.Report = file
		}
	case KeysFile:
		f.Keys = file
	case UsageFile:
		f.Usage = file
	case CoverageFile:
		f.Coverage = file
	case OrganizationsFile:
		f.Organizations = file
	case LastAccessedFolder:
		return f.addAll(name, &f.LastAccessed)
	case FindingsFolder:
		return f.addAll(name, &f.Findings)
	default:
		f.other(name)
	}
	return nil
}

// addAll adds the .json files of a folder below, by name.
func (f *Folder) addAll(name string, to *[]File) error {
	entries, err := readDir(filepath.Join(f.Dir, name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if inner := filepath.Join(name, e.Name()); filepath.Ext(inner) == ".json" && !hidden(e.Name()) {
			*to = append(*to, File{filepath.Join(f.Dir, inner)})
		} else {
			f.other(inner)
		}
	}
	return nil
}

// other notes a name that isn't a snapshot's. Hidden ones are what editors, file systems
// and an interrupted Writer leave.
func (f *Folder) other(name string) {
	if !hidden(filepath.Base(name)) {
		f.Others = append(f.Others, filepath.ToSlash(name))
	}
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// readDir lists a folder by name; a file in its place is an error that says so.
func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err == nil {
		return entries, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such folder: want one with %s in it, as this makes it: %s%s", dir, DetailsFile, detailsCommand, filepath.Join(dir, DetailsFile))
	}
	if found, statErr := os.Stat(dir); statErr == nil && !found.IsDir() {
		return nil, fmt.Errorf("%s: a file: want the folder that it is in, or one of this name", dir)
	}
	return nil, err
}

// Find lists the snapshot folders of an account or an organization: the folder itself, or
// those in it that are one, by name. One that has lost its authorization details, or never
// got them, is among them, so that an account doesn't go missing unnoticed. None is an error.
func Find(dir string) ([]string, error) {
	entries, err := readDir(dir)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(entries, isDetails) {
		return []string{dir}, nil
	}
	var found []string
	some := false
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if below, err := os.Stat(path); err != nil || !below.IsDir() || hidden(e.Name()) {
			continue
		}
		inner, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(inner, isDetails) {
			found, some = append(found, path), true
		} else if slices.ContainsFunc(inner, isInfo) {
			found = append(found, path) // which Open refuses
		}
	}
	if !some {
		return nil, fmt.Errorf("%s: no %s here or in a folder below: want what this prints: %s%s", dir, DetailsFile, detailsCommand, filepath.Join(dir, DetailsFile))
	}
	return found, nil
}

func isInfo(e fs.DirEntry) bool { return e.Name() == InfoFile }

func isDetails(e fs.DirEntry) bool { return e.Name() == DetailsFile || e.Name() == DetailsFolder }

// Inventory reads the files of IAM. The error is for authorization details that aren't
// what they should be, and for those of another account than snapshot.json's. A credential
// report or a file about access keys that can't be read, or is of another account, is a
// problem and left out, and so is what couldn't be read of a single entity.
func (f *Folder) Inventory() (*inventory.Account, []inventory.Problem, error) {
	files, problems, err := f.files()
	if err != nil {
		return nil, nil, err
	}
	account, more, err := inventory.Parse(files)
	if err != nil {
		var left []inventory.Problem
		if account, more, left, err = readable(files); err != nil {
			return nil, nil, err
		}
		problems = append(problems, left...)
	}
	if err := f.same(account); err != nil {
		return nil, nil, err
	}
	if len(problems) > 0 {
		ForgetCredentials(account)
	}
	return account, append(problems, more...), nil
}

// files reads the files' bytes.
func (f *Folder) files() (files inventory.Files, problems []inventory.Problem, err error) {
	for _, d := range f.Details {
		file, err := f.content(d)
		if err != nil {
			return files, nil, err
		}
		files.Details = append(files.Details, file)
	}
	if report, err := f.content(f.Report); err != nil {
		problems = append(problems, leftOut(f.Report.Path, cause(err)))
	} else {
		files.Report = report
	}
	if keys, err := f.content(f.Keys); err != nil {
		problems = append(problems, leftOut(f.Keys.Path, cause(err)))
	} else if f.Keys.There() {
		files.Keys = []inventory.File{keys}
	}
	return files, problems, nil
}

func leftOut(file string, err error) inventory.Problem {
	return inventory.Problem{File: file, Text: fmt.Sprintf("%v; left out, and no key or password is called unused", err)}
}

// readable reads what can be read of files that can't be read together. The error is that
// of the details.
func readable(files inventory.Files) (*inventory.Account, []inventory.Problem, []inventory.Problem, error) {
	var left []inventory.Problem
	lean := inventory.Files{Details: files.Details}
	account, problems, err := inventory.Parse(lean)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, with := range []inventory.Files{
		{Details: files.Details, Report: files.Report},
		{Details: files.Details, Report: files.Report, Keys: files.Keys},
	} {
		if len(left) > 0 {
			with.Report = inventory.File{}
		}
		a, ps, err := inventory.Parse(with)
		if err != nil {
			left = append(left, leftOut("", err)) // it names the file
			continue
		}
		account, problems = a, ps
	}
	return account, problems, left, nil
}

// ForgetCredentials makes unknown what an account's files say of the disuse of keys and
// passwords. That they were used stays.
func ForgetCredentials(account *inventory.Account) {
	for _, u := range account.Users {
		u.KeysKnown, u.Password.LastUsed.Known = false, false
		for i := range u.Keys {
			u.Keys[i].LastUsed.Known = false
		}
	}
}

func (f *Folder) content(file File) (inventory.File, error) {
	if !file.There() {
		return inventory.File{}, nil
	}
	src, err := file.Read()
	return inventory.File{Name: file.Path, Bytes: src}, err
}

// same holds snapshot.json against the account that the answers are of.
func (f *Folder) same(a *inventory.Account) error {
	info, details := filepath.Join(f.Dir, InfoFile), f.Details[0].Path
	switch {
	case f.Info.AccountID != "" && a.ID != "" && f.Info.AccountID != a.ID:
		return fmt.Errorf("%s: accountId %s, but %s is of account %s: want the files of one account in a folder", info, f.Info.AccountID, details, a.ID)
	case f.Info.Partition != "" && a.Partition != "" && f.Info.Partition != a.Partition:
		return fmt.Errorf("%s: partition %s, but %s is of partition %s: want the files of one account in a folder", info, f.Info.Partition, details, a.Partition)
	}
	return nil
}
