package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/collect"
)

// doctorInput is what the flags of `pare doctor` say.
type doctorInput struct {
	*awsFlags
	*orgFlags
	format string
}

const doctorLong = `Says who you are in AWS, which of the permissions that "pare collect" needs you have, and
what it will leave out for want of the others. Each operation is called once, on whatever
is first in the account; nothing is changed.

The exit code is 0 if nothing will be left out, 3 if something will or AWS didn't answer,
and 1 if nothing can be collected.`

func newDoctorCommand() *cobra.Command {
	var in doctorInput
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say who you are in AWS and which permissions are missing",
		Long:  doctorLong,
		Example: `  pare doctor
  pare doctor --profile audit
  pare doctor --org --role-name pare-read`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return in.run(cmd) },
	}
	in.awsFlags, in.orgFlags = addAWSFlags(cmd), addOrgFlags(cmd)
	cmd.Flags().StringVarP(&in.format, "output", "o", "text", "the `format`: text or json")
	complete(cmd, "output", "text", "json")
	return cmd
}

func (in *doctorInput) run(cmd *cobra.Command) error {
	if err := errors.Join(oneOf("-o", in.format, "text", "json"), in.awsFlags.check(), in.orgFlags.check()); err != nil {
		return err
	}
	cfg, err := in.config(cmd.Context())
	if err != nil {
		return explained(err)
	}
	d, err := collect.Diagnose(cmd.Context(), cfg, in.selection(in.awsFlags))
	if err != nil {
		return explained(err)
	}
	write := writeDiagnosis
	if in.format == "json" {
		write = writeDiagnosisJSON
	}
	if err := write(cmd.OutOrStdout(), d); err != nil {
		return err
	}
	return lacking(d)
}

func writeDiagnosis(w io.Writer, d collect.Diagnosis) error {
	account := d.Account
	if d.Alias != "" {
		account += " (" + d.Alias + ")"
	}
	if _, err := fmt.Fprintf(w, "account    %s, partition %s\nidentity   %s\n\n", account, d.Partition, d.ARN); err != nil {
		return err
	}
	for _, c := range d.Checks {
		line := fmt.Sprintf("%-10s %s", c.Verdict, c.Action)
		if c.Account != "" {
			line += " in " + c.Account
		}
		switch c.Verdict {
		case collect.Denied:
			line += fmt.Sprintf("\n           left out: %s\n           %s", c.Without, c.Why)
		case collect.Untried, collect.Unanswered:
			line += ": " + c.Why
		case collect.Allowed:
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// diagnosisJSON is the answer as JSON.
type diagnosisJSON struct {
	SchemaVersion int         `json:"schemaVersion"`
	Account       string      `json:"account"`
	Alias         string      `json:"alias,omitempty"`
	Partition     string      `json:"partition"`
	ARN           string      `json:"arn"`
	Checks        []checkJSON `json:"checks"`
}

type checkJSON struct {
	Action  string `json:"action"`
	Account string `json:"account,omitempty"` // if not one's own
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"`
	Without string `json:"without"` // what is left out without it
}

func writeDiagnosisJSON(w io.Writer, d collect.Diagnosis) error {
	out := diagnosisJSON{SchemaVersion: 1, Account: d.Account, Alias: d.Alias, Partition: d.Partition, ARN: d.ARN}
	for _, c := range d.Checks {
		out.Checks = append(out.Checks, checkJSON{c.Action, c.Account, c.Verdict.String(), c.Why, c.Without})
	}
	if err := json.MarshalWrite(w, out, jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// lacking is the error about permissions that are denied.
func lacking(d collect.Diagnosis) error {
	denied, unanswered, needed := 0, 0, ""
	for _, c := range d.Checks {
		switch c.Verdict {
		case collect.Denied:
			denied++
			if c.Needed && needed == "" {
				needed = c.Action
			}
		case collect.Unanswered:
			unanswered++
		case collect.Untried, collect.Allowed:
		}
	}
	const hint = "deploy/ has the role with exactly these permissions"
	switch {
	case needed != "":
		return hintError{fmt.Errorf("%s is denied: nothing can be collected", needed), hint}
	case denied > 0:
		return hintError{partialError{fmt.Errorf("%s denied", counted(denied, "permission"))}, hint}
	case unanswered > 0:
		return hintError{partialError{fmt.Errorf("AWS didn't answer %s", counted(unanswered, "call"))}, "try again; if it stays so, check the network and --endpoint-url"}
	}
	return nil
}
