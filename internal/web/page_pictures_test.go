package web_test

import (
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/store"
)

// otherPages are the pages beside overview and findings, by the names of their pictures.
func (s *testSite) otherPages(t testing.TB) map[string]string {
	t.Helper()
	run, err := s.store.FindRuns(t.Context(), store.RunQuery{Analyzer: theARN, State: store.Complete}, store.Page{})
	check(t, err)
	return map[string]string{
		"principals": "/principals?size=25", "principal": "/principal?arn=" + url.QueryEscape(myRole), "principal-attack": "/principal?arn=" + url.QueryEscape(hostileARN),
		"policies": "/policies?size=25", "policy": "/policies/" + s.hashOf(t, myRole), "policy-shared": "/policies/" + s.mostHeld(t),
		"recommendations": "/recommendations", "accounts": "/accounts", "account": "/accounts/" + account, "account-attack": "/accounts/" + hostile,
		"runs": "/runs", "run": "/runs/" + number(run.Items[len(run.Items)-1].ID), "jobs": "/jobs",
		"rules": "/rules", "rule": "/rules/edit?rule=emergency", "rule-wrong": "/rules/edit?name=7&key=resource&op=eq&values=&key=error&op=exists&values=",
		"settings": "/settings", "settings-analyzer": "/settings/analyzer", "settings-user": "/settings/user?name=ann", "audit": "/audit",
		"empty-rules": "/rules?analyzer=vacant", "empty-accounts": "/accounts?analyzer=vacant", "empty-principals": "/principals?analyzer=vacant", "empty-queue": "/recommendations?analyzer=vacant",
	}
}

func (b *browser) pictureAll(t testing.TB) {
	t.Helper()
	b.settle(t)
	for name, at := range b.otherPages(t) {
		b.visit(at)
		b.picture(name)
	}
}

func TestOtherPagesInABrowser(t *testing.T) {
	b := newBrowser(t, store.Admin, "")
	b.pictureAll(t)
}

func TestOtherPagesOnAPhone(t *testing.T) {
	b := newBrowser(t, store.Admin, "phone-")
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	b.pictureAll(t)
}

func TestOtherPagesInTheDark(t *testing.T) {
	b := newBrowser(t, store.Admin, "dark-")
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	check(t, err)
	b.pictureAll(t)
}

// A rule is made, looked at and deleted by what can be seen alone, without a script.
func TestARulesLifeWithoutJavaScript(t *testing.T) {
	b := newBrowser(t, store.Operator, "plain-")
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	check(t, err)
	b.axe = ""
	b.visit("/rules")
	b.click(".head .actions a", "#name")
	b.do(chromedp.SendKeys(chromedp.CSS("#name"), "mine"), chromedp.SetValue(chromedp.CSS("#key1"), "resource"), chromedp.SendKeys(chromedp.CSS("#values1"), "role/MyRole"))
	b.click("ol.criteria + p + .actions button", "#matches")
	b.look()
	if got := b.text("#matched"); got != "It matches 1 active finding now" {
		t.Errorf("the preview says %q", got)
	}
	b.picture("rule-preview")
	b.click("button.main", ".notice")
	b.visit("/rules")
	b.click(`form[action="/rules/apply"] button`, ".notice")
	f, err := b.store.Finding(t.Context(), theARN, b.idOf(t, myRole, finding.UnusedPermission))
	check(t, err)
	if f.Status != finding.Archived || f.ArchivedBy != "mine" {
		t.Errorf("the finding is %s by %q", f.Status, f.ArchivedBy)
	}
	b.click("tbody th a", "#more")
	b.click(".danger", ".notice")
	part, err := b.store.Rules(t.Context(), theARN, store.Page{})
	check(t, err)
	if len(part.Items) != 0 {
		t.Errorf("the rules are %v", part.Items)
	}
}
