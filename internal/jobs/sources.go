package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/pare-iam/pare/internal/collect"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/internal/store"
)

// Source is where accounts' data comes from: folders as package snapshot describes them. It is
// safe for concurrent use, but for one account.
type Source interface {
	// Collect brings an account's data up to date, and says in which folder it is.
	Collect(ctx context.Context, a store.Account) (dir string, err error)
	// Folder is where the last Collect put it; fs.ErrNotExist if none did on this machine.
	Folder(ctx context.Context, a store.Account) (dir string, err error)
}

// Sources chooses the source by its name in store.Account.Source; "" is the one for accounts
// that name none.
type Sources map[string]Source

// of is an account's source.
func (s Sources) of(a store.Account) (Source, error) {
	if source := s[a.Source]; source != nil {
		return source, nil
	}
	var names []string
	for name := range s {
		names = append(names, fmt.Sprintf("%q", name))
	}
	slices.Sort(names)
	return nil, fmt.Errorf("account %s: no source %q: the configuration has %s", a.ID, a.Source, strings.Join(names, ", "))
}

// Collect asks the account's source.
func (s Sources) Collect(ctx context.Context, a store.Account) (string, error) {
	source, err := s.of(a)
	if err != nil {
		return "", err
	}
	return source.Collect(ctx, a)
}

// Folder asks the account's source.
func (s Sources) Folder(ctx context.Context, a store.Account) (string, error) {
	source, err := s.of(a)
	if err != nil {
		return "", err
	}
	return source.Folder(ctx, a)
}

// Folders are snapshot folders that somebody else fills, such as `pare collect --org`: that of
// an account is named by its ID. A folder of one account alone may be Root itself.
type Folders struct{ Root string }

// Collect does nothing but find the folder.
func (f Folders) Collect(ctx context.Context, a store.Account) (string, error) {
	return f.Folder(ctx, a)
}

// Folder is the account's.
func (f Folders) Folder(_ context.Context, a store.Account) (string, error) {
	if err := checkID(a.ID); err != nil {
		return "", err
	}
	dirs, err := snapshot.Find(f.Root)
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		if filepath.Base(dir) == a.ID || dir == f.Root {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s: no folder %s with a snapshot: `pare collect --out %s` makes it: %w", f.Root, a.ID, filepath.Join(f.Root, a.ID), fs.ErrNotExist)
}

// checkID keeps what isn't an account's ID out of paths.
func checkID(id string) error {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return fmt.Errorf("account %q: want the twelve digits of an account", id)
	}
	return nil
}

// Live collects from AWS into folders of its own: Root/ACCOUNT/TIME for each that is
// complete, of which the last two stay, and Root/ACCOUNT/next for one on the way, with which
// the next attempt goes on. One server at a time uses Root.
type Live struct {
	Root   string
	Config func(ctx context.Context, a store.Account) (aws.Config, error) // with credentials that read the account
	Window int                                                            // days that are meant to be looked back; 0 is 90
	Now    func() time.Time

	// Logs reads an account's log files into its folder, as usage.jsonl and its coverage, and
	// says what it couldn't read of them. An error leaves the folder as it was: the account is
	// complete without them, with what an earlier folder has and up to where that reaches. nil:
	// there are none.
	Logs func(ctx context.Context, cfg aws.Config, a store.Account, dir string) ([]snapshot.Missing, error)
}

const (
	nextFolder  = "next"
	stampFormat = "20060102T150405.000000Z" // sorts by time
	foldersKept = 2                         // the last one, and one that somebody may be reading
)

// Collect reads the account. What can't be read is among what the folder says is missing;
// an account that can't be read at all is an error.
func (l Live) Collect(ctx context.Context, a store.Account) (string, error) {
	if err := checkID(a.ID); err != nil {
		return "", err
	}
	cfg, err := l.Config(ctx, a)
	if err != nil {
		return "", err
	}
	home := filepath.Join(l.Root, a.ID)
	next := filepath.Join(home, nextFolder)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	got, err := collect.One(ctx, cfg, next, collect.Options{Window: l.Window, Now: l.Now})
	for _, one := range got.Accounts {
		err = errors.Join(err, one.Err)
	}
	if err != nil {
		return "", explained(ctx, err)
	}
	if l.Logs != nil {
		if err := l.readLogs(ctx, cfg, a, next); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(home, l.Now().UTC().Format(stampFormat))
	if err := os.Rename(next, dir); err != nil {
		return "", err
	}
	return dir, l.removeOld(home)
}

// readLogs adds the evidence of log files to a folder. The error is that of ctx, or of this
// machine's disk.
func (l Live) readLogs(ctx context.Context, cfg aws.Config, a store.Account, dir string) error {
	missing, err := l.Logs(ctx, cfg, a, dir)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		why, _ := collect.Explain(err)
		missing = append(missing, snapshot.Missing{What: snapshot.TrailEvidence, Why: why})
		if err := l.earlierLogs(ctx, a, dir); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return addMissing(dir, missing)
}

// earlierLogs copies what the last complete folder has of log files, if the folder has
// nothing: it says up to when it reaches. The coverage comes last, so that it is never
// there without its uses.
func (l Live) earlierLogs(ctx context.Context, a store.Account, dir string) error {
	last, err := l.Folder(ctx, a)
	if _, there := os.Stat(filepath.Join(dir, snapshot.UsageFile)); there == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to, err := snapshot.NewWriter(dir)
	if err != nil {
		return err
	}
	for _, name := range []string{snapshot.UsageFile, snapshot.CoverageFile} {
		from, err := os.Open(filepath.Join(last, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		err = to.WriteFile(name, func(w io.Writer) error {
			_, err := io.Copy(w, from)
			return err
		})
		if err = errors.Join(err, from.Close()); err != nil {
			return err
		}
	}
	return nil
}

// addMissing adds to what a folder's snapshot.json says is missing.
func addMissing(dir string, missing []snapshot.Missing) error {
	path := filepath.Join(dir, snapshot.InfoFile)
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	about, err := snapshot.ReadInfo(path, src)
	if err != nil {
		return err
	}
	about.Missing = append(about.Missing, missing...)
	to, err := snapshot.NewWriter(dir)
	if err != nil {
		return err
	}
	return to.WriteInfo(about)
}

// explained is an error of AWS's in words, with what to do.
func explained(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	message, do := collect.Explain(err)
	if do != "" {
		message += "; " + do
	}
	return errors.New(message)
}

// Folder is the last complete one.
func (l Live) Folder(_ context.Context, a store.Account) (string, error) {
	if err := checkID(a.ID); err != nil {
		return "", err
	}
	home := filepath.Join(l.Root, a.ID)
	all, err := complete(home)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%s: nothing was collected: %w", home, fs.ErrNotExist)
	}
	return filepath.Join(home, all[len(all)-1]), nil
}

// complete lists the complete folders of an account, the last one last.
func complete(home string) ([]string, error) {
	entries, err := os.ReadDir(home)
	var out []string
	for _, e := range entries {
		if _, err := time.Parse(stampFormat, e.Name()); err == nil {
			out = append(out, e.Name())
		}
	}
	return out, err
}

func (l Live) removeOld(home string) error {
	all, err := complete(home)
	for i := 0; err == nil && i < len(all)-foldersKept; i++ {
		err = os.RemoveAll(filepath.Join(home, all[i]))
	}
	return err
}
