package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v4"

	"github.com/pare-iam/pare/internal/report"
)

// Sources are where settings come from, the strongest first.
type Sources struct {
	Flags   map[string]string // by the flag's name: those that were given
	Environ []string          // as os.Environ has it
	File    string            // path of a YAML file; "": none
}

// Setting is one that can be given.
type Setting struct {
	Key     string // in the file: "tls.cert_file"
	Env     string // "PARE_SERVE_TLS_CERT_FILE"
	Flag    string // of pare serve; "": none
	Default string // "": none, or what follows from others
	Example string // where there is no default
	Help    string
	Yes     bool // true or false
}

// Settings lists all settings in the order of the example file.
func Settings() []Setting {
	var out []Setting
	for _, st := range settings() {
		yes := st.usual == "true" || st.usual == "false"
		out = append(out, Setting{st.key, st.env(), st.flag, st.usual, st.example, st.help, yes})
	}
	return out
}

// Value is a setting as it is in effect.
type Value struct {
	Key, Value string // secrets are masked
	Origin     string // "flag --listen", "environment PARE_SERVE_LISTEN", "file pare.yaml:3", "default"
	Help       string
}

// placed is a value and where it is from.
type placed struct {
	text, origin, at string // at is where for an error: "pare.yaml:3: tls.cert_file"
}

// Load reads the configuration. Its errors are all that is wrong, a line each, with where
// and what to write instead.
func Load(s Sources) (Config, []Value, error) {
	file, fileErr := readFile(s.File)
	environment, envErr := readEnvironment(s.Environ)
	merged, origins, mergeErr := merge([]map[string]placed{defaults(), file, environment, readFlags(s.Flags)})
	if mergeErr != nil {
		return Config{}, nil, mergeErr
	}
	var c Config
	var values []Value
	var errs []error
	for _, st := range settings() {
		v := Value{Key: st.key, Origin: "default", Help: st.help}
		if from, ok := origins[st.key]; ok && merged.Exists(st.key) {
			text := merged.String(st.key)
			if err := st.parse(&c, text); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", from.at, quoted(st, text), err))
			}
			v.Value, v.Origin = text, from.origin
			if st.shown != nil {
				v.Value = st.shown(text)
			}
		}
		values = append(values, v)
	}
	if err := errors.Join(fileErr, envErr, errors.Join(errs...)); err != nil {
		return Config{}, nil, err
	}
	err := c.check()
	return c, values, err
}

// quoted is a value in an error; a list is left out.
func quoted(st setting, text string) string {
	if st.fields != nil || st.names {
		return "it"
	}
	if st.shown != nil {
		text = st.shown(text)
	}
	return fmt.Sprintf("%q", text)
}

// merge lays layers over each other, the last on top.
func merge(layers []map[string]placed) (*koanf.Koanf, map[string]placed, error) {
	k := koanf.New(".")
	origins := map[string]placed{}
	for _, layer := range layers {
		values := map[string]any{}
		for key, v := range layer {
			values[key] = v.text
		}
		if err := k.Load(confmap.Provider(values, "."), nil); err != nil {
			return nil, nil, err
		}
		maps.Copy(origins, layer)
	}
	return k, origins, nil
}

func defaults() map[string]placed {
	out := map[string]placed{}
	for _, st := range settings() {
		if st.usual != "" {
			out[st.key] = placed{st.usual, "default", st.key}
		}
	}
	return out
}

func readFlags(flags map[string]string) map[string]placed {
	out := map[string]placed{}
	for _, st := range settings() {
		if v, ok := flags[st.flag]; ok && st.flag != "" {
			out[st.key] = placed{v, "flag --" + st.flag, "--" + st.flag}
		}
	}
	return out
}

// readEnvironment reads PARE_SERVE_…; one that there isn't is an error, as in the file.
func readEnvironment(environ []string) (map[string]placed, error) {
	known := map[string]setting{}
	for _, st := range settings() {
		known[st.env()] = st
	}
	out := map[string]placed{}
	var errs []error
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, v, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "PARE_SERVE_") {
			continue
		}
		st, ok := known[name]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("%s: there is no such setting%s", name, meant(name, slices.Collect(maps.Keys(known)))))
		case v != "": // an empty variable is as good as none
			out[st.key] = placed{v, "environment " + name, name}
		}
	}
	return out, errors.Join(errs...)
}

