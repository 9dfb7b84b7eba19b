package notify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/notify"
)

// hub is a Security Hub that answers as told and remembers. Its calls are of all accounts.
type hub struct {
	calls  [][]types.AwsSecurityFinding
	fail   []types.ImportFindingsError // of the calls of our account
	failed int32                       // how many it says have failed; 0: those in fail
	err    func(account string) error
	client func(account string) error
}

func (h *hub) BatchImportFindings(_ context.Context, in *securityhub.BatchImportFindingsInput, _ ...func(*securityhub.Options)) (*securityhub.BatchImportFindingsOutput, error) {
	h.calls = append(h.calls, in.Findings)
	if h.err != nil {
		if err := h.err(*in.Findings[0].AwsAccountId); err != nil {
			return nil, err
		}
	}
	if *in.Findings[0].AwsAccountId != account {
		return &securityhub.BatchImportFindingsOutput{}, nil
	}
	failed := max(h.failed, int32(len(h.fail)))
	return &securityhub.BatchImportFindingsOutput{FailedCount: &failed, FailedFindings: h.fail}, nil
}

func (h *hub) sink(t *testing.T) *notify.SecurityHub {
	t.Helper()
	s, err := notify.NewSecurityHub(notify.SecurityHubOptions{Region: region, Client: func(_ context.Context, account string) (notify.SecurityHubAPI, error) {
		if h.client != nil {
			if err := h.client(account); err != nil {
				return nil, err
			}
		}
		return h, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASFFShape(t *testing.T) {
	h := &hub{}
	sink := h.sink(t)
	var out []byte
	for _, c := range life(t) {
		if failures := sink.Send(t.Context(), []notify.Change{c}); len(failures) > 0 {
			t.Fatal(failures)
		}
		f := h.calls[len(h.calls)-1][0]
		if f.Workflow != nil || f.Note != nil || f.Severity != nil || f.Types != nil || f.Confidence != nil || f.Criticality != nil {
			t.Error("the finding has fields that are the customer's")
		}
		src, err := json.Marshal(f, json.OmitZeroStructFields(true), json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, src...), '\n')
	}
	golden(t, "asff.json", out)
}

// However long names and lists are, ASFF's limits hold, and two findings have two ids.
func TestASFFLimits(t *testing.T) {
	long := roles(2)
	for i := range long {
		f := &long[i].Finding
		f.Type, f.Resource = finding.UnusedPermission, "arn:aws:iam::"+account+":role/"+strings.Repeat("é/", 256)+f.ID
		for range 500 {
			f.Permissions = append(f.Permissions, finding.Permissions{Namespace: "é-service-with-a-long-name"})
		}
	}
	h := &hub{}
	h.sink(t).Send(t.Context(), long)
	a, b := h.calls[0][0], h.calls[0][1]
	for name, text := range map[string]string{"title 256": *a.Title, "description 1024": *a.Description, "id 512": *a.Id, "remediation 512": *a.Remediation.Recommendation.Text} {
		var what string
		var limit int
		if _, err := fmt.Sscan(name, &what, &limit); err != nil {
			t.Fatal(err)
		}
		if len(text) > limit || text == "" || strings.ToValidUTF8(text, "") != text {
			t.Errorf("%s: %d bytes: %q", what, len(text), text)
		}
	}
	if *a.Id == *b.Id {
		t.Errorf("two findings have the id %s", *a.Id)
	}
}

// Two keys of one user are two records; one finding's changes are one.
func TestASFFIDs(t *testing.T) {
	seen := map[string]string{}
	for _, c := range life(t) {
		h := &hub{}
		h.sink(t).Send(t.Context(), []notify.Change{c})
		id := *h.calls[0][0].Id
		if other, ok := seen[id]; ok && other != c.Finding.ID {
			t.Errorf("findings %s and %s have the id %s", other, c.Finding.ID, id)
		}
		seen[id] = c.Finding.ID
	}
	if len(seen) != len(finding.Types()) {
		t.Errorf("%d ids of %d findings: %v", len(seen), len(finding.Types()), seen)
	}
	keys := roles(2)
	for i := range keys {
		f := &keys[i].Finding
		f.Type, f.Resource, f.KeySlot = finding.UnusedIAMUserAccessKey, "arn:aws:iam::"+account+":user/a", i+1
	}
	h := &hub{}
	h.sink(t).Send(t.Context(), keys)
	if a, b := *h.calls[0][0].Id, *h.calls[0][1].Id; a == b {
		t.Errorf("two keys have the id %s", a)
	}
}

func TestSecurityHubBatches(t *testing.T) {
	h := &hub{}
	changes := roles(250)
	for i := range changes[:20] {
		changes[i].Finding.Account = "999988887777"
	}
	if failures := h.sink(t).Send(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	var got []string
	for _, call := range h.calls {
		got = append(got, fmt.Sprintf("%d of %s for %s", len(call), *call[0].AwsAccountId, *call[0].ProductArn))
	}
	const ours = " of 111122223333 for arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"
	want := []string{"100" + ours, "100" + ours, "30" + ours, "20 of 999988887777 for arn:aws:securityhub:eu-west-1:999988887777:product/999988887777/default"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// 30 calls at once, and 10 a second after that, in each account by itself.
func TestSecurityHubRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hub{}
		sink := h.sink(t)
		began := time.Now()
		for i := range 50 {
			c := roles(1)
			if i >= 40 {
				c[0].Finding.Account = "999988887777"
			}
			if failures := sink.Send(t.Context(), c); len(failures) > 0 {
				t.Fatal(failures)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("50 calls took %v: want 1 s, for the 10 of one account beyond its 30", took)
		}
	})
}

func TestSecurityHubFailures(t *testing.T) {
	apiError := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "so"} }
	only := func(account string, err error) func(string) error {
		return func(a string) error {
			if a == account {
				return err
			}
			return nil
		}
	}
	refused := func(id, code string) types.ImportFindingsError {
		return types.ImportFindingsError{
			Id: aws.String(analyzed + "/arn:aws:iam::111122223333:role/" + id + "/UnusedIAMRole"), ErrorCode: aws.String(code), ErrorMessage: aws.String("so"),
		}
	}
	for _, tt := range []struct {
		name string
		hub  hub
		want []string
	}{
		{"findings that fail are told by their ids", hub{fail: []types.ImportFindingsError{refused("rab", "InvalidInput"), refused("rac", "InternalException")}},
			[]string{"finding rab: InvalidInput: so (for good)", "finding rac: InternalException: so"}},
		{"more failed than are named: all of the call are tried again", hub{failed: 2, fail: []types.ImportFindingsError{refused("rab", "InvalidInput")}},
			[]string{
				"finding rab: 2 findings failed, and Security Hub doesn't name them all",
				"finding rac: 2 findings failed, and Security Hub doesn't name them all",
			}},
		{"an account without Security Hub doesn't hold back the others", hub{err: only("999988887777", apiError("InvalidAccessException"))},
			[]string{"finding raa: InvalidAccessException: api error InvalidAccessException: so (for good)"}},
		{"an account that pare may not call as neither", hub{client: only("999988887777", apiError("AccessDenied"))},
			[]string{"finding raa: AccessDenied: no credentials for account 999988887777: api error AccessDenied: so (for good)"}},
		{"credentials that can't be had now are asked for again", hub{client: only("999988887777", errors.New("no route"))},
			[]string{"finding raa: no credentials for account 999988887777: no route"}},
		{"a limit is waited out", hub{err: only(account, apiError("LimitExceededException"))},
			[]string{"finding rab: LimitExceededException: api error LimitExceededException: so", "finding rac: LimitExceededException: api error LimitExceededException: so"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changes := roles(3)
			changes[0].Finding.Account = "999988887777"
			got := told(tt.hub.sink(t).Send(t.Context(), changes))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestSecurityHubWants(t *testing.T) {
	for _, o := range []notify.SecurityHubOptions{{Region: region}, {Client: func(context.Context, string) (notify.SecurityHubAPI, error) { return nil, nil }}} {
		if _, err := notify.NewSecurityHub(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
