package refine_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// A word node leaks when `words*` also matches an action that doesn't start with these
// words: DescribeVolume* matches DescribeVolumes, DescribeVolumes* DescribeVolumeStatus.
// Every such node of the embedded catalog is a case: the leaked action is unused, all
// others of the service are used.
func TestWordNodesThatLeak(t *testing.T) {
	cat := catalog.Embedded()
	refiner := refine.New(cat)
	leaks, nodes := 0, 0
	for _, service := range cat.Services() {
		doc, err := policy.Parse("policy.json", []byte(`{"Statement":{"Effect":"Allow","Action":"`+service.Prefix+`:*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		for prefix, members := range wordNodes(service) {
			if len(members) < 2 {
				continue
			}
			nodes++
			leaked := leakedBy(service, prefix, members)
			if leaked == nil {
				continue
			}
			leaks++
			unused := usage.Of([]policy.Action{{Service: service.Prefix, Name: leaked.Lower}}, nil)
			got, err := refiner.Policy(doc, unused)
			if err != nil {
				t.Fatal(err)
			}
			checkAllBut(t, service, leaked, got.Document)
		}
	}
	t.Logf("%d of %d word nodes with several actions leak", leaks, nodes)
	if leaks < 324 {
		t.Errorf("%d word nodes leak, fewer than the 324 of February 2026: does this test still find them?", leaks)
	}
}

// wordNodes groups a service's actions by the words they start with.
func wordNodes(service *catalog.Service) map[string][]string {
	nodes := map[string][]string{}
	for _, a := range service.Actions {
		var prefix strings.Builder
		for _, word := range splitWords(a.Name) {
			prefix.WriteString(word)
			nodes[prefix.String()] = append(nodes[prefix.String()], a.Name)
		}
	}
	return nodes
}

var runs = regexp.MustCompile(`[A-Z]+|[a-z0-9]+|[^A-Za-z0-9]+`)

// splitWords cuts runs of capitals and of others, and lets a capital before a
// lower-case letter begin that word.
func splitWords(name string) []string {
	var words []string
	for _, run := range runs.FindAllString(name, -1) {
		n := len(words)
		if n > 0 && 'a' <= run[0] && run[0] <= 'z' && strings.ToUpper(words[n-1]) == words[n-1] && strings.ToLower(words[n-1]) != words[n-1] {
			last := words[n-1]
			words[n-1] = last[:len(last)-1]
			words = append(words, last[len(last)-1:]+run)
			continue
		}
		words = append(words, run)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

func leakedBy(service *catalog.Service, prefix string, members []string) *catalog.Action {
	for i, a := range service.Actions {
		if strings.HasPrefix(a.Lower, strings.ToLower(prefix)) && !slices.Contains(members, a.Name) {
			return &service.Actions[i]
		}
	}
	return nil
}

// checkAllBut wants every action of the service matched by some entry, in the text as
// printed, but one.
func checkAllBut(t *testing.T, service *catalog.Service, but *catalog.Action, doc *policy.Document) {
	t.Helper()
	entries := doc.Statements[0].Action.Entries
	for _, a := range service.Actions {
		matched := slices.ContainsFunc(entries, func(e policy.ActionEntry) bool {
			prefix, isPrefix := strings.CutSuffix(strings.ToLower(e.Text), "*")
			name := service.Prefix + ":" + a.Lower
			return name == prefix || isPrefix && strings.HasPrefix(name, prefix)
		})
		if matched != (a.Name != but.Name) {
			t.Errorf("%s without %s: %s is matched: %t", service.Prefix, but.Name, a.Name, matched)
		}
	}
}
