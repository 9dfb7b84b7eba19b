package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/report"
)

const findingsLong = `Lists the findings that "pare analyze --state FILE" saved, shows one, archives and
unarchives them. With --data instead of --state the folder is analyzed first.`

func newFindingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "List, show and archive findings",
		Long:  findingsLong,
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newFindingsListCommand(), newFindingsShowCommand(),
		newArchiveCommand("archive", "Archive findings by hand", finding.Archived),
		newArchiveCommand("unarchive", "Make archived findings active again", finding.Active),
	)
	return cmd
}

// findingsInput is where findings come from.
type findingsInput struct {
	analysisInput
	state, format, outputFile string
	inputs                    []string // files that were read
}

func (in *findingsInput) addFindingsFlags(cmd *cobra.Command, formats ...string) {
	in.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&in.state, "state", "", "the `file` that pare analyze --state wrote")
	f.StringVarP(&in.format, "output", "o", formats[0], "the `format`: "+strings.Join(formats, ", "))
	f.StringVar(&in.outputFile, outputFileFlag, "", outputFileUsage)
	complete(cmd, "output", formats...)
}

// read gives the findings of the state file, or of an analysis, and the error that they
// are partial, if they are: it is for after they were shown.
func (in *findingsInput) read(cmd *cobra.Command, want recommendations) (result report.Findings, partial, err error) {
	switch {
	case in.state != "" && in.data != "":
		return result, nil, usageError{errors.New("--state and --data: give one of them")}
	case in.state != "":
		result, err = readState(in.state, mustBeThere)
		return result, nil, err
	case in.data == "":
		return result, nil, hintError{usageError{errors.New("no --state: whose findings?")}, "--state findings.json, as pare analyze --data DIR --state findings.json wrote it; or --data DIR"}
	}
	s, err := in.open(cmd)
	if err != nil {
		return result, nil, err
	}
	in.inputs = s.inputs()
	warn(cmd, s.accounts...)
	result, _, err = s.analyze(want)
	return result, complain(cmd, result.Problems), err
}

// write writes the result, over nothing that was read.
func (in *findingsInput) write(cmd *cobra.Command, render func(io.Writer) error) error {
	return sink{path: in.outputFile, inputs: append(in.inputs, in.state)}.write(cmd, render)
}

func newFindingsListCommand() *cobra.Command {
	var in findingsInput
	var types, statuses, resources []string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List findings, those that are active unless told otherwise",
		Long: `Lists findings, those that are active unless told otherwise. A finding is shown if it has one
of the --type, one of the --status and one of the --resource that are given.`,
		Example: `  pare findings list --state findings.json
  pare findings list --state findings.json --type UnusedIAMUserAccessKey -o csv
  pare findings list --state findings.json --status ARCHIVED --status RESOLVED
  pare findings list --data account --resource role/ci`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := listFilter(types, statuses, resources)
			if err != nil {
				return err
			}
			if err := oneOf("-o", in.format, findingFormats...); err != nil {
				return err
			}
			result, partial, err := in.read(cmd, withoutRecommendations)
			if err != nil {
				return err
			}
			all := len(result.Findings)
			result.Findings = slices.DeleteFunc(result.Findings, func(f finding.Finding) bool { return len(filter) > 0 && !filter.Matches(&f) })
			if hidden := all - len(result.Findings); hidden > 0 {
				cmd.PrintErrf("%d of %s shown; --status all lists those of every status\n", all-hidden, counted(all, "finding"))
			}
			err = in.write(cmd, func(w io.Writer) error { return renderFindings(cmd, w, in.format, result) })
			return cmp.Or(err, partial)
		},
	}
	in.addFindingsFlags(cmd, findingFormats...)
	f := cmd.Flags()
	f.StringSliceVar(&types, "type", nil, "only findings of this `type`: "+strings.Join(typeNames(), ", ")+"; may be repeated")
	f.StringSliceVar(&statuses, "status", []string{string(finding.Active)}, "only findings of this `status`: ACTIVE, ARCHIVED, RESOLVED or all; may be repeated")
	f.StringSliceVar(&resources, "resource", nil, "only findings about roles and users whose ARN has this `text` in it; may be repeated")
	complete(cmd, "type", typeNames()...)
	complete(cmd, "status", "ACTIVE", "ARCHIVED", "RESOLVED", "all")
	return cmd
}

func typeNames() []string {
	var out []string
	for _, t := range finding.Types() {
		out = append(out, string(t))
	}
	return out
}

