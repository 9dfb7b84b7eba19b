package main

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/internal/awstest"
)

// The pictures of README.md are the demo's pages, in a real browser; -update makes them anew.
// They show times and hinted fonts, so that only their sizes are compared.
func TestPicturesOfTheReadme(t *testing.T) {
	browser := awstest.Need(t, awstest.Chromium)
	s := serveProcess(t, "--demo")
	found := regexp.MustCompile(`href="(/findings/[0-9a-f-]{36})`).FindStringSubmatch(page(t, s.url+"/findings?resource=role%2FMyRole"))
	if found == nil {
		t.Fatal("no finding of MyRole")
	}
	finding := s.url + found[1]
	resp, err := http.PostForm(finding+"/recommend", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(page(t, finding), "Side by side"); {
		if time.Now().After(deadline) {
			t.Fatal("no recommendation")
		}
	}
	for name, url := range map[string]string{"overview": s.url + "/", "finding": finding} {
		taken := filepath.Join(t.TempDir(), name+".png")
		cmd := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
			"--user-data-dir="+t.TempDir(), "--window-size=1280,1300", "--screenshot="+taken, url)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		kept := filepath.Join("..", "..", "docs", "images", name+".png")
		if *golden {
			if err := os.WriteFile(kept, []byte(readText(t, taken)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := picture(t, taken), picture(t, kept); got != want {
			t.Errorf("%s: %v, and the page is %v: -update makes it anew", kept, want, got)
		}
	}
}

func page(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(body)
}

// picture is a picture's width and height.
func picture(t *testing.T, path string) [2]int {
	t.Helper()
	config, err := png.DecodeConfig(bytes.NewReader([]byte(readText(t, path))))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return [2]int{config.Width, config.Height}
}
