package web_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/pare-iam/pare/finding"
	"github.com/pare-iam/pare/internal/awstest"
	"github.com/pare-iam/pare/internal/store"
)

var screenshots = flag.String("screenshots", "", "keep the browser's pictures of the pages in this `folder`")

// browser is a tab of a real browser on a dashboard of its own.
type browser struct {
	testing.TB
	*testSite
	ctx     context.Context
	server  *httptest.Server
	pages   atomic.Int64 // whole pages that were sent
	folder  string       // of pictures
	prefix  string       // of their names
	console func() []string
	axe     string // source of the accessibility checker; "" where scripts can't run
}

// newBrowser starts one, as somebody with a role.
func newBrowser(t *testing.T, role store.UserRole, prefix string) *browser {
	t.Helper()
	path := awstest.Need(t, awstest.Chromium)
	b := &browser{TB: t, testSite: newSite(t), folder: *screenshots, prefix: prefix}
	if b.folder == "" {
		b.folder = t.TempDir()
	}
	check(t, os.MkdirAll(b.folder, 0o777))
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Accept"), "text/html") && r.Header.Get("HX-Request") == "" {
			b.pages.Add(1)
		}
		as(role, b.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(b.server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1360, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	check(t, chromedp.Do(tab)) // starts the browser, which a deadline must not end
	b.console = listen(t, tab)
	axe, err := os.ReadFile(awstest.Need(t, awstest.Axe))
	check(t, err)
	b.axe = string(axe)
	limited, end := context.WithTimeout(tab, 5*time.Minute)
	t.Cleanup(end)
	b.ctx = limited
	return b
}

// listen gathers what the browser complains about: scripts, and what the content security
// policy forbids.
func listen(t *testing.T, tab context.Context) func() []string {
	t.Helper()
	messages := make(chan string, 100)
	all := chromedp.Console(tab)
	go func() {
		for m, err := range all {
			if err != nil {
				return
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				messages <- m.String()
			}
		}
	}()
	return func() []string {
		var out []string
		for {
			select {
			case m := <-messages:
				out = append(out, m)
			default:
				return out
			}
		}
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func value[T any](b *browser, a chromedp.Action[T]) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, a)
	check(b, err)
	return v
}

// visit opens a page and looks it over; whatever is to hold for every page in a real browser
// has its place here.
func (b *browser) visit(path string) {
	b.Helper()
	b.do(chromedp.Navigate(b.server.URL + path))
	b.look()
}

// look looks the present page over.
func (b *browser) look() {
	b.Helper()
	b.do(chromedp.WaitReady(chromedp.CSS("main h1")))
	for _, m := range b.console() {
		b.Errorf("the browser complains: %s", m)
	}
	wide := value(b, chromedp.Evaluate[float64]("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
	if wide > 0 {
		b.Errorf("the page is %v pixels wider than the window", wide)
	}
	if b.axe != "" {
		b.accessible()
	}
}

// accessible has axe-core look at the present page: what it calls serious or critical is an
// error.
// https://github.com/dequelabs/axe-core/blob/develop/doc/API.md
func (b *browser) accessible() {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](b.axe))
	violations := value(b, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations
		.filter(v => v.impact === "serious" || v.impact === "critical")
		.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise))
	at := value(b, chromedp.Location())
	for _, v := range violations {
		b.Errorf("%s: %s", at, v)
	}
}

// picture keeps what the page looks like.
func (b *browser) picture(name string) {
	b.Helper()
	png := value(b, chromedp.FullScreenshot(100))
	check(b, os.WriteFile(filepath.Join(b.folder, b.prefix+name+".png"), png, 0o666))
}

// click clicks on an element and waits until another is there.
func (b *browser) click(on, then string) {
	b.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(on)), chromedp.Click(chromedp.CSS(on)), chromedp.WaitReady(chromedp.CSS(then)))
}

func (b *browser) text(of string) string {
	b.Helper()
	return value(b, chromedp.Text(chromedp.CSS(of)))
}

