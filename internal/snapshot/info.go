package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/policy"
)

// Version is the schemaVersion that this package reads and writes. Within it fields are only
// added, and unknown ones are ignored.
const Version = 1

// Info is snapshot.json: what can't be seen from the answers themselves.
type Info struct {
	SchemaVersion int       `json:"schemaVersion"` // 1
	AccountID     string    `json:"accountId"`     // twelve digits
	AccountAlias  string    `json:"accountAlias,omitempty"`
	Partition     string    `json:"partition,omitempty"`  // "aws", "aws-cn", "aws-us-gov"
	CollectedAt   time.Time `json:"collectedAt,omitzero"` // when the last answer came; zero: not known
	Window        int       `json:"window,omitzero"`      // days that were meant to be looked back, 1 to 365; 0: not said
	Missing       []Missing `json:"missing,omitempty"`    // what couldn't be collected
	Trails        []Trail   `json:"trails,omitempty"`     // what the account's trails record; none: not known

	// The policies above the account, by level from the root down to the account. None: not known.
	ServiceControlPolicies  [][]Policy `json:"serviceControlPolicies,omitempty"`
	ResourceControlPolicies [][]Policy `json:"resourceControlPolicies,omitempty"`
}

// Missing is something that couldn't be collected.
type Missing struct {
	What string `json:"what"` // "last-accessed of arn:aws:iam::123456789012:role/app"
	Why  string `json:"why"`  // "AccessDenied"
}

// TrailEvidence is What is missing when an account's log files couldn't be had: an earlier
// run may have found more unused than one without them can.
const TrailEvidence = "evidence of CloudTrail"

// Trail is what a CloudTrail trail records.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type Trail struct {
	ARN              string   `json:"arn"`
	Regions          []string `json:"regions"`          // names, or "*" for all
	DataEvents       []string `json:"dataEvents"`       // types of which all data events are recorded: "AWS::S3::Object"
	ReadEvents       bool     `json:"readEvents"`       // management events that only read are recorded
	ManagementEvents bool     `json:"managementEvents"` // management events that write are recorded
}

// Policy is a policy document, written as a JSON object.
type Policy struct{ *policy.Document }

// MarshalJSONTo writes the document's own bytes.
func (p Policy) MarshalJSONTo(enc *jsontext.Encoder) error {
	if p.Document == nil {
		return errors.New("a policy without a document")
	}
	return enc.WriteValue(p.Bytes())
}

// UnmarshalJSONFrom reads a document.
func (p *Policy) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	p.Document, err = policy.Parse("policy", bytes.Clone(value))
	return err
}

const wantInfo = `want {"schemaVersion": 1, "accountId": "123456789012", "collectedAt": "2026-11-23T07:56:06Z", …}, or no such file`

// ReadInfo reads a snapshot.json. The name is for messages and isn't opened.
func ReadInfo(name string, src []byte) (Info, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if len(bytes.TrimSpace(src)) == 0 {
		return Info{}, fmt.Errorf("%s: the file is empty: %s", name, wantInfo)
	}
	var info Info
	if err := json.Unmarshal(src, &info); err != nil {
		return Info{}, locate(name, src, err)
	}
	if pointer, wrong := info.wrong(); wrong != "" {
		return Info{}, fmt.Errorf("%s: %s: %s", name, pointer, wrong)
	}
	return info, nil
}

// wrong says what no snapshot.json can have.
func (i *Info) wrong() (pointer, message string) {
	switch {
	case i.SchemaVersion > Version:
		return "/schemaVersion", fmt.Sprintf("%d: this pare reads %d; update pare", i.SchemaVersion, Version)
	case i.SchemaVersion != Version:
		return "/schemaVersion", fmt.Sprintf("%d: want %d", i.SchemaVersion, Version)
	case i.AccountID != "" && (len(i.AccountID) != 12 || strings.Trim(i.AccountID, "0123456789") != ""):
		return "/accountId", fmt.Sprintf("%q: want twelve digits", i.AccountID)
	case i.Window < 0 || i.Window > 365:
		return "/window", fmt.Sprintf("%d: want days, 1 to 365", i.Window)
	}
	return "", ""
}

func (f *Folder) readInfo(file File) error {
	src, err := file.Read()
	if err != nil {
		return err
	}
	f.info = file
	f.Info, err = ReadInfo(file.Path, src)
	return err
}

// locate says where in src a JSON error is, and for a wrong type what was expected.
func locate(name string, src []byte, err error) error {
	at := func(offset int64) string {
		line, column := policy.Position(src, int(offset))
		return name + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the file breaks off here: %s", at(int64(len(src))), wantInfo)
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("%s: not JSON: %w: %s", at(syntactic.ByteOffset), syntactic.Err, wantInfo)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	rest := src[min(semantic.ByteOffset, int64(len(src))):]
	start := semantic.ByteOffset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,")))
	if semantic.Err != nil {
		return fmt.Errorf("%s: %s: %w", at(start), semantic.JSONPointer, semantic.Err)
	}
	return fmt.Errorf("%s: %s: found %s: %s", at(start), semantic.JSONPointer, kindName(semantic.JSONKind), wantInfo)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "true or false"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "a list"
	default:
		return "something else"
	}
}
