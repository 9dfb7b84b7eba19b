package cloudtrail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// anyRecord draws records of all kinds, and now and then a broken one.
func anyRecord(t *rapid.T) fields {
	pick := func(label string, list ...any) any { return rapid.SampledFrom(list).Draw(t, label) }
	source := pick("source", "s3", "lambda", "dynamodb", "ec2", "sts", "kms", "iam", "ecs", "nosuch", "apigateway", "signin", "codeartifact", "cloudtrail").(string)
	names := map[string][]any{
		"s3": {"GetObject", "PutObject", "ListObjects", "GetBucketAcl", "HeadObject", "CopyObject"}, "lambda": {"Invoke", "CreateFunction20150331", "GetFunction20150331v2"},
		"dynamodb": {"Query", "GetItem", "DescribeTable", "DescribeEndpoints"}, "ec2": {"RunInstances", "DescribeInstances"}, "sts": {"AssumeRole", "GetCallerIdentity"},
		"kms": {"ReEncrypt", "Decrypt"}, "iam": {"CreateRole", "GetRole"}, "ecs": {"RunTask", "ListTasks"}, "apigateway": {"CreateApi", "GetRestApis"},
		"codeartifact": {"CreateDomain", "ListDomains"}, "cloudtrail": {"PutEventSelectors", "LookupEvents"},
	}[source]
	if names == nil {
		names = []any{"Some", "Thing"}
	}
	r := call(source, pick("name", names...).(string), fields{
		"eventTime":     fmt.Sprintf("2026-%02d-%02dT%02d:%02d:59Z", rapid.IntRange(2, 3).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")),
		"userIdentity":  pick("identity", user, session, fields{"type": "AWSService"}, issuedBy("AssumedRole", "x", "arn:aws:iam::1:role/é\"\\"), fields{"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/r/s", "invokedBy": "athena.amazonaws.com"}),
		"errorCode":     pick("error", nil, "", "AccessDenied", "NoSuchKey", 7),
		"awsRegion":     pick("region", "eu-west-1", "us-east-1"),
		"eventType":     pick("type", "AwsApiCall", "AwsApiCall", "AwsServiceEvent"),
		"eventCategory": pick("category", "Management", "Data", "Insight", nil),
		"userAgent":     rapid.String().Draw(t, "agent"),
		"requestParameters": pick("params", nil, "text", fields{}, fields{"bucketName": "shop", "key": "a/b"}, fields{"functionName": "f", "role": "arn:aws:iam::1:role/<x>"},
			fields{"tableName": "t", "deep": []any{1.5, fields{"executionRoleArn": "arn:aws:iam::1:role/y"}, "z", []any{"arn:aws:s3:::q"}}}, fields{"iamInstanceProfile": fields{"name": "p"}}, fields{"domain": "tags", "deep": []any{fields{"tags": []any{}}}}),
		"resources": pick("resources", nil, []any{}, []any{nil, fields{"ARN": "arn:aws:s3:::shop/a/" + rapid.StringMatching(`[a-z]{1,2}`).Draw(t, "key"), "type": "AWS::S3::Object"}, fields{"ARN": "arn:aws:s3:::shop", "type": "AWS::S3::Bucket"}},
			[]any{fields{"ARN": "arn:aws:dynamodb:eu-west-1:1:table/t/index/i"}, fields{"ARN": "arn:aws:lambda:eu-west-1:1:function:f:prod"}}),
	})
	if s, ok := r["requestParameters"].(string); ok && s == "text" {
		delete(r, "requestParameters") // a row's, which TestFormats has
	}
	return r
}

// anyFiles draws the texts of some log files.
func anyFiles(t *rapid.T) []string {
	var files []string
	for range rapid.IntRange(1, 4).Draw(t, "files") {
		var records []fields
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			records = append(records, anyRecord(t))
		}
		files = append(files, log(records...))
	}
	return files
}

func TestRecountAgreesOnAnyRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, text := range anyFiles(t) {
			compareWithRecount(t, []byte(text))
		}
	})
}

