package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/policy"
)

// organization is what Organizations says, and the journal keeps of it.
type organization struct {
	Management string            `json:"management"` // account ID
	Members    []*member         `json:"members"`    // all accounts, by ID
	Documents  map[string]string `json:"documents"`  // of policies, by ID
}

// member is an account of an organization, or one that was named.
type member struct {
	ID      string `json:"id"`
	Account string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	ARN     string `json:"arn,omitempty"`
	Active  bool   `json:"active"`

	// IDs of the policies above it, from the root down; nil: that kind isn't in force, or isn't known.
	Service  [][]string `json:"serviceControl,omitempty"`
	Resource [][]string `json:"resourceControl,omitempty"`
	// Why those aren't known; empty: they are.
	Unknown string `json:"unknown,omitempty"`

	documents map[string]string
}

func (m *member) name() string {
	if m == nil {
		return ""
	}
	return m.Account
}

// addTo puts what the organization says into an account's snapshot.json and result.
func (m *member) addTo(info *snapshot.Info, result *Account) (err error) {
	if m == nil {
		return nil
	}
	result.Name = m.Account
	if m.Unknown != "" {
		result.Missing = append(result.Missing, snapshot.Missing{What: "policies of the organization", Why: m.Unknown})
	}
	if info.ServiceControlPolicies, err = m.levels(m.Service); err != nil {
		return err
	}
	info.ResourceControlPolicies, err = m.levels(m.Resource)
	return err
}

func (m *member) levels(ids [][]string) ([][]snapshot.Policy, error) {
	var out [][]snapshot.Policy
	for _, level := range ids {
		policies := []snapshot.Policy{}
		for _, id := range level {
			document, err := policy.Parse(id, []byte(m.documents[id]))
			if err != nil {
				return nil, err
			}
			policies = append(policies, snapshot.Policy{Document: document})
		}
		out = append(out, policies)
	}
	return out, nil
}

// orgReader asks Organizations.
type orgReader struct {
	client *organizations.Client
	out    organization
	above  map[string][]string // IDs from the root down to an OU or the root, by its ID
	own    map[string][]string // IDs of the policies on a target, by kind and target
	kinds  []types.PolicyType  // those in force
}

// readOrganization lists the accounts and the policies above each that is active and
// wanted. That the policies can't be read is noted; that the accounts can't is the error.
func readOrganization(ctx context.Context, cfg aws.Config, wanted func(id string) bool) (*organization, error) {
	r := &orgReader{client: organizations.NewFromConfig(cfg), above: map[string][]string{}, own: map[string][]string{}}
	r.out.Documents = map[string]string{}
	answer, err := r.client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if err != nil {
		return nil, err
	}
	r.out.Management = aws.ToString(answer.Organization.MasterAccountId)
	if err := r.accounts(ctx); err != nil {
		return nil, err
	}
	unreadable := r.inForce(ctx)
	for _, m := range r.out.Members {
		if !m.Active || !wanted(m.ID) || m.ID == r.out.Management { // no policy is above the management account
			continue
		}
		if unreadable == nil {
			unreadable = r.policies(ctx, m)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if unreadable != nil {
			m.Service, m.Resource, m.Unknown = nil, nil, Why(unreadable)
		}
	}
	return &r.out, nil
}

func (r *orgReader) accounts(ctx context.Context) error {
	pages := organizations.NewListAccountsPaginator(r.client, &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			r.out.Members = append(r.out.Members, &member{
				ID: aws.ToString(a.Id), Account: aws.ToString(a.Name), Email: aws.ToString(a.Email), ARN: aws.ToString(a.Arn),
				Active: active(a),
			})
		}
	}
	slices.SortFunc(r.out.Members, func(x, y *member) int { return cmp.Compare(x.ID, y.ID) })
	return nil
}

// active says whether an account is at work. Organizations leaves Status out since
// September 2026; endpoints that are older leave State out.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
func active(a types.Account) bool {
	return a.State == types.AccountStateActive || a.State == "" && a.Status == types.AccountStatusActive
}

// inForce finds out which kinds of policy the organization uses.
func (r *orgReader) inForce(ctx context.Context) error {
	pages := organizations.NewListRootsPaginator(r.client, &organizations.ListRootsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, root := range page.Roots {
			r.above[aws.ToString(root.Id)] = []string{aws.ToString(root.Id)}
			for _, kind := range root.PolicyTypes {
				if kind.Status == types.PolicyTypeStatusEnabled && (kind.Type == types.PolicyTypeServiceControlPolicy || kind.Type == types.PolicyTypeResourceControlPolicy) {
					r.kinds = append(r.kinds, kind.Type)
				}
			}
		}
	}
	return nil
}