// mainPath goes from the overview to an archived finding, by what can be seen alone.
func (b *browser) mainPath() {
	b.Helper()
	b.visit("/")
	b.picture("overview")
	b.click(`.tiles li:nth-child(4) a`, `table.findings`)
	b.look()
	b.picture("findings")
	b.do(chromedp.SendKeys(chromedp.CSS("#resource"), "role/MyRole"))
	b.click(`form.filter button.main`, `input[name=back][value*="MyRole"]`)
	b.look()
	if got := b.text(".tabs a[aria-current] .tally"); got != "1" {
		b.Errorf("%s active findings after filtering, want 1", got)
	}
	b.picture("findings-filtered")
	b.click(`table.findings tbody th a`, `#recommendation`)
	b.look()
	b.picture("finding")
	b.click(`#recommendation button.main`, `#recommendation .working, #recommendation ol.steps`)
}

func (b *browser) archive() {
	b.Helper()
	b.click(`.head .actions button`, `.head .badge.archived`)
	b.look()
	if got := b.text(".notice"); !strings.Contains(got, "1 finding is archived now") {
		b.Errorf("the notice says %q", got)
	}
	b.picture("finding-archived")
	f, err := b.store.Finding(b.ctx, theARN, b.idOf(b, myRole, finding.UnusedPermission))
	check(b, err)
	if f.Status != finding.Archived {
		b.Errorf("the finding is %s", f.Status)
	}
}

func TestMainPathInABrowser(t *testing.T) {
	b := newBrowser(t, store.Admin, "")
	b.queue.held = true
	before := b.pages.Load()
	b.mainPath()
	if n := b.pages.Load() - before; n > 5 {
		t.Errorf("%d whole pages for the path: the filter's form doesn't go through htmx", n)
	}
	b.look()
	b.picture("recommendation-working")
	id := b.idOf(t, myRole, finding.UnusedPermission)
	r, err := b.store.Recommendation(t.Context(), theARN, id)
	check(t, err)
	check(t, b.queue.finish(t.Context(), r.ID, id))
	b.do(chromedp.WaitReady(chromedp.CSS("#recommendation ol.steps"))) // it polls
	b.look()
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('#recommendation details').forEach(d => d.open = true)"))
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('.trie img').loading = 'eager'"))
	b.do(chromedp.WaitVisible(chromedp.CSS(".copied .copy")))
	ready := value(b, chromedp.Poll[bool]("document.querySelector('.trie img').complete && document.querySelector('.trie img').naturalWidth > 300"))
	if !ready {
		t.Error("the trie isn't drawn")
	}
	b.picture("recommendation")
	b.archive()
	b.visit("/findings?status=ARCHIVED")
	b.picture("findings-archived")
	if href := value(b, chromedp.AttributeValue(chromedp.CSS(`.exports a`), "href")); !strings.Contains(href.Value, "format=csv") {
		t.Errorf("the first export is %q", href.Value)
	}
}

func TestMainPathWithoutJavaScript(t *testing.T) {
	b := newBrowser(t, store.Admin, "plain-")
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	check(t, err)
	b.axe = ""
	b.mainPath()
	b.look()
	b.picture("recommendation")
	b.archive()
}

// everyPage are the pages that pictures are taken of.
func (b *browser) everyPage(t testing.TB) {
	t.Helper()
	id := b.idOf(t, myRole, finding.UnusedPermission)
	check(t, b.queue.Recommend(t.Context(), b.by(), theARN, id))
	for name, at := range map[string]string{
		"overview": "/", "findings": "/findings?size=25", "finding": "/findings/" + id, "groups": "/findings?group=service",
		"attack": "/findings/attack-permission", "role": "/findings/" + b.idOf(t, "arn:aws:iam::111122223333:role/old-migration", finding.UnusedIAMRole),
	} {
		b.visit(at)
		b.picture(name)
	}
}

func TestPagesOnAPhone(t *testing.T) {
	b := newBrowser(t, store.Reviewer, "phone-")
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile))
	b.everyPage(t)
}

func TestPagesInTheDark(t *testing.T) {
	b := newBrowser(t, store.Operator, "dark-")
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
	check(t, err)
	b.everyPage(t)
}
