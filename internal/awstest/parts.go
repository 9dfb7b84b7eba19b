package awstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Part is what the tests need and Go doesn't bring: a name that scripts/deps.sh knows.
type Part string

// The parts: programs first, then folders and files that programs need.
const (
	Moto      Part = "moto"
	AWS       Part = "aws"
	Faketime  Part = "faketime"
	CfnLint   Part = "cfn-lint"
	Node      Part = "node" // 20 or newer
	Terraform Part = "terraform"
	Chromium  Part = "chromium"
	CVC5      Part = "cvc5"

	// TerraformAWS is a folder that Terraform's filesystem_mirror can name, with its provider
	// of AWS in it.
	TerraformAWS Part = "terraform-aws"

	JavaScriptSDK Part = "aws-sdk-js" // the folder of AWS's SDK for JavaScript
	Axe           Part = "axe"        // the file axe.min.js
)

// place is where a part may be: commands of any of some names on the PATH, else a path in
// the folder that scripts/deps.sh installs into.
type place struct {
	commands []string
	cache    string // from that folder; "" for what is only ever on the PATH
}

// place of a part. A Part that is none is a mistake of the test.
func (p Part) place() place {
	switch p {
	case Moto:
		return place{[]string{"moto_server"}, "venv/bin/moto_server"}
	case AWS, CfnLint:
		return place{[]string{string(p)}, "venv/bin/" + string(p)}
	case Faketime, Node, CVC5:
		return place{commands: []string{string(p)}}
	case Terraform:
		return place{[]string{"terraform"}, "terraform/bin/terraform"}
	case Chromium:
		return place{commands: []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}}
	case TerraformAWS:
		return place{cache: "terraform/providers"}
	case JavaScriptSDK:
		return place{cache: "node/node_modules/@aws-sdk/client-accessanalyzer"}
	case Axe:
		return place{cache: "node/node_modules/axe-core/axe.min.js"}
	}
	panic(fmt.Sprintf("awstest: no part %q", string(p)))
}

// name is what is missed if the part is.
func (p place) name() string {
	if len(p.commands) > 0 {
		return p.commands[0]
	}
	return p.cache
}

// Find returns the path of a part, from the PATH or else from the folder that
// scripts/deps.sh installs into; empty if it is in neither.
func Find(p Part) string {
	place := p.place()
	for _, name := range place.commands {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if place.cache == "" {
		return ""
	}
	path := filepath.Join(cacheFolder(), filepath.FromSlash(place.cache))
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// cacheFolder is where scripts/deps.sh installs what isn't the system's.
func cacheFolder() string {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(cache, "pare")
}

// Need returns the path of a part. Where it is missing the test ends: as failed if CI is
// true, else as skipped, and says which part it is and how to get it.
func Need(t testing.TB, p Part) string {
	t.Helper()
	path := Find(p)
	if path == "" {
		lacking(t, p, p.place().name()+" isn't there")
	}
	return path
}

// lacking ends the test for want of a part.
func lacking(t testing.TB, p Part, why string) {
	t.Helper()
	const message = "%s: install it with `make deps`, or `bash scripts/deps.sh %s`"
	if os.Getenv("CI") == "true" {
		t.Fatalf(message, why, p)
	}
	t.Skipf("SKIPPED, NOT TESTED: "+message, why, p)
}
