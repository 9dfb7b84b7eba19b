package gate

import (
	"path"
	"strings"

	"github.com/pare-iam/pare/internal/iac"
)

// around is the block of a Terraform file, or the resource of a template, that a place is
// in; nil if it is in none.
func (d *Definitions) around(f *iac.File, at int) *iac.Value {
	v := d.files[f.Path]
	if v == nil {
		return nil
	}
	if resources := v.Get("Resources"); resources != nil {
		v = resources
	}
	v = memberAt(v, at)
	if strings.HasSuffix(f.Path, ".tf.json") { // resource, its type, its name
		v = memberAt(memberAt(v, at), at)
	}
	return v
}

// memberAt is the member of an object, or of one in a list, that a place is in.
func memberAt(v *iac.Value, at int) *iac.Value {
	if v == nil {
		return nil
	}
	for _, e := range v.Entries {
		if e.Start <= at && at < e.End {
			return memberAt(e, at)
		}
	}
	for _, m := range v.Members {
		if start := m.Value.Start; m.At.Start <= at && at < m.Value.End && (m.At.End > 0 || start <= at) {
			return m.Value
		}
	}
	return nil
}

// when is what says whether, where, and how often, a source's policy is there: count,
// for_each, a condition, a provider. absent says that it surely isn't.
func (d *Definitions) when(s *iac.Source) (when string, absent bool) {
	out := d.slice(s)
	add := func(dir, text string) {
		if text != "" {
			out.texts[out.inline(dir, text)] = true
			out.of(dir, text)
		}
	}
	block := d.around(s.File, s.At)
	if s.Style == iac.InTemplate || strings.HasPrefix(s.Type, "AWS::") {
		if root := d.files[s.File.Path]; root != nil && block != nil {
			add(s.File.Path, text(s.File, block.Get("Condition")))
			add(s.File.Path, text(s.File, root.Get("Transform")))
			add(s.File.Path, text(s.File, root.Get("Fn::Transform")))
		}
		return out.digest(), false
	}
	dir := s.Root
	for _, name := range out.modules {
		next := ""
		for to, calls := range d.calls {
			for _, c := range calls {
				if c.dir == dir && c.name == name {
					next = to
					absent = absent || text(c.file, c.block.Get("count")) == "0"
					add(dir, repeats(c.file, c.block))
					add(dir, text(c.file, c.block.Get("providers")))
					add(dir, lifecycle(c.file, c.block))
				}
			}
		}
		dir = next
	}
	if block != nil {
		absent = absent || text(s.File, block.Get("count")) == "0"
		add(path.Dir(s.File.Path), repeats(s.File, block))
		add(path.Dir(s.File.Path), text(s.File, block.Get("provider")))
		add(path.Dir(s.File.Path), lifecycle(s.File, block))
	}
	return out.digest(), absent
}

// lifecycle is by what a block's lifecycle says that it isn't there, which OpenTofu knows, and
// what it leaves as it is in AWS, if that may be its policy.
// https://opentofu.org/docs/language/meta-arguments/enabled/
func lifecycle(f *iac.File, block *iac.Value) string {
	rules := block.Get("lifecycle")
	if rules == nil {
		return ""
	}
	enabled, ignored := text(f, rules.Get("enabled")), text(f, rules.Get("ignore_changes"))
	if !strings.Contains(ignored, "policy") && ignored != "all" {
		ignored = ""
	}
	return strings.TrimSpace(enabled + " " + ignored)
}

// whole is a digest of all that is written of a policy that can't be known.
func (d *Definitions) whole(s *iac.Source) string {
	out := d.slice(s)
	block := d.around(s.File, s.At)
	if block == nil {
		return digest(string(s.File.Src))
	}
	given := text(s.File, block)
	out.texts[given] = true
	if s.Style == iac.InTemplate || strings.HasPrefix(s.Type, "AWS::") {
		out.of(s.File.Path, given)
	} else {
		out.of(path.Dir(s.File.Path), given)
	}
	return out.digest()
}
