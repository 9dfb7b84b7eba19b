package samplegen

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
)

// identityPolicies are the policies by which a principal is allowed anything, those of
// its groups included.
func (w *World) identityPolicies(p *principal) []*policy.Document {
	names := slices.Concat(p.Inline, p.Attached)
	for _, g := range w.groups {
		if slices.Contains(p.Groups, g.Name) {
			names = slices.Concat(names, g.Inline, g.Attached)
		}
	}
	var docs []*policy.Document
	for _, name := range names {
		docs = append(docs, w.docs[strings.Replace(name, "aws:", "aws-", 1)])
	}
	return docs
}

// printLastAccessed prints a principal's answer of
//
//	aws iam get-service-last-accessed-details
//
// at action level, with the principal's ARN on top. It lists the services that the
// identity policies allow. A service that was attempted lists all of its tracked
// actions; one that never was has none, as the API reference says.
func (w *World) printLastAccessed(out *printer, p *principal) {
	services, actions := w.attempts(p)
	now := cliTime(w.options.Now)
	out.line("{")
	out.line(`    "Arn": %q,`, p.arn)
	out.line(`    "JobStatus": "COMPLETED",`)
	out.line(`    "JobType": "ACTION_LEVEL",`)
	out.line(`    "JobCreationDate": %q,`, cliTime(w.options.Now.Add(-4*time.Second)))
	allowed := w.allowedServices(p)
	out.list("    ", "ServicesLastAccessed", len(allowed), func(i int) {
		w.printService(out, p, allowed[i], services, actions)
	}, ",")
	out.line(`    "JobCompletionDate": %q,`, now)
	out.line(`    "IsTruncated": false`)
	out.text("}\n")
}

// allowedServices are the namespaces that identity policies allow and that AWS knows.
func (w *World) allowedServices(p *principal) []*catalog.Service {
	var out []*catalog.Service
	for _, name := range access.Actions(w.catalog, w.identityPolicies(p)...).Services {
		if s := w.catalog.Service(name); s != nil {
			out = append(out, s)
		}
	}
	return out
}

// attempts are a principal's last events by service and by action.
func (w *World) attempts(p *principal) (services, actions map[string]event) {
	services, actions = map[string]event{}, map[string]event{}
	keep := func(m map[string]event, name string, e event) {
		if old, ok := m[name]; !ok || e.at.After(old.at) {
			m[name] = e
		}
	}
	for _, h := range p.habits {
		e, ok := w.last(h)
		if !ok || h.call.action == "" {
			continue
		}
		keep(services, serviceOf(h), e)
		keep(actions, h.call.action, e)
	}
	return services, actions
}

func (w *World) printService(out *printer, p *principal, s *catalog.Service, services, actions map[string]event) {
	out.line("        {")
	out.line(`            "ServiceName": %q,`, serviceName(s.Prefix))
	last, ok := services[s.Prefix]
	if !ok {
		out.line(`            "ServiceNamespace": %q,`, s.Prefix)
		out.line(`            "TotalAuthenticatedEntities": 0`)
		out.text("        }")
		return
	}
	out.line(`            "LastAuthenticated": %q,`, cliTime(last.at))
	out.line(`            "ServiceNamespace": %q,`, s.Prefix)
	out.line(`            "LastAuthenticatedEntity": %q,`, p.arn)
	out.line(`            "LastAuthenticatedRegion": %q,`, last.habit.region)
	tracked := trackedActions(s)
	if len(tracked) == 0 {
		out.line(`            "TotalAuthenticatedEntities": 1`)
		out.text("        }")
		return
	}
	out.line(`            "TotalAuthenticatedEntities": 1,`)
	out.list("            ", "TrackedActionsLastAccessed", len(tracked), func(i int) {
		printAction(out, p, tracked[i], actions)
	}, "")
	out.text("        }")
}

func printAction(out *printer, p *principal, a *catalog.Action, actions map[string]event) {
	const indent = "                    "
	out.text("                {\n" + indent + `"ActionName": ` + strconv.Quote(a.Name))
	if last, ok := actions[a.String()]; ok {
		out.text(",\n" + indent + `"LastAccessedEntity": ` + strconv.Quote(p.arn))
		out.text(",\n" + indent + `"LastAccessedTime": ` + strconv.Quote(cliTime(last.at)))
		out.text(",\n" + indent + `"LastAccessedRegion": ` + strconv.Quote(last.habit.region))
	}
	out.text("\n                }")
}

func trackedActions(s *catalog.Service) []*catalog.Action {
	var out []*catalog.Action
	for i := range s.Actions {
		if s.Actions[i].Tracked.Has(catalog.LastAccessed) {
			out = append(out, &s.Actions[i])
		}
	}
	return out
}

// serviceName is what AWS calls a service, as far as it is well known.
func serviceName(prefix string) string {
	switch prefix {
	case "s3":
		return "Amazon S3"
	case "ec2":
		return "Amazon EC2"
	case "dynamodb":
		return "Amazon DynamoDB"
	case "sqs":
		return "Amazon SQS"
	case "sns":
		return "Amazon SNS"
	case "iam":
		return "AWS Identity and Access Management"
	case "lambda":
		return "AWS Lambda"
	case "kms":
		return "AWS Key Management Service"
	case "sts":
		return "AWS Security Token Service"
	case "logs":
		return "Amazon CloudWatch Logs"
	default:
		return "AWS " + prefix
	}
}
