package layers_test

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// rows is the order of docs/architecture.md: a package imports only rows with a
// smaller number. A package that isn't here has no place yet, and is an error.
var rows = map[string]int{
	"internal/wildcard":  0,
	"internal/turns":     0,
	"policy":             1,
	"catalog":            2,
	"finding":            2,
	"inventory":          2,
	"usage":              3,
	"access":             3,
	"refine":             4,
	"prove":              4,
	"cloudtrail":         4,
	"analyzer":           5,
	"internal/samplegen": 4,

	"internal/catalogupdate": 6,
	"internal/report":        6,
	"internal/snapshot":      6,
	"internal/ingest":        6,
	"internal/awstest":       6,
	"internal/analyze":       7,
	"internal/collect":       7,
	"internal/apply":         7,
	"internal/trail":         7,
	"internal/store":         7,
	"internal/sigv4":         7,
	"internal/notify":        7,
	"internal/watch":         8,
	"internal/wire":          8,
	"internal/jobs":          8,
	"internal/login":         8,
	"internal/web":           9,
	"internal/serve":         10,

	"internal/login/oidctest":  6,
	"internal/store/storetest": 6,

	"internal/git":                5,
	"internal/iac":                5,
	"internal/iac/terraform":      6,
	"internal/iac/cloudformation": 6,
	"internal/iac/tree":           7,
	"internal/rewrite":            8,
	"internal/gate":               9,

	"cmd/pare":            11,
	"internal/gencatalog": 11,
	"internal/layers":     11,
	".":                   11, // examples of the whole library
}

// pure says which packages know nothing of the world: all that aren't internal or a
// command, and internal/wildcard.
func pure(path string) bool {
	outer, _, _ := strings.Cut(path, "/")
	return path == "internal/wildcard" || outer != "internal" && outer != "cmd"
}

// worldly are the imports that a pure package can't have, with what lies below them,
// and kept are exceptions: what computes alone.
var (
	worldly = []string{
		"crypto/rand", "database", "expvar", "flag", "io/ioutil", "log", "math/rand",
		"net", "os", "path/filepath", "plugin", "runtime/debug", "syscall", "testing", "unsafe",
	}
	kept = []string{"net/netip", "net/url"}
)

// libraries are the modules that a pure package may use.
var libraries = []string{
	"github.com/go-json-experiment/json", // strict decoding, byte offsets
	"github.com/klauspost/compress/zstd", // the embedded snapshot
}

func TestImportsGoUpTheRows(t *testing.T) {
	for _, p := range mustLoad(t) {
		report(t, badRows(p))
	}
}

func TestPurePackagesImportNothingWorldly(t *testing.T) {
	for _, p := range mustLoad(t) {
		if pure(p.path) {
			report(t, worldlyImports(p))
		}
	}
}

func badRows(p pkg) []string {
	own, ok := rows[p.path]
	if !ok {
		return []string{fmt.Sprintf("%s: no row for this package: add it to internal/layers and docs/architecture.md", p.path)}
	}
	var bad []string
	for _, spec := range imports(p.files) {
		if row, ours := rowOf(spec); ours && row >= own {
			bad = append(bad, fmt.Sprintf("%s: %s (row %d) imports %s (row %d)", p.at(spec), p.path, own, spec.Path.Value, row))
		}
	}
	for _, spec := range imports(p.tests) { // a test may compare with its neighbours
		if row, ours := rowOf(spec); ours && row > own {
			bad = append(bad, fmt.Sprintf("%s: a test of %s (row %d) imports %s (row %d)", p.at(spec), p.path, own, spec.Path.Value, row))
		}
	}
	return bad
}

func worldlyImports(p pkg) []string {
	var bad []string
	for _, spec := range imports(p.files) {
		path := unquote(spec)
		_, ours := rowOf(spec)
		foreign := strings.Contains(path, ".") && !ours && !under(path, libraries)
		if foreign || under(path, worldly) && !under(path, kept) {
			bad = append(bad, fmt.Sprintf("%s: %s is pure, and imports %s", p.at(spec), p.path, path))
		}
	}
	return bad
}

// rowOf returns the row of an import; ours is false for another module's package. A
// package of ours without a row lies below all others, so that nobody may import it.
func rowOf(spec *ast.ImportSpec) (row int, ours bool) {
	path, ours := strings.CutPrefix(unquote(spec), module+"/")
	if !ours {
		return 0, false
	}
	row, known := rows[path]
	if !known {
		row = noRow
	}
	return row, true
}

// noRow lies below every row.
const noRow = 99

func imports(files []*ast.File) []*ast.ImportSpec {
	var specs []*ast.ImportSpec
	for _, f := range files {
		specs = append(specs, f.Imports...)
	}
	return specs
}

func unquote(spec *ast.ImportSpec) string {
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has read it as a string
	}
	return path
}

// under reports whether path is one of the trees, or lies in one.
func under(path string, trees []string) bool {
	for _, tree := range trees {
		if path == tree || strings.HasPrefix(path, tree+"/") {
			return true
		}
	}
	return false
}
