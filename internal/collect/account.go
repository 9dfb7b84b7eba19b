package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/inventory"
)

// account is the work on one account.
type account struct {
	dir     string
	began   time.Time
	options Options
	member  *member // of the organization; nil: nothing is known of one

	cfg        aws.Config // paced
	iam        *iam.Client
	sts        *sts.Client
	cloudtrail *cloudtrail.Client

	*snapshot.Writer
	journal  *journal
	progress *progress

	mu        sync.Mutex
	result    Account
	partition string
	denied    map[string]*streak
}

func newAccount(cfg aws.Config, dir string, began time.Time, o Options) *account {
	cfg = newLimits(o).in(cfg)
	return &account{
		dir: dir, began: began, options: o, result: Account{Dir: dir}, denied: map[string]*streak{},
		cfg: cfg, iam: iam.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg), cloudtrail: cloudtrail.NewFromConfig(cfg),
	}
}

// principal is a role or a user to ask about.
type principal struct {
	kind      string // "role" or "user"
	name, arn string
}

// collect brings the folder up to date.
func (a *account) collect(ctx context.Context) (err error) {
	defer func() { a.result.Err = err }()
	if done, err := a.alreadyThere(); done || err != nil {
		return err
	}
	if err := a.identify(ctx); err != nil {
		return err
	}
	if a.Writer, err = snapshot.NewWriter(a.dir); err != nil {
		return err
	}
	unlock, err := lockFolder(a.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := a.begin(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.journal.close()) }()
	return a.goOn(ctx)
}

// alreadyThere says whether the folder has all of this run, so that nobody needs be asked
// anything. Of one's own account who one is must be asked to know it.
func (a *account) alreadyThere() (bool, error) {
	if a.member == nil || !a.has(snapshot.InfoFile) || !a.has(snapshot.DetailsFile) {
		return false, nil
	}
	last, complete, ok, err := readRun(a.dir)
	if err != nil || !ok || !complete || !last.is(run{Began: a.began, Account: a.member.ID}) {
		return false, err
	}
	principals, err := a.principals()
	if err != nil {
		return false, err
	}
	a.progress.add(Progress{Total: len(principals), Done: len(principals)})
	return true, a.readResult()
}

// identify finds out which account it is.
func (a *account) identify(ctx context.Context) error {
	client := a.sts
	if a.member == nil {
		client = sts.NewFromConfig(impatient(a.cfg))
	}
	_, arn, err := whoAmI(ctx, client)
	if err != nil {
		return err
	}
	if a.member != nil && a.member.ID != arn.Account {
		return fmt.Errorf("the role is in account %s: want one in %s", arn.Account, a.member.ID)
	}
	a.result.ID, a.partition = arn.Account, arn.Partition
	last, _, ok, err := readRun(a.dir)
	if err != nil {
		return err
	}
	if ok && last.Account == "" {
		return fmt.Errorf("%s: the folder of several accounts: want another folder, or --org", a.dir)
	}
	return a.sameAccount()
}

// sameAccount refuses a folder that has another account's snapshot.
func (a *account) sameAccount() error {
	path := filepath.Join(a.dir, snapshot.InfoFile)
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := snapshot.ReadInfo(path, src)
	if err != nil {
		return err
	}
	if info.AccountID != "" && info.AccountID != a.result.ID {
		return fmt.Errorf("%s: a snapshot of account %s is there, and this is account %s: want another folder", a.dir, info.AccountID, a.result.ID)
	}
	return nil
}

// begin opens the run's journal. A new run begins with the authorization details: only
// when they are there does the earlier run's snapshot go.
func (a *account) begin(ctx context.Context) error {
	r := run{Began: a.began, Account: a.result.ID, Exclude: exclude(a.options)}
	j, found, err := openJournal(a.dir, r)
	if err != nil {
		return err
	}
	if a.journal = j; found && a.has(snapshot.DetailsFile) {
		return nil
	}
	all, err := a.fetchDetails(ctx)
	if err == nil && !found {
		a.journal, err = newJournal(a.dir, a.Writer, r)
	}
	if err == nil {
		err = a.write(snapshot.DetailsFile, all.write)
	}
	if err != nil && a.journal != nil {
		return errors.Join(err, a.journal.close())
	}
	return err
}

// goOn asks for what the journal and the folder lack.
func (a *account) goOn(ctx context.Context) error {
	principals, err := a.principals()
	if err != nil {
		return err
	}
	_, complete := a.journal.get(partComplete)
	a.progress.add(Progress{Total: len(principals)})
	if complete { // by a run that ended while this one began
		a.progress.add(Progress{Done: len(principals)})
		return a.readResult()
	}
	if err := a.ask(ctx, principals); err != nil {
		return err
	}
	return a.finish(principals)
}

