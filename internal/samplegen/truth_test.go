package samplegen_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/samplegen"
)

// irregular are the events of the sample whose IAM action has another name.
var irregular = map[string]string{
	"s3:HeadObject": "s3:GetObject", "s3:ListObjects": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket",
	"s3:ListBuckets": "s3:ListAllMyBuckets", "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",
	"s3:GetBucketEncryption":         "s3:GetEncryptionConfiguration",
	"lambda:CreateFunction20150331":  "lambda:CreateFunction",
	"lambda:GetFunction20150331v2":   "lambda:GetFunction",
	"lambda:AddPermission20150331v2": "lambda:AddPermission", "lambda:ListFunctions20150331": "lambda:ListFunctions",
	"lambda:PublishVersion20150331":             "lambda:PublishVersion",
	"lambda:UpdateFunctionCode20150331v2":       "lambda:UpdateFunctionCode",
	"lambda:GetFunctionConfiguration20150331v2": "lambda:GetFunctionConfiguration",
	"access-analyzer:GetFindingV2":              "access-analyzer:GetFinding",
	"access-analyzer:ListFindingsV2":            "access-analyzer:ListFindings",
	"tagging:GetResources":                      "tag:GetResources",
	// not actions of a principal
	"sts:GetCallerIdentity": "", "signin:ConsoleLogin": "", "codecatalyst:ListDevEnvironments": "", "billingconsole:GetConsolePreferences": "",
}

// actionOf is the IAM action of an event of the sample; "" if it is none.
func actionOf(r record) string {
	service := strings.TrimSuffix(r.EventSource, ".amazonaws.com")
	if service == "monitoring" {
		service = "cloudwatch"
	}
	name := service + ":" + r.EventName
	if action, ok := irregular[name]; ok {
		return action
	}
	return name
}

// The logs, recounted with encoding/json, hold each use that the truth says they hold,
// and no other.
func TestLogsTellTheTruth(t *testing.T) {
	w := demoWorld(t)
	want, got := map[string]int{}, map[string]int{}
	wantPassed, gotPassed := map[string]int{}, map[string]int{}
	for u := range w.Truth() {
		switch {
		case !u.Logged:
		case u.Inferred:
			wantPassed[u.Principal]++
		default:
			want[fmt.Sprint(u.Principal, u.Action, u.Region, u.Time.Unix(), u.Denied, u.Via)]++
		}
	}
	for _, r := range w.records {
		principal, action := r.principal(), actionOf(r)
		if principal == "" || action == "" {
			continue
		}
		denied := r.ErrorCode != ""
		got[fmt.Sprint(principal, action, r.AWSRegion, r.EventTime.Unix(), denied, r.UserIdentity.InvokedBy)]++
		if strings.Contains(string(r.RequestParameters), ":role/") && !strings.HasPrefix(action, "sts:") && !strings.HasPrefix(action, "iam:") {
			gotPassed[principal]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-truth +logs\n%s", diff)
	}
	if diff := cmp.Diff(wantPassed, gotPassed); diff != "" {
		t.Errorf("iam:PassRole, -truth +logs\n%s", diff)
	}
}

func TestTruthIsInOrderAndEndsBeforeNow(t *testing.T) {
	var last samplegen.Use
	n := 0
	for u := range demo().Truth() {
		if u.Time.Before(last.Time) || !u.Time.Before(samplegen.Demo().Now) {
			t.Fatalf("%v after %v", u, last)
		}
		last = u
		n++
	}
	if n < 50_000 {
		t.Errorf("%d uses", n)
	}
	for range demo().Truth() {
		break // may be left at any time
	}
}

// latest is when something was last used, by principal.
type latest map[string]map[string]time.Time

func (l latest) see(principal, what string, at time.Time) {
	if l[principal] == nil {
		l[principal] = map[string]time.Time{}
	}
	if at.After(l[principal][what]) {
		l[principal][what] = at
	}
}

func TestLastAccessedTellsTheTruth(t *testing.T) {
	for name, w := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			services, actions := latest{}, latest{}
			for u := range w.Truth() {
				if !u.Inferred {
					service, _, _ := strings.Cut(u.Action, ":")
					services.see(u.Principal, service, u.Time)
					actions.see(u.Principal, u.Action, u.Time)
				}
			}
			for arn, docs := range identityPolicies(t, w.account) {
				allowed := access.Actions(catalog.Embedded(), docs...).Services
				allowed = slices.DeleteFunc(allowed, func(s string) bool { return catalog.Embedded().Service(s) == nil })
				checkAnswer(t, w.account.last[arn], allowed, services[arn], actions[arn])
			}
		})
	}
}