// broken breaks a file somewhere, or not.
func broken(t *rapid.T, text string) string {
	switch rapid.IntRange(0, 5).Draw(t, "damage") {
	case 0:
		return text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
	case 1:
		text += " "
		i := rapid.IntRange(0, len(text)-1).Draw(t, "place")
		return text[:i] + rapid.SampledFrom([]string{"\"", "{", "}", "\x00", ",", "x"}).Draw(t, "byte") + text[i+1:]
	}
	return text
}

type answer struct {
	Uses     []usage.Use
	Coverage usage.Coverage
}

func answerOf(t *cloudtrail.Tally) answer { return answer{t.Uses(), t.Coverage()} }

// In whatever order files are read, tallies merged and journals taken, the answers are
// the same.
func TestOrderDoesntMatter(t *testing.T) {
	m := mapper()
	rapid.Check(t, func(t *rapid.T) {
		files := anyFiles(t)
		for i := range files {
			files[i] = broken(t, files[i])
		}
		names := []string{"a.json", "111122223333_CloudTrail_eu-west-1_20260305T1015Z_abc.json.gz", "c.json", "d.json"}
		tally := func() *cloudtrail.Tally { return m.NewTally(cloudtrail.Options{AllData: []string{"AWS::S3::Object"}}) }
		want := tally()
		var parts []*cloudtrail.Tally
		for i, text := range files {
			mustRead(t, want, names[i], strings.NewReader(text))
			one := tally()
			mustRead(t, one, names[i], iotest.OneByteReader(strings.NewReader(text)))
			parts = append(parts, journal(t, one, tally()))
		}
		for len(parts) > 1 {
			i := rapid.IntRange(0, len(parts)-1).Draw(t, "from")
			from := parts[i]
			parts = append(parts[:i], parts[i+1:]...)
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "to")].Merge(from)
		}
		if diff := cmp.Diff(answerOf(want), answerOf(parts[0])); diff != "" {
			t.Errorf("-read in order +merged:\n%s", diff)
		}
		writable(t, want)
	})
}

// However much of a file is in memory at once, what is read and what is broken is the
// same.
func TestWindowDoesntMatter(t *testing.T) {
	m := mapper()
	rapid.Check(t, func(t *rapid.T) {
		narrow := cloudtrail.Narrow(m, rapid.IntRange(16, 3000).Draw(t, "window")).NewTally(cloudtrail.Options{})
		wide := m.NewTally(cloudtrail.Options{})
		for i, text := range anyFiles(t) {
			text = anyForm(t, text)
			text = broken(t, text)
			mustRead(t, wide, fmt.Sprint(i), strings.NewReader(text))
			mustRead(t, narrow, fmt.Sprint(i), iotest.HalfReader(strings.NewReader(text)))
		}
		if diff := cmp.Diff(answerOf(wide), answerOf(narrow)); diff != "" {
			t.Errorf("-wide +narrow:\n%s", diff)
		}
	})
}

// anyForm writes a log file in another form, or not.
func anyForm(t *rapid.T, log string) string {
	var file struct{ Records []json.RawMessage }
	if err := json.Unmarshal([]byte(log), &file); err != nil {
		t.Fatal(err)
	}
	var lines, rows strings.Builder
	rows.WriteString("eventid,eventjson\n")
	events := []fields{}
	for _, r := range file.Records {
		lines.WriteString(string(r) + "\n")
		rows.WriteString("1,\"" + strings.ReplaceAll(string(r), `"`, `""`) + "\"\n")
		events = append(events, fields{"CloudTrailEvent": string(r)})
	}
	return rapid.SampledFrom([]string{log, lines.String(), rows.String(), text(fields{"NextToken": nil, "Events": events})}).Draw(t, "form")
}

// writable says whether package usage takes what a tally answers.
func writable(t *rapid.T, tally *cloudtrail.Tally) {
	if err := usage.WriteUses(io.Discard, slices.Values(tally.Uses())); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := usage.WriteCoverage(&out, tally.Coverage()); err != nil {
		t.Fatal(err)
	}
	if _, err := usage.ParseCoverage("usage.coverage.json", out.Bytes()); err != nil {
		t.Error(err)
	}
}

func mustRead(t interface{ Fatal(...any) }, tally *cloudtrail.Tally, name string, r io.Reader) {
	if err := tally.Read(name, r); err != nil {
		t.Fatal(err)
	}
}

