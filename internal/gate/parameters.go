package gate

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
	"github.com/pare-iam/pare/internal/iac/tree"
)

// A template's parameters may be given by files: a list of ParameterKey and ParameterValue or
// of KEY=VALUE, or an object in Parameters, as the command line of CloudFormation and
// CodePipeline take them, and samconfig.toml beside the template. Which is given to which
// template isn't known, so that each counts that has a parameter's name.
// https://docs.aws.amazon.com/cli/latest/reference/cloudformation/deploy/

// parameterFiles reads the files of parameters in the tree, once.
func (d *Definitions) parameterFiles() {
	if d.parameters {
		return
	}
	d.parameters = true
	for _, name := range d.allNames() {
		info, err := fs.Lstat(d.tree, name)
		if err == nil && info.Mode().IsRegular() && d.files[name] == nil { // a symlink's is read at its own place
			d.parameterFile(name)
		}
	}
}

func (d *Definitions) parameterFile(name string) {
	f := &iac.File{Path: name, Lang: iac.YAML}
	switch path.Ext(name) {
	case ".json":
		f.Lang = iac.JSON
	case ".yaml", ".yml":
	default:
		return
	}
	f.Src = []byte(d.content(name))
	if !iac.MayHave(f.Src, "Parameter") && !bytes.HasPrefix(bytes.TrimSpace(f.Src), []byte("[")) {
		return
	}
	root, err := tree.Parse(f)
	if err != nil {
		return
	}
	d.files[name] = root
	for _, e := range root.Entries {
		if key := e.Get("ParameterKey"); key != nil {
			d.setting("param.", key.Text, f, e.Get("ParameterValue"))
		} else if key, _, ok := strings.Cut(e.Text, "="); ok {
			d.setting("param.", key, f, e)
		}
	}
	d.given(f, root.Get("Parameters"))
}
