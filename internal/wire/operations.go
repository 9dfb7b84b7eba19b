package wire

import (
	"slices"
	"strings"
)

// Operation is an operation of AWS's API and what becomes of it here.
type Operation struct {
	Name    string // "ListFindingsV2"
	Service string // signing name: "access-analyzer"
	Changes bool   // it changes something
	Refused string // why it is refused; "" when it is served
}

// Action is the IAM action that AWS asks for the operation: "access-analyzer:GetFinding".
// GetFindingV2 and ListFindingsV2 have those of the older operations.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiamaccessanalyzer.html
func (o Operation) Action() string {
	name := o.Name
	if name == "GetFindingV2" || name == "ListFindingsV2" {
		name = strings.TrimSuffix(name, "V2")
	}
	return o.Service + ":" + name
}

const (
	analyzerService = "access-analyzer"
	hubService      = "securityhub"
)

// Services are the signing names of what is served, for sigv4.Options.
func Services() []string { return []string{analyzerService, hubService} }

const (
	readsOnly = false
	changes   = true
)

// Why an operation is refused.
const (
	external  = "concerns findings of external and internal access, which are not served here: use ListFindingsV2 and GetFindingV2 for unused access"
	resources = "concerns the analysis of resources for external and internal access, which is not served here"
	previews  = "concerns access previews, which are about external access and not served here"
	generated = "concerns policy generation, which is not served here: 'pare ingest' reads CloudTrail, and findings of unused access rest on it"
	public    = "concerns public access through resource policies, which is not served here"
	linting   = "concerns the checking of policies against IAM's grammar and best practices, which is not served here"
)

// route is an operation, where it is, and who serves it.
type route struct {
	Operation
	pattern string // method and path, as http.ServeMux has them
	serve   func(*call) (any, error)
}

// routes are all operations, in the order of their names, Security Hub's last.
func routes() []route {
	on := func(name, pattern string, changes bool, serve func(*call) (any, error)) route {
		return route{Operation{Name: name, Service: analyzerService, Changes: changes}, pattern, serve}
	}
	off := func(name, pattern, why string) route {
		return route{Operation: Operation{Name: name, Service: analyzerService, Refused: why}, pattern: pattern}
	}
	return []route{
		on("ApplyArchiveRule", "PUT /archive-rule", changes, applyRule),
		off("CancelPolicyGeneration", "PUT /policy/generation/{jobId}", generated),
		on("CheckAccessNotGranted", "POST /policy/check-access-not-granted", readsOnly, checkAccessNotGranted),
		on("CheckNoNewAccess", "POST /policy/check-no-new-access", readsOnly, checkNoNewAccess),
		off("CheckNoPublicAccess", "POST /policy/check-no-public-access", public),
		off("CreateAccessPreview", "PUT /access-preview", previews),
		on("CreateAnalyzer", "PUT /analyzer", changes, createAnalyzer),
		on("CreateArchiveRule", "PUT /analyzer/{analyzerName}/archive-rule", changes, createRule),
		on("CreateServiceLinkedAnalyzer", "PUT /service-linked-analyzer", changes, createServiceLinkedAnalyzer),
		on("DeleteAnalyzer", "DELETE /analyzer/{analyzerName}", changes, deleteAnalyzer),
		on("DeleteArchiveRule", "DELETE /analyzer/{analyzerName}/archive-rule/{ruleName}", changes, deleteRule),
		on("DeleteServiceLinkedAnalyzer", "DELETE /service-linked-analyzer/{analyzerName}", changes, deleteServiceLinkedAnalyzer),
		on("GenerateFindingRecommendation", "POST /recommendation/{id}", changes, generateRecommendation),
		off("GetAccessPreview", "GET /access-preview/{accessPreviewId}", previews),
		off("GetAnalyzedResource", "GET /analyzed-resource", resources),
		on("GetAnalyzer", "GET /analyzer/{analyzerName}", readsOnly, getAnalyzer),
		on("GetArchiveRule", "GET /analyzer/{analyzerName}/archive-rule/{ruleName}", readsOnly, getRule),
		off("GetFinding", "GET /finding/{id}", external),
		on("GetFindingRecommendation", "GET /recommendation/{id}", readsOnly, getRecommendation),
		on("GetFindingV2", "GET /findingv2/{id}", readsOnly, getFinding),
		on("GetFindingsStatistics", "POST /analyzer/findings/statistics", readsOnly, getStatistics),
		off("GetGeneratedPolicy", "GET /policy/generation/{jobId}", generated),
		off("ListAccessPreviewFindings", "POST /access-preview/{accessPreviewId}", previews),
		off("ListAccessPreviews", "GET /access-preview", previews),
		off("ListAnalyzedResources", "POST /analyzed-resource", resources),
		on("ListAnalyzers", "GET /analyzer", readsOnly, listAnalyzers),
		on("ListArchiveRules", "GET /analyzer/{analyzerName}/archive-rule", readsOnly, listRules),
		off("ListFindings", "POST /finding", external),
		on("ListFindingsV2", "POST /findingv2", readsOnly, listFindings),
		off("ListPolicyGenerations", "GET /policy/generation", generated),
		on("ListTagsForResource", "GET /tags/{resourceArn...}", readsOnly, listTags),
		off("StartPolicyGeneration", "PUT /policy/generation", generated),
		off("StartResourceScan", "POST /resource/scan", resources),
		on("TagResource", "POST /tags/{resourceArn...}", changes, tagResource),
		on("UntagResource", "DELETE /tags/{resourceArn...}", changes, untagResource),
		on("UpdateAnalyzer", "PUT /analyzer/{analyzerName}", changes, updateAnalyzer),
		on("UpdateArchiveRule", "PUT /analyzer/{analyzerName}/archive-rule/{ruleName}", changes, updateRule),
		on("UpdateFindings", "PUT /finding", changes, updateFindings),
		off("ValidatePolicy", "POST /policy/validation", linting),

		{Operation{Name: "GenerateRecommendedPolicyV2", Service: hubService, Changes: true}, "POST /recommendedPolicyV2/{MetadataUid}", generateRecommendedPolicy},
		{Operation{Name: "GetRecommendedPolicyV2", Service: hubService}, "GET /recommendedPolicyV2/{MetadataUid}", getRecommendedPolicy},
	}
}

// Operations lists every operation that the API has, in the order of their names, Security
// Hub's last.
func Operations() []Operation {
	var out []Operation
	for _, r := range routes() {
		out = append(out, r.Operation)
	}
	return out
}

// Roots are the first segments of the API's paths, sorted: what else is on the same server
// has others.
func Roots() []string {
	var out []string
	for _, r := range routes() {
		_, path, _ := strings.Cut(r.pattern, " /")
		root, _, _ := strings.Cut(path, "/")
		out = append(out, root)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
