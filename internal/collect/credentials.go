package collect

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pare-iam/pare/internal/snapshot"
)

// reportLimit is how long a credential report is waited for. It may be up to four hours
// old when it comes; so much its lines say of themselves.
const reportLimit = 5 * time.Minute

// credentialReport has IAM make the credential report, waits for it and writes its CSV.
func (a *account) credentialReport(ctx context.Context) error {
	wait := a.options.FirstWait
	for waited := time.Duration(0); ; waited += wait {
		made, err := a.iam.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
		if err != nil {
			return err
		}
		if made.State == types.ReportStateTypeComplete {
			break
		}
		if waited > reportLimit {
			return errors.New("IAM hasn't made it in " + reportLimit.String())
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, longestWait)
	}
	answer, err := a.iam.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	if err != nil {
		return err
	}
	return a.write(snapshot.ReportFile, func(w io.Writer) error { return writeLine(w, answer.Content) })
}

// keysOf is the journal's name for the answers about a user's access keys.
func keysOf(user string) string { return "keys of " + user }

// keys notes the answers about a user's access keys: the list, and the last use of each.
// The journal holds them until all users' are written together.
func (a *account) keys(ctx context.Context, user string) error {
	if err := a.known("GetAccessKeyLastUsed"); err != nil {
		return err
	}
	var keys []types.AccessKeyMetadata
	err := a.guard("ListAccessKeys", func() error {
		keys = []types.AccessKeyMetadata{}
		pages := iam.NewListAccessKeysPaginator(a.iam, &iam.ListAccessKeysInput{UserName: &user})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			keys = append(keys, page.AccessKeyMetadata...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var listed object
	list(&listed, "AccessKeyMetadata", keys, printKey)
	answers := [][]byte{listed.done()}
	for _, key := range keys {
		err := a.guard("GetAccessKeyLastUsed", func() error {
			used, err := a.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId})
			if err == nil {
				answers = append(answers, printKeyUse(key.AccessKeyId, used))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return a.journal.put(keysOf(user), array(answers))
}

func printKey(o *object, k *types.AccessKeyMetadata) {
	status := string(k.Status)
	o.string("UserName", k.UserName)
	o.string("AccessKeyId", k.AccessKeyId)
	o.string("Status", &status)
	o.time("CreateDate", k.CreateDate)
}

// printKeyUse prints the answer about a key, with the key's ID, which it lacks.
func printKeyUse(id *string, used *iam.GetAccessKeyLastUsedOutput) []byte {
	var o object
	o.string("AccessKeyId", id)
	o.string("UserName", used.UserName)
	nested(&o, "AccessKeyLastUsed", used.AccessKeyLastUsed, func(o *object, u *types.AccessKeyLastUsed) {
		o.time("LastUsedDate", u.LastUsedDate)
		o.string("ServiceName", u.ServiceName)
		o.string("Region", u.Region)
	})
	return o.done()
}

// writeKeys writes the answers about all users' keys, as far as they are there.
func (a *account) writeKeys(users []principal) error {
	var answers [][]byte
	for _, u := range users {
		if value, ok := a.journal.get(keysOf(u.name)); ok && u.kind == "user" {
			var each []jsontext.Value
			if err := decode(value, &each); err != nil {
				return err
			}
			for _, one := range each {
				answers = append(answers, one)
			}
		}
	}
	return a.write(snapshot.KeysFile, func(w io.Writer) error { return writeLine(w, array(answers)) })
}