func checkAnswer(t *testing.T, l lastAccessed, allowed []string, services, actions map[string]time.Time) {
	t.Helper()
	var listed []string
	for _, s := range l.ServicesLastAccessed {
		listed = append(listed, s.ServiceNamespace)
		if s.ServiceNamespace == "sts" {
			continue // GetCallerIdentity counts here and isn't a use
		}
		if want := services[s.ServiceNamespace]; !s.LastAuthenticated.Equal(want) {
			t.Errorf("%s: %s last authenticated %v, want %v", l.Arn, s.ServiceNamespace, s.LastAuthenticated, want)
		}
		if got := len(s.TrackedActionsLastAccessed) > 0; got && s.LastAuthenticated.IsZero() {
			t.Errorf("%s: %s lists actions and was never attempted", l.Arn, s.ServiceNamespace)
		}
		for _, a := range s.TrackedActionsLastAccessed {
			known := catalog.Embedded().Lookup(s.ServiceNamespace, a.ActionName)
			if known == nil || !known.Tracked.Has(catalog.LastAccessed) {
				t.Errorf("%s: %s:%s isn't tracked", l.Arn, s.ServiceNamespace, a.ActionName)
			}
			if want := actions[s.ServiceNamespace+":"+a.ActionName]; !a.LastAccessedTime.Equal(want) {
				t.Errorf("%s: %s:%s last accessed %v, want %v", l.Arn, s.ServiceNamespace, a.ActionName, a.LastAccessedTime, want)
			}
		}
	}
	if diff := cmp.Diff(allowed, listed); diff != "" {
		t.Errorf("%s: services -allowed +listed\n%s", l.Arn, diff)
	}
}

func TestLastUsesFollow(t *testing.T) {
	w := demoWorld(t)
	a := w.account
	used := latest{}
	for u := range w.Truth() {
		used.see(u.Principal, "", u.Time)
	}
	for _, r := range a.RoleDetailList {
		got, want := r.RoleLastUsed.LastUsedDate, used[r.Arn][""]
		free := r.RoleName == "ci-deployer" || r.RoleName == "support-tools" // also call what needs no permission or maps to none
		if !got.Equal(want) && !(free && got.After(want)) {
			t.Errorf("%s: last used %v, want %v", r.RoleName, got, want)
		}
		if want.Before(r.CreateDate) && !want.IsZero() {
			t.Errorf("%s: used at %v, made at %v", r.RoleName, want, r.CreateDate)
		}
	}
	keys, logins := latest{}, latest{}
	for _, r := range w.records {
		if strings.HasPrefix(r.UserIdentity.AccessKeyID, "AKIA") {
			keys.see(r.UserIdentity.AccessKeyID, "", r.EventTime)
		}
		if r.EventName == "ConsoleLogin" && r.ErrorMessage == "" {
			logins.see(r.UserIdentity.ARN, "", r.EventTime)
		}
	}
	for _, k := range a.keys {
		if got, logged := k.AccessKeyLastUsed.LastUsedDate, keys[k.AccessKeyID][""]; got.Before(logged) {
			t.Errorf("%s: key last used %v, but the log has %v", k.UserName, got, logged)
		}
		delete(keys, k.AccessKeyID)
	}
	if len(keys) > 0 {
		t.Errorf("keys in the logs that nobody has: %v", slices.Collect(maps.Keys(keys)))
	}
	for _, row := range a.report {
		if want, ok := logins[row["arn"]]; ok && row["password_last_used"] != want[""].Format("2006-01-02T15:04:05+00:00") {
			t.Errorf("%s: password last used %s, but the log has %v", row["user"], row["password_last_used"], want)
		}
	}
}

// Each digest accounts for its day's log file, and names the digest before it.
func TestDigestsAccountForTheLogs(t *testing.T) {
	files := demoWorld(t).files
	accounted := map[string]bool{}
	first := 0
	for name, raw := range files {
		if !strings.Contains(name, "/CloudTrail-Digest/") {
			continue
		}
		var d struct {
			DigestStartTime, DigestEndTime                  time.Time
			DigestS3Object                                  string
			PreviousDigestS3Object, PreviousDigestHashValue string
			LogFiles                                        []struct {
				S3Object, HashValue              string
				OldestEventTime, NewestEventTime time.Time
			}
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d.DigestS3Object != name || d.DigestEndTime.Sub(d.DigestStartTime) != 24*time.Hour {
			t.Errorf("%s: of %s, from %v to %v", name, d.DigestS3Object, d.DigestStartTime, d.DigestEndTime)
		}
		for _, l := range d.LogFiles {
			if l.HashValue != hashOf(files[l.S3Object]) || l.OldestEventTime.Before(d.DigestStartTime) || l.NewestEventTime.After(d.DigestEndTime) {
				t.Errorf("%s: wrong about %s", name, l.S3Object)
			}
			accounted[l.S3Object] = true
		}
		switch before := d.PreviousDigestS3Object; {
		case before == "":
			first++
		case hashOf(files[before]) != d.PreviousDigestHashValue:
			t.Errorf("%s: wrong about the one before, %s", name, before)
		}
	}
	if len(accounted) != 240 || first != 2 {
		t.Errorf("%d log files accounted for, %d first digests; want 240 and 2", len(accounted), first)
	}
}

func hashOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
