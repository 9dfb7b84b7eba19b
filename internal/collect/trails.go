package collect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/pare-iam/pare/internal/snapshot"
	"github.com/pare-iam/pare/policy"
)

// trails notes what the account's trails record.
func (a *account) trails(ctx context.Context) error {
	answer, err := a.cloudtrail.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		return err
	}
	out := []snapshot.Trail{}
	for _, t := range answer.TrailList {
		trail, err := a.trail(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", aws.ToString(t.TrailARN), err)
		}
		out = append(out, trail)
	}
	slices.SortFunc(out, func(x, y snapshot.Trail) int { return cmp.Compare(x.ARN, y.ARN) })
	return a.journal.putAs(partTrails, out)
}

// trail says what a trail records. Of an organization's trail, seen from a member, that
// isn't known: its history is in the account that has made it.
func (a *account) trail(ctx context.Context, t types.Trail) (snapshot.Trail, error) {
	out := snapshot.Trail{ARN: aws.ToString(t.TrailARN), Regions: []string{aws.ToString(t.HomeRegion)}, DataEvents: []string{}}
	everywhere := aws.ToBool(t.IsMultiRegionTrail)
	if everywhere {
		out.Regions = []string{"*"}
	}
	arn, err := policy.ParseARN(out.ARN)
	if err != nil || arn.Account != a.result.ID {
		return out, err
	}
	atHome := func(o *cloudtrail.Options) { o.Region = cmp.Or(aws.ToString(t.HomeRegion), o.Region) }
	state, err := a.cloudtrail.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN}, atHome)
	if err != nil || !aws.ToBool(state.IsLogging) {
		return out, err
	}
	selectors, err := a.cloudtrail.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN}, atHome)
	if err != nil {
		return out, err
	}
	recorded := recordedBy(selectors.EventSelectors, selectors.AdvancedEventSelectors)
	out.ReadEvents, out.ManagementEvents = recorded[management]&reads != 0, recorded[management]&writes != 0
	all := recorded.allOf()
	if !everywhere || len(all) == 0 {
		return out, nil
	}
	steady, err := a.steady(ctx, aws.ToString(t.Name), atHome)
	if steady {
		out.DataEvents = all
	}
	return out, err
}

// calls that change what a trail records, or whether it does.
var trailChanges = [...]string{"CreateTrail", "PutEventSelectors", "StartLogging", "StopLogging", "UpdateTrail"}

// history is how far back CloudTrail's own history goes.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
const history = 90 * 24 * time.Hour

// steady says whether nobody has changed a trail in the whole window. Where the history
// doesn't reach so far, nobody knows.
func (a *account) steady(ctx context.Context, name string, at func(*cloudtrail.Options)) (bool, error) {
	window := time.Duration(a.options.Window) * 24 * time.Hour
	if window > history {
		return false, nil
	}
	for _, change := range trailChanges {
		pages := cloudtrail.NewLookupEventsPaginator(a.cloudtrail, &cloudtrail.LookupEventsInput{
			LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(change)}},
			StartTime:        aws.Time(a.began.Add(-window)),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx, at)
			if err != nil {
				return false, err
			}
			if slices.ContainsFunc(page.Events, func(e types.Event) bool { return strings.Contains(aws.ToString(e.CloudTrailEvent), name) }) {
				return false, nil
			}
		}
	}
	return true, nil
}

// access says which of a kind of event are recorded.
type access uint8

const (
	reads access = 1 << iota
	writes
)

// management stands among the types of data events for the management events.
const management = ""

// recorded is what is recorded of every kind of event: all that read, all that write.
type recorded map[string]access

// allOf are the types of which all data events are recorded, sorted.
func (r recorded) allOf() []string {
	var out []string
	for kind, a := range r {
		if kind != management && a == reads|writes {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// recordedBy is what a trail's selectors record without exception. What a selector narrows
// further than to reads or writes doesn't count.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
func recordedBy(basic []types.EventSelector, advanced []types.AdvancedEventSelector) recorded {
	r := recorded{}
	for _, s := range basic {
		what := accessOf(s.ReadWriteType)
		if (s.IncludeManagementEvents == nil || *s.IncludeManagementEvents) && len(s.ExcludeManagementEventSources) == 0 {
			r[management] |= what
		}
		for _, resource := range s.DataResources {
			if slices.ContainsFunc(resource.Values, everyResource) {
				r[aws.ToString(resource.Type)] |= what
			}
		}
	}
	for _, s := range advanced {
		kinds, what := advancedOf(s.FieldSelectors)
		for _, kind := range kinds {
			r[kind] |= what
		}
	}
	return r
}

func accessOf(t types.ReadWriteType) access {
	switch t {
	case types.ReadWriteTypeReadOnly:
		return reads
	case types.ReadWriteTypeWriteOnly:
		return writes
	case types.ReadWriteTypeAll, "": // All is the default
		return reads | writes
	}
	return 0
}

// everyResource says whether a value of a data resource means all of the service:
// arn:aws:s3, or with empty fields after it.
func everyResource(value string) bool {
	parts := strings.Split(value, ":")
	return len(parts) >= 3 && parts[0] == "arn" && strings.Join(parts[3:], "") == ""
}

// advancedOf is what an advanced selector records, if it does so without exception.
func advancedOf(fields []types.AdvancedFieldSelector) (kinds []string, what access) {
	what = reads | writes
	category := ""
	for _, f := range fields {
		if !onlyEquals(f) {
			return nil, 0
		}
		switch aws.ToString(f.Field) {
		case "eventCategory":
			category = f.Equals[0]
		case "resources.type":
			kinds = f.Equals
		case "readOnly":
			if what = writes; f.Equals[0] == "true" {
				what = reads
			}
		default:
			return nil, 0
		}
	}
	switch category {
	case "Management":
		return []string{management}, what
	case "Data":
		return kinds, what
	}
	return nil, 0
}

func onlyEquals(f types.AdvancedFieldSelector) bool {
	return len(f.Equals) > 0 && len(f.NotEquals)+len(f.StartsWith)+len(f.NotStartsWith)+len(f.EndsWith)+len(f.NotEndsWith) == 0
}
