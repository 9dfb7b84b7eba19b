package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

//go:embed templates
var templateFiles embed.FS

// assets are the files below /static/, by names that change with their content, so that a
// browser may keep them for ever.
type assets struct {
	urls    map[string]string // "pare.css": "/static/pare.0123456789abcdef.css"
	content map[string][]byte // by the last part of the URL
}

// readAssets reads the files. They are part of the program, so an error is ours.
func readAssets() assets {
	out := assets{map[string]string{}, map[string][]byte{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic("web: " + err.Error())
	}
	for _, e := range entries {
		src, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic("web: " + err.Error())
		}
		sum := sha256.Sum256(src)
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:8]) + ext
		out.urls[e.Name()], out.content[name] = "/static/"+name, src
	}
	return out
}

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	src, ok := a.content[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(src))
}

// templates are the pages by the names of their files: each with the layout and the parts.
type templates map[string]*template.Template

// readTemplates parses templates/*.html. An error is ours.
func readTemplates(a assets) templates {
	base := template.New("").Option("missingkey=error").Funcs(functions(a))
	template.Must(base.ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic("web: " + err.Error())
	}
	out := templates{}
	for _, name := range names {
		t := template.Must(base.Clone())
		out[strings.TrimSuffix(path.Base(name), ".html")] = template.Must(t.ParseFS(templateFiles, name))
	}
	return out
}

// menuPath is the path of a route that stands in the menu: "GET /{$}" is "/".
func menuPath(pattern string) string {
	_, p, _ := strings.Cut(pattern, " ")
	return strings.TrimSuffix(p, "{$}")
}
