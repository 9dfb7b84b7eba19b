package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
)

// Tofu lists OpenTofu's own files in Paths, which stand in the place of Terraform's of the
// same name and aren't read as such, and a problem of each. A root that isn't there has none.
// https://opentofu.org/docs/language/files/
func Tofu(o Options) (files []*iac.File, problems []iac.Problem, err error) {
	root, err := os.OpenRoot(o.Root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	from := o.Paths
	if len(from) == 0 {
		from = []string{"."}
	}
	for _, p := range from {
		err := fs.WalkDir(root.FS(), p, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil: // told of where the tree is read
				return nil
			case e.IsDir() && slices.Contains([]string{".git", ".terraform", "node_modules"}, e.Name()):
				return fs.SkipDir
			case !tofuFile(name):
				return nil
			}
			src, err := root.ReadFile(filepath.FromSlash(name))
			files = append(files, &iac.File{Path: name, Src: src})
			problems = append(problems, iac.Problem{Where: name, What: "a file of OpenTofu's alone: not read; what it says may be said in a .tf file"})
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return files, problems, nil
}

func tofuFile(name string) bool {
	return strings.HasSuffix(name, ".tofu") || strings.HasSuffix(name, ".tofu.json")
}
