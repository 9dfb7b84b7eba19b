package cloudtrail_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/cloudtrail"
	"github.com/pare-iam/pare/usage"
)

// recount reads log files with encoding/json and maps, and counts with maps: slowly, and
// with nothing of the package but which actions an event needs.
type recount struct {
	mapper *cloudtrail.Mapper
	uses   map[line]*counted
	usage.RecordCounts
}

// line is what tells a line of usage from others.
type line struct {
	principal, action, kind, day string
	primary                      bool
}

type counted struct {
	usage.Use
	via, resources map[string]bool
}

func newRecount() *recount {
	return &recount{mapper: mapper(), uses: map[line]*counted{}}
}

func (c *recount) file(text []byte) error {
	var log struct{ Records []map[string]any }
	if err := json.Unmarshal(text, &log); err != nil {
		return err
	}
	for _, r := range log.Records {
		c.record(r)
	}
	return nil
}

// dig returns the text at a path; "" when there is none.
func dig(v any, path ...string) string {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

func (c *recount) record(r map[string]any) {
	seen, err := time.Parse(time.RFC3339, dig(r, "eventTime"))
	source, name := dig(r, "eventSource"), dig(r, "eventName")
	if err != nil || source == "" || name == "" {
		return
	}
	c.Read++
	needed, free, mayPass := c.mapper.Needed(source, name)
	principal := recountPrincipal(r["userIdentity"])
	roles, passes := []string(nil), false
	if mayPass {
		passes = rolesIn(r["requestParameters"], "", "", &roles)
	}
	switch kind := dig(r, "eventType"); {
	case dig(r, "eventCategory") == "Insight", kind == "AwsServiceEvent", kind == "AwsConsoleSignIn", free:
		c.NoPermission++
	case principal == "":
		c.NoPrincipal++
	case len(needed) == 0 && !passes:
		c.Unmapped++
	default:
		c.Used++
		one := line{principal: principal, day: seen.UTC().Format("2006-01-02")}
		for action, primary := range needed {
			one.action, one.primary = action, primary
			c.add(one, r, seen, arnsOf(r))
		}
		if hasTags(r["requestParameters"]) {
			for _, action := range c.mapper.NeededForTags(source, name) {
				one.action, one.primary = action, false
				c.add(one, r, seen, nil)
			}
		}
		if passes {
			one.action, one.primary = "iam:PassRole", false
			c.add(one, r, seen, roles)
		}
	}
}

func (c *recount) add(key line, r map[string]any, seen time.Time, arns []string) {
	kind, of := typed(key.action, arns)
	key.kind = kind
	n := c.uses[key]
	if n == nil {
		n = &counted{Use: usage.Use{
			Principal: key.principal, Action: key.action, ResourceType: kind, Day: key.day, Primary: key.primary,
			FirstSeen: seen, LastSeen: seen, Inferred: key.action == "iam:PassRole",
		}, via: map[string]bool{}, resources: map[string]bool{}}
		c.uses[key] = n
	}
	n.Count++
	if cloudtrail.Denied(dig(r, "errorCode")) {
		n.Denied++
	}
	if seen.Before(n.FirstSeen) {
		n.FirstSeen = seen
	}
	if seen.After(n.LastSeen) {
		n.LastSeen = seen
	}
	if by := dig(r, "userIdentity", "invokedBy"); by != "" {
		n.via[by] = true
	}
	for _, arn := range of {
		n.resources[arn] = true
	}
}

func (c *recount) lines() []usage.Use {
	out := []usage.Use{}
	for _, n := range c.uses {
		n.Via, n.Resources = sortedKeys(n.via), sortedKeys(n.resources)
		n.Resources = n.Resources[:min(len(n.Resources), usage.MaxResources)]
		out = append(out, n.Use)
	}
	slices.SortFunc(out, usage.Use.Compare)
	return out
}

func sortedKeys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func recountPrincipal(id any) string {
	if slices.Contains([]string{"AWSService", "WebIdentityUser", "SAMLUser", "IdentityCenterUser", "Directory"}, dig(id, "type")) {
		return ""
	}
	arn := cmp.Or(dig(id, "sessionContext", "sessionIssuer", "arn"), dig(id, "arn"))
	if m := regexp.MustCompile(`^arn:([^:]+):sts:[^:]*:([^:]+):assumed-role/([^/:]+)`).FindStringSubmatch(arn); m != nil {
		return "arn:" + m[1] + ":iam::" + m[2] + ":role/" + m[3]
	}
	if regexp.MustCompile(`^arn:[^:]+:iam:[^:]*:[^:]+:(user/.+|role/.+|root)$`).MatchString(arn) {
		return arn
	}
	return ""
}

// rolesIn collects the role ARNs in role-like parameters; passes also says bare names.
func rolesIn(v any, name, parent string, roles *[]string) (passes bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			passes = rolesIn(member, key, name, roles) || passes
		}
	case []any:
		for _, item := range v {
			passes = rolesIn(item, name, parent, roles) || passes
		}
	case string:
		named := cloudtrail.RoleParameter(name) || cloudtrail.RoleParameter(parent)
		if named && regexp.MustCompile(`^arn:[^:]+:iam:[^:]*:[^:]*:(role|instance-profile)/`).MatchString(v) {
			*roles = append(*roles, v)
			return true
		}
		bare := name
		if name == "name" {
			bare = parent
		}
		return v != "" && !strings.Contains(v, ":") && slices.Contains([]string{"serviceRole", "jobFlowRole", "autoScalingRole", "instanceProfile", "iamInstanceProfile"}, bare)
	}
	return passes
}

