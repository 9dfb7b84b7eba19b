package awstest_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/internal/awstest"
)

// Clients understand a fault as AWS's own answer, or the network's.
func TestFaultsThroughTheCLI(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{})
	iam := func(c awstest.Call) bool { return c.Service == "iam" }
	for _, test := range []struct {
		name, args string
		fault      awstest.Fault
		want       string
	}{
		{"denied", "iam list-users", awstest.Deny, "(AccessDenied)"},
		{"throttled", "iam list-users", awstest.Throttle, "(Throttling)"},
		{"an error of a JSON service", "organizations list-roots", awstest.Refuse(400, "TooManyRequestsException", "slow down"), "(TooManyRequestsException) when calling the ListRoots operation"},
		{"cut off", "iam list-users", awstest.Cut, "Connection was closed before we received a valid response"},
		{"a page", "iam list-users", awstest.Say(503, "text/html", "<html>"), "503"},
		{"none of this service's", "sts get-caller-identity", awstest.On(iam, awstest.Deny), "123456789012"},
		{"not the second", "iam list-users", awstest.First(0, awstest.Deny), `"Users"`},
		{"a wait, and then the next", "iam list-users", awstest.Any(awstest.Delay(1), awstest.Deny), "(AccessDenied)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.SetFault(test.fault)
			if got := cli(t, s, strings.Fields(test.args)...); !strings.Contains(got, test.want) {
				t.Errorf("got %s, want %s in it", got, test.want)
			}
		})
	}
}

// A seed always draws the same calls, and another one others.
func TestSometimes(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (out []bool) {
		f := awstest.Sometimes(seed, 0.5, func(http.ResponseWriter, awstest.Call) bool { return true })
		for range 50 {
			out = append(out, f(nil, awstest.Call{}))
		}
		return out
	}
	if diff := cmp.Diff(draw(1), draw(1)); diff != "" {
		t.Errorf("the same seed: -want +got\n%s", diff)
	}
	if cmp.Equal(draw(1), draw(2)) {
		t.Error("two seeds draw the same calls")
	}
}

// A call says whose it is, by its key.
func TestWhoseACallIs(t *testing.T) {
	t.Parallel()
	s := awstest.Start(t, awstest.Options{})
	want := []string{"111122223333", "999999999998"}
	for _, id := range want {
		session := s.SetUp(awstest.Key{}, "sts", "AssumeRole", "RoleArn", "arn:aws:iam::"+id+":role/r", "RoleSessionName", "s")
		cmd := exec.Command(awstest.Need(t, awstest.AWS), "--endpoint-url", s.URL, "sts", "get-caller-identity")
		cmd.Env = append(s.Environment(), "AWS_ACCESS_KEY_ID="+session.Text("AccessKeyId"), "AWS_SESSION_TOKEN="+session.Text("SessionToken"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cli(t, s, "sts", "get-caller-identity")
	var got []string
	for _, c := range s.Calls() {
		got = append(got, c.Account)
	}
	if diff := cmp.Diff(append(want, "123456789012"), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