// policies notes the policies on every level above an account, and on it.
func (r *orgReader) policies(ctx context.Context, m *member) error {
	if len(r.kinds) == 0 {
		return nil
	}
	above, err := r.parents(ctx, m.ID)
	if err != nil {
		return err
	}
	for _, kind := range r.kinds {
		var levels [][]string
		for _, target := range append(slices.Clip(above), m.ID) {
			ids, err := r.on(ctx, kind, target)
			if err != nil {
				return err
			}
			levels = append(levels, ids)
		}
		if kind == types.PolicyTypeServiceControlPolicy {
			m.Service = levels
		} else {
			m.Resource = levels
		}
	}
	return nil
}

// parents are the root and the OUs above an account or OU, from the root down.
func (r *orgReader) parents(ctx context.Context, child string) ([]string, error) {
	answer, err := r.client.ListParents(ctx, &organizations.ListParentsInput{ChildId: &child})
	if err != nil {
		return nil, err
	}
	if len(answer.Parents) != 1 {
		return nil, fmt.Errorf("%s has %d parents: want one", child, len(answer.Parents))
	}
	parent := aws.ToString(answer.Parents[0].Id)
	if known, ok := r.above[parent]; ok {
		return known, nil
	}
	above, err := r.parents(ctx, parent)
	if err != nil {
		return nil, err
	}
	r.above[parent] = append(slices.Clip(above), parent)
	return r.above[parent], nil
}

// on are the IDs of the policies of a kind on a target, sorted; their documents are noted.
func (r *orgReader) on(ctx context.Context, kind types.PolicyType, target string) ([]string, error) {
	key := string(kind) + " " + target
	if ids, ok := r.own[key]; ok {
		return ids, nil
	}
	ids := []string{}
	pages := organizations.NewListPoliciesForTargetPaginator(r.client, &organizations.ListPoliciesForTargetInput{TargetId: &target, Filter: kind})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Policies {
			ids = append(ids, aws.ToString(p.Id))
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := r.document(ctx, id); err != nil {
			return nil, err
		}
	}
	r.own[key] = ids
	return ids, nil
}

func (r *orgReader) document(ctx context.Context, id string) error {
	if _, ok := r.out.Documents[id]; ok {
		return nil
	}
	answer, err := r.client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &id})
	if err != nil {
		return err
	}
	r.out.Documents[id] = aws.ToString(answer.Policy.Content)
	return nil
}

// write prints the accounts as `aws organizations list-accounts` does.
func (o *organization) write(w io.Writer) error {
	var out object
	list(&out, "Accounts", o.Members, func(o *object, m **member) {
		status := "SUSPENDED"
		if (*m).Active {
			status = "ACTIVE"
		}
		o.string("Id", &(*m).ID)
		o.string("Arn", &(*m).ARN)
		o.string("Email", &(*m).Email)
		o.string("Name", &(*m).Account)
		o.string("Status", &status)
	})
	return writeLine(w, out.done())
}

// Selection says which accounts to collect, and how they are reached.
type Selection struct {
	Organization bool     // those of the organization; else those of Accounts alone
	Accounts     []string // only these IDs; none: all
	Excluded     []string // not these IDs

	RoleName   string // the role to assume in each but one's own; with its path, if it has one
	ExternalID string // may be empty
}

func (s Selection) wants(id string) bool {
	return (len(s.Accounts) == 0 || slices.Contains(s.Accounts, id)) && !slices.Contains(s.Excluded, id)
}

