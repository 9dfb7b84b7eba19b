package jobs_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/jobs"
	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/store/storetest"
)

const motoAccount = "123456789012"

// liveAWS is an AWS with one role, and a source that collects from it.
func liveAWS(t *testing.T, clock *clock) (jobs.Live, *int) {
	t.Helper()
	server := awstest.Start(t, awstest.Options{})
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	}
	_, err := iam.NewFromConfig(cfg).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName:                 aws.String("app"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	check(t, err)
	logs := 0
	return jobs.Live{
		Root: filepath.Join(t.TempDir(), "accounts"), Now: clock.now,
		Config: func(context.Context, store.Account) (aws.Config, error) { return cfg, nil },
		Logs: func(_ context.Context, _ aws.Config, _ store.Account, dir string) ([]snapshot.Missing, error) {
			logs++
			_, err := os.Stat(filepath.Join(dir, "authorization-details.json"))
			return nil, err
		},
	}, &logs
}

func TestALiveAccountIsCollectedAndScanned(t *testing.T) {
	clock := newClock(time.Now())
	live, logs := liveAWS(t, clock)
	a := store.Account{ID: motoAccount}
	if _, err := live.Folder(t.Context(), a); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first time: %v", err)
	}
	s := open(t, storetest.New(t, storetest.SQLite))
	check(t, s.PutAccount(t.Context(), by(), a))
	arn := must(s.CreateAnalyzer(t.Context(), by(), store.NewAnalyzer{Analyzer: store.Analyzer{
		ARN: "arn:aws:access-analyzer:us-east-1:" + motoAccount + ":analyzer/o", Name: "o", Type: store.OrganizationUnused, UnusedAge: 90, Status: "ACTIVE",
	}}))(t)
	o := quick(jobs.Sources{"": live})
	o.Now = clock.now
	start(t, s, o)
	await(t, "a run that is over", func() bool {
		all := must(s.Runs(t.Context(), arn, motoAccount, store.Page{}))(t).Items
		return len(all) > 0 && all[0].State != store.Running
	})
	run := must(s.Runs(t.Context(), arn, motoAccount, store.Page{}))(t).Items[0]
	if run.State != store.Complete || run.Report.Roles != 1 || *logs != 1 {
		t.Errorf("run %+v, logs read %d times", run, *logs)
	}
	for range 3 {
		clock.pass(time.Hour)
		dir := must(live.Collect(t.Context(), a))(t)
		if now := must(live.Folder(t.Context(), a))(t); now != dir {
			t.Errorf("the last folder is %s: want %s", now, dir)
		}
	}
	if all := must(os.ReadDir(filepath.Join(live.Root, motoAccount)))(t); len(all) != 2 {
		t.Errorf("%d folders: want the last two", len(all))
	}
}

func TestSourcesAreFoundByName(t *testing.T) {
	src := jobs.Sources{"here": folders(t)}
	for _, c := range []struct {
		name string
		of   store.Account
		want string // of the error
	}{
		{"one that is there", store.Account{ID: account, Source: "here"}, ""},
		{"a name that isn't there", store.Account{ID: account, Source: "there"}, `account 111122223333: no source "there": the configuration has "here"`},
		{"what isn't an ID", store.Account{ID: "../../etc", Source: "here"}, `account "../../etc": want the twelve digits of an account`},
	} {
		_, err := src.Collect(t.Context(), c.of)
		_, again := src.Folder(t.Context(), c.of)
		for _, err := range []error{err, again} {
			if got := text(err); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	}
	if _, err := src.Folder(t.Context(), store.Account{ID: motoAccount, Source: "here"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an account without a folder: %v", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Whatever becomes of the logs, the account is collected. What couldn't be read of them is
// among what is missing, and what was there before stays with its own coverage.
func TestLogsThatCannotBeRead(t *testing.T) {
	clock := newClock(time.Now())
	live, _ := liveAWS(t, clock)
	closed := errors.New("s3://logs: access denied")
	part := snapshot.Missing{What: "part of the evidence of CloudTrail", Why: "1 of 2 log files"}
	all := snapshot.Missing{What: snapshot.TrailEvidence, Why: "s3://logs: access denied"}
	for i, c := range []struct {
		name    string
		write   string
		missing []snapshot.Missing
		err     error

		wantUses    string
		wantMissing []snapshot.Missing
	}{
		{"closed from the beginning", "", nil, closed, "", []snapshot.Missing{all}},
		{"open", "one", nil, nil, "one", nil},
		{"closed", "", nil, closed, "one", []snapshot.Missing{all}},
		{"still closed", "", nil, closed, "one", []snapshot.Missing{all}},
		{"open in part", "two", []snapshot.Missing{part}, nil, "two", []snapshot.Missing{part}},
		{"without a file", "", nil, nil, "", nil},
	} {
		clock.pass(time.Hour)
		live.Logs = func(_ context.Context, _ aws.Config, _ store.Account, dir string) ([]snapshot.Missing, error) {
			if c.write == "" {
				return c.missing, c.err
			}
			for _, name := range []string{snapshot.UsageFile, snapshot.CoverageFile} {
				check(t, os.WriteFile(filepath.Join(dir, name), []byte(c.write), 0o600))
			}
			return c.missing, c.err
		}
		folder := must(snapshot.Open(must(live.Collect(t.Context(), store.Account{ID: motoAccount}))(t)))(t)
		for _, f := range []snapshot.File{folder.Usage, folder.Coverage} {
			got := ""
			if f.There() {
				got = string(must(f.Read())(t))
			}
			if got != c.wantUses {
				t.Errorf("%d, %s: %q, want %q", i, c.name, got, c.wantUses)
			}
		}
		about := slices.DeleteFunc(folder.Info.Missing, func(m snapshot.Missing) bool { return !strings.Contains(m.What, "CloudTrail") })
		if diff := cmp.Diff(c.wantMissing, about, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%d, %s: -want +got\n%s", i, c.name, diff)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	live.Logs = func(context.Context, aws.Config, store.Account, string) ([]snapshot.Missing, error) {
		cancel()
		return nil, ctx.Err()
	}
	if _, err := live.Collect(ctx, store.Account{ID: motoAccount}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