// hasTags says whether a member somewhere is called tags.
func hasTags(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if strings.EqualFold(key, "tags") || hasTags(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasTags)
	}
	return false
}

// arnsOf are the ARNs of resources; of parameters too, for those that have a type only there.
func arnsOf(r map[string]any) []string {
	var out []string
	list, _ := r["resources"].([]any)
	for _, item := range list {
		out = append(out, dig(item, "ARN"))
	}
	needed, _, _ := mapperOnce.Needed(dig(r, "eventSource"), dig(r, "eventName"))
	for action := range needed {
		if kind, _ := typed(action, out); kind != "" {
			return out
		}
	}
	arnsIn(r["requestParameters"], &out)
	p := r["requestParameters"]
	bucket, key, function, table := dig(p, "bucketName"), dig(p, "key"), dig(p, "functionName"), dig(p, "tableName")
	where := ":" + dig(r, "awsRegion") + ":" + dig(r, "recipientAccountId") + ":"
	switch source := dig(r, "eventSource"); {
	case source == "s3.amazonaws.com" && bucket != "":
		out = append(out, "arn:aws:s3:::"+bucket)
		if key != "" {
			out = append(out, "arn:aws:s3:::"+bucket+"/"+key)
		}
	case source == "lambda.amazonaws.com" && function != "" && !strings.Contains(function, ":"):
		out = append(out, "arn:aws:lambda"+where+"function:"+function)
	case source == "dynamodb.amazonaws.com" && table != "" && !strings.Contains(table, ":"):
		out = append(out, "arn:aws:dynamodb"+where+"table/"+table)
	}
	return out
}

var mapperOnce = mapper()

func arnsIn(v any, out *[]string) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			arnsIn(member, out)
		}
	case []any:
		for _, item := range v {
			arnsIn(item, out)
		}
	case string:
		if strings.HasPrefix(v, "arn:") {
			*out = append(*out, v)
		}
	}
}

// typed returns the most specific type of resource that the action takes and an ARN has,
// and the ARNs of it.
func typed(action string, arns []string) (kind string, of []string) {
	service, name, _ := strings.Cut(action, ":")
	known := catalog.Embedded().Lookup(service, name)
	if known == nil {
		return "", nil
	}
	best := -1
	for _, r := range known.Details().Resources {
		resource := known.Service.Details().Resource(r.Name)
		if resource == nil {
			continue
		}
		var here []string
		length := 0
		for _, format := range resource.ARNFormats {
			parts := strings.SplitN(format, ":", 6)
			length = max(length, len(regexp.MustCompile(`\$\{[^}]*\}|\*`).ReplaceAllString(parts[5], "")))
			for _, arn := range arns {
				if formatRegexp(parts).MatchString(arn) {
					here = append(here, arn)
				}
			}
		}
		if len(here) > 0 && length > best {
			kind, of, best = r.Name, here, length
		}
	}
	return kind, of
}

func formatRegexp(parts []string) *regexp.Regexp {
	place := regexp.MustCompile(`\\\$\\\{[^}]*\\\}|\\\*`)
	segment := func(s string) string { return place.ReplaceAllString(regexp.QuoteMeta(s), `[^:]+`) }
	resource := regexp.QuoteMeta(parts[5])
	if n := len(place.FindAllString(resource, -1)); n == 1 && place.ReplaceAllString(resource, "") == "" {
		resource = `[^/:]+`
	} else {
		resource = regexp.MustCompile(`(`+place.String()+`)$`).ReplaceAllString(resource, `.+`)
		resource = place.ReplaceAllString(resource, `.+?`)
	}
	return regexp.MustCompile(`(?s)^arn:[^:]*:` + regexp.QuoteMeta(parts[2]) + `:` + segment(parts[3]) + `:` + segment(parts[4]) + `:` + resource + `$`)
}

func TestRecountAgrees(t *testing.T) {
	files := map[string][]byte{"the sample": bulk(t, 700)}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			compareWithRecount(t, text)
		})
	}
}

func compareWithRecount(t interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}, text []byte) {
	t.Helper()
	slow := newRecount()
	if err := slow.file(text); err != nil {
		t.Fatal(err)
	}
	tally := slow.mapper.NewTally(cloudtrail.Options{})
	if err := tally.Read("a.json", bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(slow.lines(), tally.Uses()); diff != "" {
		t.Errorf("uses, -recount +read:\n%s", diff)
	}
	if diff := gocmp.Diff(slow.RecordCounts, tally.Coverage().Records); diff != "" {
		t.Errorf("records, -recount +read:\n%s", diff)
	}
}