// journal writes from, reads it into to, and returns that.
func journal(t interface{ Fatal(...any) }, from, to *cloudtrail.Tally) *cloudtrail.Tally {
	text, err := from.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := to.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	again, err := to.MarshalBinary()
	if err != nil || !bytes.Equal(text, again) {
		t.Fatal("written again, it isn't the same: ", err)
	}
	return to
}

// A damaged journal is refused or is another tally, and never a panic.
func TestDamagedJournal(t *testing.T) {
	m := mapper()
	rapid.Check(t, func(t *rapid.T) {
		one := m.NewTally(cloudtrail.Options{})
		for i, text := range anyFiles(t) {
			mustRead(t, one, fmt.Sprint(i), strings.NewReader(text))
		}
		text, err := one.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "cut") {
			text = text[:rapid.IntRange(0, len(text)-1).Draw(t, "length")]
		} else {
			text[rapid.IntRange(0, len(text)-1).Draw(t, "place")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		to := m.NewTally(cloudtrail.Options{})
		before := answerOf(to)
		if err := to.UnmarshalBinary(text); err != nil {
			if diff := cmp.Diff(before, answerOf(to)); diff != "" {
				t.Errorf("refused and nevertheless read:\n%s", diff)
			}
			return
		}
		answerOf(to)
	})
}

// Without one of the files there are no more hours known and no more uses: what is called
// unused can only shrink by the hours, and doesn't grow by what is no longer seen.
func TestALogFileLessTellsLess(t *testing.T) {
	m := mapper()
	rapid.Check(t, func(t *rapid.T) {
		files := anyFiles(t)
		all, fewer := m.NewTally(cloudtrail.Options{}), m.NewTally(cloudtrail.Options{})
		without := rapid.IntRange(0, len(files)-1).Draw(t, "without")
		for i, text := range files {
			mustRead(t, all, fmt.Sprint(i), strings.NewReader(text))
			if i != without {
				mustRead(t, fewer, fmt.Sprint(i), strings.NewReader(text))
			}
		}
		more := knownHours(all.Coverage())
		for hour := range knownHours(fewer.Coverage()) {
			if !more[hour] {
				t.Errorf("known without file %d alone: %s", without, hour)
			}
		}
		counts := map[string]int{}
		for _, u := range all.Uses() {
			counts[fmt.Sprint(u.Principal, u.Action, u.ResourceType, u.Day, u.Primary)] = u.Count
		}
		for _, u := range fewer.Uses() {
			if counts[fmt.Sprint(u.Principal, u.Action, u.ResourceType, u.Day, u.Primary)] < u.Count {
				t.Errorf("more uses without file %d: %+v", without, u)
			}
		}
	})
}

func knownHours(c usage.Coverage) map[string]bool {
	out := map[string]bool{}
	for _, a := range c.Accounts {
		for _, r := range a.Regions {
			for h := r.From; h.Before(r.To); h = h.Add(time.Hour) {
				out[a.ID+r.Name+h.String()] = true
			}
			for _, g := range r.Gaps {
				for h := g.From; h.Before(g.To); h = h.Add(time.Hour) {
					delete(out, a.ID+r.Name+h.String())
				}
			}
		}
	}
	return out
}

// Memory is for what differs, not for records.
func TestMemoryIsBounded(t *testing.T) {
	tally := mapper().NewTally(cloudtrail.Options{})
	text := bulk(t, 2000)
	mustRead(t, tally, "a.json", bytes.NewReader(text))
	cells := tally.Cells()
	for range 5 {
		mustRead(t, tally, "a.json", bytes.NewReader(text))
	}
	if tally.Cells() != cells {
		t.Errorf("%d cells after reading the same again, %d before", tally.Cells(), cells)
	}
	r := bytes.NewReader(text)
	if n := testing.AllocsPerRun(5, func() {
		r.Reset(text)
		mustRead(t, tally, "a.json", r)
	}); n > 1000 { // a file has a few for itself, and the race detector empties pools
		t.Errorf("%.0f allocations for 2,000 records that were seen before", n)
	}
}