// readFile reads a YAML file into values by their keys.
func readFile(path string) (map[string]placed, error) {
	if path == "" {
		return nil, nil
	}
	src, err := os.ReadFile(path)
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("%s: %w", path, perr.Err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := configFile{path: path, values: map[string]placed{}}
	if len(doc.Content) > 0 && doc.Content[0].Tag != "!!null" {
		f.section("", doc.Content[0])
	}
	return f.values, errors.Join(f.errs...)
}

// configFile is a file on its way.
type configFile struct {
	path   string
	values map[string]placed
	errs   []error
}

func (f *configFile) fail(n *yaml.Node, format string, args ...any) {
	f.errs = append(f.errs, fmt.Errorf("%s:%d: %s", f.path, n.Line, fmt.Sprintf(format, args...)))
}

// section reads a mapping whose keys are settings, or parts of their names.
func (f *configFile) section(prefix string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, "%s: want settings, a line each: name: value", strings.TrimSuffix("the file "+prefix, " "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, v := n.Content[i], n.Content[i+1]
		key := strings.TrimPrefix(prefix+"."+name.Value, ".")
		st, isSetting := settingOf(key)
		switch {
		case seen[key]:
			f.fail(name, "%s: it is there twice", key)
		case v.Tag == "!!null": // a section or a setting with nothing in it
			if !isSetting && !isSection(key) {
				f.unknown(name, key)
			}
		case isSetting:
			f.value(st, v)
		case isSection(key):
			f.section(key, v)
		default:
			f.unknown(name, key)
		}
		seen[key] = true
	}
}

func (f *configFile) unknown(n *yaml.Node, key string) {
	var known []string
	for _, st := range settings() {
		known = append(known, st.key, st.section())
	}
	f.fail(n, "%s: there is no such setting%s", key, meant(key, known))
}

// value reads a setting: text, a list of texts, or a list of maps.
func (f *configFile) value(st setting, n *yaml.Node) {
	text := n.Value
	switch {
	case n.Kind == yaml.AliasNode, !st.names && n.Kind == yaml.MappingNode, st.names && n.Kind != yaml.MappingNode, st.fields != nil && n.Kind != yaml.SequenceNode:
		f.fail(n, "%s: want %s", st.key, shape(st))
		return
	case st.fields != nil || st.names:
		if f.items(st, n); len(f.errs) > 0 {
			return
		}
		src, err := yaml.Marshal(n)
		if err != nil {
			f.fail(n, "%s: %v", st.key, err)
			return
		}
		text = string(src)
	case n.Kind == yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, part := range n.Content {
			parts[i] = part.Value
		}
		text = strings.Join(parts, ",")
	}
	where := fmt.Sprintf("%s:%d", f.path, n.Line)
	f.values[st.key] = placed{text, "file " + where, where + ": " + st.key}
}

func shape(st setting) string {
	switch {
	case st.names:
		return "a map: name: value"
	case st.fields != nil:
		return "a list of maps, each with some of " + strings.Join(st.fields, ", ")
	}
	return "a value"
}

// items checks the names in a list of maps.
func (f *configFile) items(st setting, n *yaml.Node) {
	if st.names {
		return
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode {
			f.fail(item, "%s: want %s", st.key, shape(st))
			continue
		}
		for j := 0; j+1 < len(item.Content); j += 2 {
			if name := item.Content[j]; !slices.Contains(st.fields, name.Value) {
				f.fail(name, "%s[%d].%s: there is no such setting%s", st.key, i, name.Value, meant(name.Value, st.fields))
			}
		}
	}
}

func settingOf(key string) (setting, bool) {
	all := settings()
	i := slices.IndexFunc(all, func(st setting) bool { return st.key == key })
	if i < 0 {
		return setting{}, false
	}
	return all[i], true
}

func isSection(key string) bool {
	return slices.ContainsFunc(settings(), func(st setting) bool { return strings.HasPrefix(st.key, key+".") })
}

// meant is a hint of the known name that is nearest, if one is near.
func meant(name string, known []string) string {
	if hint := report.DidYouMean(name, slices.Sorted(slices.Values(known))); hint != "" {
		return hint
	}
	return ": `pare config show` lists them"
}
