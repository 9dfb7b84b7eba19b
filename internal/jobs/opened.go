package jobs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pare-iam/pare/analyzer"
	"github.com/pare-iam/pare/internal/analyze"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

// opened keeps the accounts that were analyzed last, for as long as their files are the same.
type opened struct {
	limit int
	mu    sync.Mutex
	all   []*openedAccount // the one used last comes last
}

type openedAccount struct {
	key  string
	once sync.Mutex // held while it is read
	got  *analyze.Account
}

func newOpened(limit int) *opened { return &opened{limit: limit} }

// get is an account by its key; open reads it, once for all who ask at the same time.
func (o *opened) get(key string, open func() (*analyze.Account, error)) (*analyze.Account, error) {
	a := o.entry(key)
	a.once.Lock()
	defer a.once.Unlock()
	if a.got != nil {
		return a.got, nil
	}
	got, err := open()
	if err != nil {
		o.forget(a)
		return nil, err
	}
	a.got = got
	return got, nil
}

func (o *opened) entry(key string) *openedAccount {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.all, func(a *openedAccount) bool { return a.key == key })
	a := &openedAccount{key: key}
	if i >= 0 {
		a = o.all[i]
		o.all = slices.Delete(o.all, i, i+1)
	}
	o.all = append(o.all, a)
	if over := len(o.all) - o.limit; over > 0 {
		o.all = slices.Delete(o.all, 0, over)
	}
	return a
}

func (o *opened) forget(a *openedAccount) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = slices.DeleteFunc(o.all, func(b *openedAccount) bool { return b == a })
}

// analysis opens an account's folder for a recommendation. If there is none on this
// machine, its data is collected.
func (j *Jobs) analysis(ctx context.Context, a store.Analyzer, id string) (*analyze.Account, error) {
	account, err := j.account(ctx, id)
	if err != nil {
		return nil, err
	}
	dir, err := j.Source.Folder(ctx, account)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err = j.collect(ctx, account)
	}
	if err != nil {
		return nil, err
	}
	stamp, err := stampOf(dir)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%s %d %x", dir, a.UnusedAge, stamp)
	return j.opened.get(key, func() (*analyze.Account, error) { return j.open(ctx, a, account, dir) })
}

// account is one that is looked at.
func (j *Jobs) account(ctx context.Context, id string) (store.Account, error) {
	a, err := j.store.Account(ctx, id)
	if missing(err) {
		err = pointlessError{fmt.Errorf("account %s isn't among those that are looked at: add it first: %w", id, err)}
	}
	return a, err
}

// open reads a folder as an analyzer wants it.
func (j *Jobs) open(ctx context.Context, a store.Analyzer, account store.Account, dir string) (*analyze.Account, error) {
	got, err := analyze.Open(ctx, dir, analyze.Options{
		Catalog: j.Catalog, Age: time.Duration(a.UnusedAge) * usage.Day, Clock: j.Now(),
		Settings: analyzer.Settings{Exclude: exclusions(a), Workers: j.Workers},
		Evidence: snapshot.EvidenceOptions{Workers: j.Workers},
	})
	if err != nil {
		return nil, err
	}
	if id := cmp.Or(got.Inventory.ID, got.Folder.Info.AccountID); id != account.ID { // an account without roles and users names itself nowhere else
		return nil, fmt.Errorf("%s: is of account %s: want %s", dir, cmp.Or(id, "unknown"), account.ID)
	}
	return got, nil
}

// exclusions are what an analyzer leaves alone, of all its rules together.
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_AnalysisRuleCriteria.html
func exclusions(a store.Analyzer) analyzer.Exclusions {
	var out analyzer.Exclusions
	for _, rule := range a.Exclusions {
		out.Accounts = append(out.Accounts, rule.AccountIDs...)
		for _, tags := range rule.ResourceTags {
			for key, value := range tags {
				out.Tags = append(out.Tags, analyzer.Tag{Key: key, Value: value})
			}
		}
	}
	slices.SortFunc(out.Tags, func(a, b analyzer.Tag) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value)) })
	return out
}

// stampOf is a hash of the names, sizes and times of a folder's files.
func stampOf(dir string) ([sha256.Size]byte, error) {
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}

// accountsOf are the IDs of the accounts that an analyzer looks at and that have a source.
func (j *Jobs) accountsOf(ctx context.Context, a store.Analyzer) ([]string, error) {
	if a.Type == store.AccountUnused {
		arn, err := policy.ParseARN(a.ARN)
		if err != nil {
			return nil, err
		}
		if _, err := j.store.Account(ctx, arn.Account); missing(err) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		return []string{arn.Account}, nil
	}
	excluded := exclusions(a).Accounts
	var out []string
	err := pages(ctx, j.store.Accounts, func(account store.Account) error {
		if !slices.Contains(excluded, account.ID) {
			out = append(out, account.ID)
		}
		return nil
	})
	return out, err
}

// pages calls f with all of a list.
func pages[T any](ctx context.Context, list func(context.Context, store.Page) (store.Part[T], error), f func(T) error) error {
	page := store.Page{Limit: 1000}
	for {
		part, err := list(ctx, page)
		if err != nil {
			return err
		}
		for _, item := range part.Items {
			if err := f(item); err != nil {
				return err
			}
		}
		if part.Next == "" {
			return nil
		}
		page.Token = part.Next
	}
}
