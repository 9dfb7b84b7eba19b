package cloudtrail_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// record is the text of a record of a call of ec2, and long one that is larger than a window.
func record(name string) string { return text(call("ec2", name)) }

func TestBrokenRecords(t *testing.T) {
	a, b, c := record("DescribeInstances"), record("StopInstances"), record("DescribeVpcs")
	const all = "ec2:DescribeInstances, ec2:DescribeVpcs"
	tests := []struct{ name, file, uses, broken string }{
		{"no comma", `{"Records":[` + a + c + `]}`, all, `0.json 1: byte 463: '{': want a comma or a closing bracket`},
		{"a value that is none", `{"Records":[` + a + `,` + strings.Replace(b, "true", "tru", 1) + `,` + c + `]}`, all, `0.json 1: byte 683: ',': want true`},
		{"a quote too few", `{"Records":[` + a + `,` + strings.Replace(b, `"ec2.`, `ec2.`, 1) + `,` + c + `]}`, all, `0.json 1: byte 560: 'e': want a value`},
		{"a quote too few, with white space", `{"Records": [ ` + a + ` , ` + strings.Replace(b, `"ec2.`, `ec2.`, 1) + ",\n\t{\n\t\t" + c[1:] + ` ] }`, all, `0.json 1: byte 564: 'e': want a value`},
		{"a string that doesn't end swallows the next one's beginning", `{"Records":[` + a + `,` + strings.Replace(b, `StopInstances"`, `StopInstances`, 1) + `,` + c + `]}`, all, `0.json 1: byte 546: 'e': want a comma or the closing bracket`},
		{"no event source", `{"Records":[` + a + `,` + strings.Replace(b, "eventSource", "eventSauce", 1) + `,` + c + `]}`, all, `0.json 1: byte 464: no eventSource: want the service called, such as "s3.amazonaws.com"`},
		{"no event name", `{"Records":[` + a + `,` + strings.Replace(b, "eventName", "name", 1) + `,` + c + `]}`, all, `0.json 1: byte 464: no eventName: want the operation called, such as "GetObject"`},
		{"no time", `{"Records":[` + a + `,` + strings.Replace(b, "2026-03-05T10", "yesterday", 1) + `,` + c + `]}`, all, `0.json 1: byte 464: eventTime "yesterday:11:12Z": want the time of the call, as 2023-07-19T21:17:28Z`},
		{"a day that isn't", `{"Records":[` + a + `,` + strings.Replace(b, "2026-03-05", "2026-02-29", 1) + `,` + c + `]}`, all, `0.json 1: byte 464: eventTime "2026-02-29T10:11:12Z": want the time of the call, as 2023-07-19T21:17:28Z`},
		{"a year that isn't", `{"Records":[` + a + `,` + strings.Replace(b, "2026-03-05", "1926-03-05", 1) + `,` + c + `]}`, all, `0.json 1: byte 464: eventTime "1926-03-05T10:11:12Z": want the time of the call, as 2023-07-19T21:17:28Z`},
		{"null for a record", `{"Records":[` + a + `,null,` + c + `]}`, all, `0.json 1: byte 464: 'n': want an event record, which is an object`},
		{"a comma too many", `{"Records":[` + a + `,` + c + `,]}`, all, `0.json 2: byte 911: ']': want an event record, which is an object`},
		{"cut in a record", `{"Records":[` + a + `,` + c + `,` + b[:100], all, `0.json 2: byte 1011: the text ends in the middle of a value`},
		{"cut between records", `{"Records":[` + a + `,` + c + `,`, all, `0.json 2: byte 911: the file ends inside the list of records`},
		{"cut behind a record", `{"Records":[` + a + `,` + c, all, `0.json 2: byte 910: the file ends inside the list of records`},
		{"cut behind the list", `{"Records":[` + a + `,` + c + `]`, all, `0.json 2: byte 911: want a comma or a closing brace behind the records`},
		{"cut at the first record", `{"Records":[`, "", `0.json 0: byte 12: the file ends inside the list of records`},
		{"a line that isn't JSON", a + "\nfoo\n" + c, all, `0.json 1: byte 452: want an event record, which begins with {`},
		{"a broken line", a + "\n" + b[:100] + "\n" + c, all, `0.json 1: byte 552: '\n': want no control character in a string`},
		{"a line of another kind", a + "\n{\"level\":1}\n" + c, all, `0.json 1: byte 452: eventTime "": want the time of the call, as 2023-07-19T21:17:28Z`},
		{"a cut line at the end", a + "\n" + c + "\n" + b[:100], all, `0.json 2: byte 999: the text ends in the middle of a value`},
		{"an event inside that isn't one", `{"Events":[{"CloudTrailEvent":` + text(a) + `},{"CloudTrailEvent":"{}x"},{"CloudTrailEvent":` + text(c) + `}]}`, all, `0.json 1: byte 545: the event inside: 'x': want the end of the event`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tally := read(t, cloudtrail.Options{}, tt.file)
			if diff := cmp.Diff(tt.uses, strings.Join(actions(tally.Uses()), ", ")); diff != "" {
				t.Errorf("uses, -want +got:\n%s", diff)
			}
			c := tally.Coverage()
			if diff := cmp.Diff([]string{tt.broken}, messages(c)); diff != "" {
				t.Errorf("broken, -want +got:\n%s", diff)
			}
			if c.Files != (usage.FileCounts{Broken: 1}) {
				t.Errorf("%+v", c.Files)
			}
		})
	}
}

func TestRecordsLargerThanTheWindow(t *testing.T) {
	long := text(call("ec2", "StopInstances", fields{"userAgent": strings.Repeat("é", 1<<20)}))
	huge := text(call("ec2", "StartInstances", fields{"userAgent": strings.Repeat("x", 17<<20)}))
	tally := read(t, cloudtrail.Options{}, `{"Records":[`+long+`,`+huge+`,`+record("DescribeVpcs")+`]}`)
	if diff := cmp.Diff([]string{"ec2:DescribeVpcs", "ec2:StopInstances"}, actions(tally.Uses())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := messages(tally.Coverage())
	if len(got) != 1 || !strings.HasSuffix(got[0], "want a record of at most 16 MB") {
		t.Errorf("broken: %v", got)
	}
}

func TestErrorsOfTheReader(t *testing.T) {
	failure := errors.New("gzip: invalid checksum")
	tally := mapper().NewTally(cloudtrail.Options{})
	whole := `{"Records":[` + record("DescribeInstances") + `,` + record("DescribeVpcs")
	err := tally.Read("a.json", io.MultiReader(strings.NewReader(whole), iotest.ErrReader(failure)))
	if !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	if diff := cmp.Diff([]string{"ec2:DescribeInstances", "ec2:DescribeVpcs"}, actions(tally.Uses())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want := []string{
		fmt.Sprintf("a.json -1: byte %d: gzip: invalid checksum", len(whole)),
		fmt.Sprintf("a.json 2: byte %d: the file ends inside the list of records", len(whole)),
	}
	if diff := cmp.Diff(want, messages(tally.Coverage())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestManyBrokenRecordsAreListedOnlySoFar(t *testing.T) {
	c := read(t, cloudtrail.Options{}, "["+strings.Repeat(`{"eventVersion":1},`, 5000)+record("DescribeVpcs")+"]").Coverage()
	if len(c.Broken) != 1001 || c.Broken[0].Error != "4000 more broken records" || c.Records.Read != 1 {
		t.Errorf("%d broken, the first %v; %+v", len(c.Broken), c.Broken[0], c.Records)
	}
}