// listFilter is the API's filter that the flags stand for.
func listFilter(types, statuses, resources []string) (finding.Filter, error) {
	filter := finding.Filter{}
	for _, t := range types {
		if err := oneOf("--type", t, typeNames()...); err != nil {
			return nil, err
		}
	}
	for _, s := range statuses {
		if err := oneOf("--status", s, "ACTIVE", "ARCHIVED", "RESOLVED", "all"); err != nil {
			return nil, err
		}
	}
	if len(types) > 0 {
		filter["findingType"] = finding.Criterion{Eq: types}
	}
	if !slices.Contains(statuses, "all") {
		filter["status"] = finding.Criterion{Eq: statuses}
	}
	if len(resources) > 0 {
		filter["resource"] = finding.Criterion{Contains: resources}
	}
	return filter, nil
}

func newFindingsShowCommand() *cobra.Command {
	var in findingsInput
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a finding with its evidence, and with --data what to do about it",
		Example: `  pare findings show 3f2a91c0 --state findings.json
  pare findings show 3f2a91c0 --data account`,
		Args: someIDs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("-o", in.format, "text", "json"); err != nil {
				return err
			}
			result, partial, err := in.read(cmd, withRecommendations)
			if err != nil {
				return err
			}
			i, err := findID(result.Findings, args[0])
			if err != nil {
				return err
			}
			f := result.Findings[i]
			err = in.write(cmd, func(w io.Writer) error {
				if in.format == "json" {
					result.Findings = []finding.Finding{f}
					result.Advice = slices.DeleteFunc(result.Advice, func(a report.Advice) bool { return a.Resource != f.Resource })
					return report.FindingsJSON(w, result)
				}
				return report.FindingsText(colored(cmd, w), result, f)
			})
			return cmp.Or(err, partial)
		},
	}
	in.addFindingsFlags(cmd, "text", "json")
	return cmd
}

// newArchiveCommand makes `pare findings archive` and its undoing.
func newArchiveCommand(verb, short string, to finding.Status) *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:     verb + " ID… --state FILE",
		Short:   short,
		Example: "  pare findings " + verb + " 3f2a91c0 --state findings.json",
		Args:    someIDs(100),
		RunE: func(cmd *cobra.Command, args []string) error {
			if state == "" {
				return hintError{usageError{errors.New("no --state: whose findings?")}, "--state findings.json, as pare analyze --data DIR --state findings.json wrote it"}
			}
			result, err := readState(state, mustBeThere)
			if err != nil {
				return err
			}
			changed, err := setStatus(result.Findings, args, to)
			if err != nil {
				return err
			}
			if err := writeState(cmd, state, result); err != nil {
				return err
			}
			cmd.PrintErrf("%s %sd\n", counted(changed, "finding"), verb)
			return nil
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "the `file` that pare analyze --state wrote")
	return cmd
}

// setStatus archives or activates findings; none if there is an error. It says how many
// weren't so before.
func setStatus(findings []finding.Finding, ids []string, to finding.Status) (changed int, err error) {
	var at []int
	for _, id := range ids {
		i, idErr := findID(findings, id)
		if idErr == nil && findings[i].Status == finding.Resolved {
			idErr = fmt.Errorf("%s: is resolved: there is nothing to archive", id)
		}
		err = errors.Join(err, idErr)
		at = append(at, i)
	}
	if err != nil {
		return 0, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	for _, i := range at {
		if f := &findings[i]; f.Status != to {
			f.Status, f.ArchivedBy, f.UpdatedAt = to, "", now
			changed++
		}
	}
	return changed, nil
}

// findID finds a finding by the beginning of its ID.
func findID(findings []finding.Finding, id string) (int, error) {
	found := -1
	for i, f := range findings {
		switch {
		case f.ID == id:
			return i, nil
		case !strings.HasPrefix(f.ID, id):
		case found >= 0:
			return -1, fmt.Errorf("%s: begins the IDs of several findings, such as %s and %s: give more of it", id, findings[found].ID, f.ID)
		default:
			found = i
		}
	}
	if found < 0 {
		return -1, hintError{fmt.Errorf("%s: no finding has an ID that begins so", id), "pare findings list shows the IDs"}
	}
	return found, nil
}

// someIDs wants at least one ID, and at most a number.
func someIDs(most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return hintError{errors.New("no ID: which finding?"), "pare findings list shows the IDs"}
		case len(args) > most:
			return fmt.Errorf("%d IDs: want at most %d", len(args), most)
		case slices.Contains(args, ""):
			return errors.New("an empty ID: which finding?")
		}
		return nil
	}
}