// ask makes the calls, several at a time. The error is one that ends the run: what can't be
// had and doesn't hinder the rest is noted.
func (a *account) ask(ctx context.Context, principals []principal) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(a.options.Principals)
	group.Go(func() error { return a.wholeAccount(ctx) })
	for _, p := range principals {
		group.Go(func() error {
			err := a.principal(ctx, p)
			if err == nil {
				a.progress.add(Progress{Done: 1})
			}
			return err
		})
	}
	return group.Wait()
}

// wholeAccount asks for what isn't about one principal.
func (a *account) wholeAccount(ctx context.Context) error {
	for _, part := range []struct {
		name string
		have bool
		get  func(context.Context) error
	}{
		{"account alias", a.noted(partAlias), a.alias},
		{"credential report", a.has(snapshot.ReportFile), a.credentialReport},
		{"CloudTrail trails", a.noted(partTrails), a.trails},
	} {
		if part.have {
			continue
		}
		if err := a.orMissing(ctx, part.name, part.get(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (a *account) principal(ctx context.Context, p principal) error {
	if p.kind == "user" && !a.noted(keysOf(p.name)) {
		if err := a.orMissing(ctx, "access keys of "+p.arn, a.keys(ctx, p.name)); err != nil {
			return err
		}
	}
	if a.has(p.file()) {
		return nil
	}
	return a.orMissing(ctx, "last-accessed of "+p.arn, a.lastAccessed(ctx, p))
}

// principals are the users and roles of the authorization details, as they were written.
// The roles of AWS's services are passed over.
func (a *account) principals() ([]principal, error) {
	folder, err := snapshot.Open(a.dir)
	if err != nil {
		return nil, err
	}
	folder.Report, folder.Keys = snapshot.File{}, snapshot.File{}
	inv, _, err := folder.Inventory()
	if err != nil {
		return nil, err
	}
	var out []principal
	add := func(kind string, e *inventory.Entity) {
		if why, _ := a.options.Exclude.Excluded(a.result.ID, e); why != 0 {
			a.result.Excluded++
			return
		}
		out = append(out, principal{kind, e.Name, e.ARN})
	}
	for _, u := range inv.Users {
		add("user", &u.Entity)
	}
	for _, r := range inv.Roles {
		if serviceLinked(r) {
			a.result.Passed++
		} else {
			add("role", &r.Entity)
		}
	}
	a.result.Users, a.result.Roles = len(inv.Users), len(inv.Roles)
	return out, nil
}

// serviceLinked says whether a role is an AWS service's own: nobody else can change it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
func serviceLinked(r *inventory.Role) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	return first == "aws-service-role"
}

func (a *account) alias(ctx context.Context) error {
	answer, err := a.iam.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
	if err != nil {
		return err
	}
	return a.journal.putAs(partAlias, answer.AccountAliases)
}

// finish writes what is written last: keys and snapshot.json.
func (a *account) finish(principals []principal) error {
	if err := a.writeKeys(principals); err != nil {
		return err
	}
	info := snapshot.Info{
		AccountID: a.result.ID, Partition: a.partition, Window: a.options.Window,
		CollectedAt: a.began.Truncate(time.Second),
	}
	var aliases []string
	if value, ok := a.journal.get(partAlias); ok {
		if err := decode(value, &aliases); err != nil {
			return err
		}
	}
	if len(aliases) > 0 {
		info.AccountAlias = aliases[0]
	}
	if value, ok := a.journal.get(partTrails); ok {
		if err := decode(value, &info.Trails); err != nil {
			return err
		}
	}
	if err := a.member.addTo(&info, &a.result); err != nil {
		return err
	}
	a.result.Name = cmp.Or(a.result.Name, info.AccountAlias)
	a.result.Missing = summary(a.result.Missing)
	info.Missing = a.result.Missing
	if err := a.WriteInfo(info); err != nil {
		return localError{err}
	}
	if len(info.Missing) > 0 {
		return nil
	}
	return a.journal.putAs(partComplete, true)
}

// readResult takes the result from the snapshot of an earlier call of the same run.
func (a *account) readResult() error {
	folder, err := snapshot.Open(a.dir)
	if err != nil {
		return err
	}
	a.result.Missing = folder.Info.Missing
	a.result.Name = cmp.Or(a.member.name(), folder.Info.AccountAlias)
	return nil
}

func (a *account) has(name string) bool {
	_, err := os.Stat(filepath.Join(a.dir, filepath.FromSlash(name)))
	return err == nil
}

func (a *account) noted(part string) bool {
	_, ok := a.journal.get(part)
	return ok
}

// write writes a file; that it can't is an error that ends the run.
func (a *account) write(name string, content func(io.Writer) error) error {
	if err := a.WriteFile(name, content); err != nil {
		return localError{err}
	}
	return nil
}

// progress counts roles and users, over all accounts.
type progress struct {
	report func(Progress)
	mu     sync.Mutex
	now    Progress
}

func (p *progress) add(more Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Done += more.Done
	p.now.Total += more.Total
	p.now.AccountsDone += more.AccountsDone
	p.now.Accounts += more.Accounts
	if p.report != nil {
		p.report(p.now)
	}
}