// Many collects several accounts, each into the folder of its ID below dir. The error is
// for what hinders all of them, and for an interruption; else each account's is in the
// result.
func Many(ctx context.Context, cfg aws.Config, dir string, s Selection, o Options) (_ Result, err error) {
	o = o.withDefaults()
	m := &many{dir: dir, cfg: newLimits(o).in(cfg), plain: cfg, selection: s, options: o, progress: &progress{report: o.Progress}}
	if m.writer, err = snapshot.NewWriter(dir); err != nil {
		return Result{}, err
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := m.begin(ctx); err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	return m.collect(ctx)
}

// many is the work on several accounts.
type many struct {
	dir       string
	cfg       aws.Config // paced
	plain     aws.Config // not paced: each account has its own pace
	selection Selection
	options   Options

	writer   *snapshot.Writer
	run      run
	journal  *journal // nil: the run is new
	progress *progress

	own, partition string // where the credentials are at home
}

func (m *many) begin(ctx context.Context) error {
	_, arn, err := whoAmI(ctx, sts.NewFromConfig(impatient(m.cfg)))
	if err != nil {
		return err
	}
	m.own, m.partition = arn.Account, arn.Partition
	if m.single() {
		return fmt.Errorf("%s: the folder of one account: want another folder for several", m.dir)
	}
	start, err := began(m.dir, m.options)
	if err != nil {
		return err
	}
	m.run = run{Began: start, Exclude: exclude(m.options)}
	m.journal, _, err = openJournal(m.dir, m.run)
	return err
}

// start begins the journal of a new run, when it is known which accounts there are.
func (m *many) start() (err error) {
	if m.journal == nil {
		m.journal, err = newJournal(m.dir, m.writer, m.run)
	}
	return err
}

func (m *many) close() error {
	if m.journal == nil {
		return nil
	}
	return m.journal.close()
}

// single says whether the folder is a snapshot, and not one of snapshots.
func (m *many) single() bool {
	_, err := os.Stat(filepath.Join(m.dir, snapshot.DetailsFile))
	return err == nil
}

// collect works on the accounts, several at a time.
func (m *many) collect(ctx context.Context) (Result, error) {
	members, err := m.members(ctx)
	if err == nil {
		err = m.start()
	}
	if err != nil {
		return Result{}, err
	}
	result := Result{Began: m.run.Began, Accounts: make([]Account, len(members))}
	m.progress.add(Progress{Accounts: len(members)})
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.options.Accounts)
	for i, member := range members {
		group.Go(func() error {
			a := newAccount(m.configOf(member.ID), filepath.Join(m.dir, member.ID), result.Began, m.options)
			a.member, a.progress, a.result.ID, a.result.Name = member, m.progress, member.ID, member.Account
			err := a.collect(ctx)
			result.Accounts[i] = a.result
			m.progress.add(Progress{AccountsDone: 1})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if local, ok := errors.AsType[localError](err); ok {
				return local
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || !result.Complete() {
		return result, err
	}
	return result, m.journal.putAs(partComplete, true)
}

// members are the accounts to collect, by ID.
func (m *many) members(ctx context.Context) ([]*member, error) {
	var all []*member
	if !m.selection.Organization {
		for _, id := range slices.Sorted(slices.Values(m.selection.Accounts)) {
			all = append(all, &member{ID: id, Active: true})
		}
		return slices.CompactFunc(all, func(x, y *member) bool { return x.ID == y.ID }), nil
	}
	org, err := m.organization(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range org.Members {
		if one.Active && m.selection.wants(one.ID) {
			one.documents = org.Documents
			all = append(all, one)
		}
	}
	for _, id := range m.selection.Accounts {
		if !slices.ContainsFunc(org.Members, func(one *member) bool { return one.ID == id }) {
			return nil, fmt.Errorf("account %s isn't in the organization of %s", id, org.Management)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no account of the organization is wanted: see --accounts and --exclude-accounts")
	}
	return all, nil
}

// organization is what Organizations says, from the journal if it knew everything. What
// was asked about other accounts than the present ones doesn't count.
func (m *many) organization(ctx context.Context) (*organization, error) {
	part := fmt.Sprint(partOrganization, m.selection.Accounts, m.selection.Excluded)
	if m.journal != nil {
		if value, ok := m.journal.get(part); ok {
			var org organization
			err := decode(value, &org)
			return &org, err
		}
	}
	org, err := readOrganization(ctx, m.cfg, m.selection.wants)
	if err != nil {
		return nil, err
	}
	if err := m.start(); err != nil {
		return nil, err
	}
	if err := m.writer.WriteFile(snapshot.OrganizationsFile, org.write); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(org.Members, func(one *member) bool { return one.Unknown != "" }) {
		return org, nil
	}
	return org, m.journal.putAs(part, org)
}

// configOf is the configuration for an account: its role's credentials, unless it is one's own.
func (m *many) configOf(id string) aws.Config {
	if id == m.own {
		return m.plain
	}
	return InAccount(m.cfg, m.plain, m.roleIn(id), m.selection.ExternalID)
}

func (m *many) roleIn(id string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", m.partition, id, m.selection.RoleName)
}

// InAccount is the configuration plain with the credentials of a role, which is assumed
// through the configuration by when the first call is made.
func InAccount(by, plain aws.Config, role, externalID string) aws.Config {
	out := plain.Copy()
	out.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(by), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "pare"
		o.Duration = sessionLength
		if externalID != "" {
			o.ExternalID = &externalID
		}
	}), func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = sessionMargin })
	return out
}

// sessionLength is how long a role's credentials are good, which every role allows, and
// sessionMargin how long before their end new ones are got, so that no call is under way
// with the old.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	sessionLength = 15 * time.Minute
	sessionMargin = time.Minute
)
