package samplegen_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
)

// The tests read the files by other means than those that wrote them, encoding/json, and
// know nothing of habits.

// collect keeps all files of a world, those in gzip unpacked.
func collect(w *samplegen.World) (map[string][]byte, error) {
	files := map[string][]byte{}
	keep := func(name string, content func(io.Writer) error) error {
		if _, twice := files[name]; twice {
			return fmt.Errorf("%s is written twice", name)
		}
		var b bytes.Buffer
		err := content(&b)
		if err == nil {
			files[name], err = unpacked(name, b.Bytes())
		}
		return err
	}
	err := errors.Join(w.Snapshot(keep), w.Logs(keep))
	return files, err
}

func unpacked(name string, src []byte) ([]byte, error) {
	if !strings.HasSuffix(name, ".gz") {
		return src, nil
	}
	zip, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return io.ReadAll(zip)
}

func demo() *samplegen.World { return samplegen.New(catalog.Embedded(), samplegen.Demo()) }

// small is a random world that is quickly made.
func small() *samplegen.World {
	o := samplegen.Demo()
	o.Sample, o.Days, o.Roles, o.Users, o.Policies = false, 20, 60, 25, 30
	return samplegen.New(catalog.Embedded(), o)
}

// world is a world with its files.
type world struct {
	*samplegen.World
	files   map[string][]byte
	records []record // of the log files: neither digests nor Insights
	account account
}

var (
	demoFiles  = sync.OnceValues(func() (world, error) { return readWorld(demo()) })
	smallFiles = sync.OnceValues(func() (world, error) { return readWorld(small()) })
)

func readWorld(made *samplegen.World) (world, error) {
	w := world{World: made}
	var err error
	if w.files, err = collect(made); err != nil {
		return w, err
	}
	for name, raw := range w.files {
		if !strings.Contains(name, "/CloudTrail/") {
			continue
		}
		var file struct{ Records []record }
		if err := json.Unmarshal(raw, &file); err != nil {
			return w, fmt.Errorf("%s: %w", name, err)
		}
		w.records = append(w.records, file.Records...)
	}
	w.account, err = readAccount(w.files)
	return w, err
}

func demoWorld(t testing.TB) world {
	t.Helper()
	w, err := demoFiles()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// worlds are the sample and a random world.
func worlds(t testing.TB) map[string]world {
	t.Helper()
	random, err := smallFiles()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]world{"the sample": demoWorld(t), "a random world": random}
}

// record is what the tests look at of an event record.
type record struct {
	UserIdentity struct {
		Type, ARN, AccountID, AccessKeyID, InvokedBy string
		SessionContext                               struct {
			SessionIssuer struct{ Type, ARN string }
			Attributes    struct{ CreationDate time.Time }
		}
	}
	EventTime                                    time.Time
	EventSource, EventName, AWSRegion, EventType string
	ErrorCode, ErrorMessage, EventCategory       string
	EventID                                      string
	RequestParameters, ResponseElements          json.RawMessage
	Resources                                    []struct{ Type, ARN string }
}

// principal is the role, user or root that the event is of; "" if it is nobody's of the
// account.
func (r *record) principal() string {
	id := r.UserIdentity
	switch id.Type {
	case "AssumedRole", "FederatedUser":
		return id.SessionContext.SessionIssuer.ARN
	case "IAMUser", "Root":
		return id.ARN
	default:
		return ""
	}
}

type inline struct{ PolicyName, PolicyDocument string }

type attached struct{ PolicyName, PolicyArn string }

type tag struct{ Key, Value string }

type role struct {
	Path, RoleName, Arn      string
	CreateDate               time.Time
	AssumeRolePolicyDocument json.RawMessage
	RolePolicyList           []inline
	AttachedManagedPolicies  []attached
	PermissionsBoundary      struct{ PermissionsBoundaryArn string }
	Tags                     []tag
	RoleLastUsed             struct{ LastUsedDate time.Time }
}

type user struct {
	UserName, Arn           string
	UserPolicyList          []inline
	GroupList               []string
	AttachedManagedPolicies []attached
}

type managed struct {
	PolicyName, Arn   string
	AttachmentCount   int
	PolicyVersionList []struct {
		IsDefaultVersion bool
		Document         json.RawMessage
	}
}

type details struct {
	UserDetailList  []user
	GroupDetailList []struct {
		GroupName               string
		GroupPolicyList         []inline
		AttachedManagedPolicies []attached
	}
	RoleDetailList []role
	Policies       []managed
}

// lastAccessed is an answer of get-service-last-accessed-details.
type lastAccessed struct {
	Arn, JobStatus, JobType string
	JobCompletionDate       time.Time
	ServicesLastAccessed    []struct {
		ServiceNamespace, LastAuthenticatedEntity string
		LastAuthenticated                         time.Time
		TotalAuthenticatedEntities                int
		TrackedActionsLastAccessed                []struct {
			ActionName       string
			LastAccessedTime time.Time
		}
	}
}

type keyAnswer struct {
	UserName, AccessKeyID string
	AccessKeyMetadata     []struct{ UserName, AccessKeyID, Status string }
	AccessKeyLastUsed     struct{ LastUsedDate time.Time }
}

// account is a snapshot, read.
type account struct {
	details
	roles  map[string]role
	users  map[string]user
	texts  map[string]string            // policies by name, decoded
	report map[string]map[string]string // by user and column
	keys   []keyAnswer
	last   map[string]lastAccessed // by ARN
}

func readAccount(files map[string][]byte) (account, error) {
	a := account{roles: map[string]role{}, users: map[string]user{}, texts: map[string]string{},
		report: map[string]map[string]string{}, last: map[string]lastAccessed{}}
	errs := []error{
		json.Unmarshal(files["authorization-details.json"], &a.details),
		json.Unmarshal(files["access-keys.json"], &a.keys),
		a.readReport(files["credential-report.csv"]),
		a.readPolicies(),
	}
	for name, src := range files {
		if strings.HasPrefix(name, "last-accessed/") {
			var l lastAccessed
			errs = append(errs, json.Unmarshal(src, &l))
			a.last[l.Arn] = l
		}
	}
	return a, errors.Join(errs...)
}

// readPolicies fills the maps by name.
func (a *account) readPolicies() error {
	var lists []inline
	for _, r := range a.RoleDetailList {
		a.roles[r.RoleName] = r
		lists = append(lists, r.RolePolicyList...)
	}
	for _, u := range a.UserDetailList {
		a.users[u.UserName] = u
		lists = append(lists, u.UserPolicyList...)
	}
	for _, g := range a.GroupDetailList {
		lists = append(lists, g.GroupPolicyList...)
	}
	for _, p := range lists {
		text, err := url.PathUnescape(p.PolicyDocument)
		if err != nil {
			return err
		}
		a.texts[p.PolicyName] = text
	}
	for _, p := range a.Policies {
		for _, v := range p.PolicyVersionList {
			if v.IsDefaultVersion {
				a.texts[p.PolicyName] = string(v.Document)
			}
		}
	}
	return nil
}

func (a *account) readReport(src []byte) error {
	rows, err := csv.NewReader(bytes.NewReader(src)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows[1:] {
		a.report[row[0]] = map[string]string{}
		for i, column := range rows[0] {
			a.report[row[0]][column] = row[i]
		}
	}
	return nil
}
