package terraform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/pare-iam/pare/internal/iac"
)

// statement is a statement block as IAM has it.
func (m *merger) statement(b *hclsyntax.Block) *iac.Value {
	v := m.finder.at(blockRange(b), iac.Object)
	add := func(key, name string, value *iac.Value) {
		if value == nil {
			return
		}
		member := iac.Member{Key: key, Value: value}
		if attr := b.Body.Attributes[name]; attr != nil {
			member.At = m.span(attr.NameRange)
		}
		v.Members = append(v.Members, member)
	}
	add("Sid", "sid", m.attribute(b.Body, "sid"))
	effect := m.attribute(b.Body, "effect")
	if effect == nil {
		effect = &iac.Value{Kind: iac.Text, Text: "Allow"}
	}
	add("Effect", "effect", effect)
	add("Action", "actions", m.set(b.Body, "actions"))
	add("NotAction", "not_actions", m.set(b.Body, "not_actions"))
	add("Resource", "resources", withVariables(m.set(b.Body, "resources")))
	add("NotResource", "not_resources", withVariables(m.set(b.Body, "not_resources")))
	add("Principal", "", m.principals(b.Body, "principals"))
	add("NotPrincipal", "", m.principals(b.Body, "not_principals"))
	add("Condition", "", m.conditions(b.Body))
	return v
}

// set is a list of strings; none at all if it is empty, as the provider leaves it out.
func (m *merger) set(b *hclsyntax.Body, name string) *iac.Value {
	v := m.attribute(b, name)
	switch {
	case v == nil || v.Kind == iac.List && len(v.Entries) == 0:
		return nil
	case v.Kind == iac.Text || v.Kind == iac.Literal || v.Kind == iac.Object:
		return m.unknown(b.Attributes[name].Expr, "it is no list")
	}
	return v
}

// withVariables replaces "&{", by which policy variables are written where "${" would be
// Terraform's own.
func withVariables(v *iac.Value) *iac.Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == iac.Text && strings.Contains(v.Text, "&{"):
		out := *v
		out.Text = strings.ReplaceAll(v.Text, "&{", "${")
		return &out
	case v.Kind == iac.List:
		out := *v
		out.Entries = nil
		for _, entry := range v.Entries {
			out.Entries = append(out.Entries, withVariables(entry))
		}
		return &out
	}
	return v
}

// blocksOf are the blocks of a type, and the first dynamic one, which may make others.
func blocksOf(b *hclsyntax.Body, kind string) (blocks []*hclsyntax.Block, dynamic *hclsyntax.Block) {
	for _, in := range b.Blocks {
		switch {
		case in.Type == kind:
			blocks = append(blocks, in)
		case in.Type == "dynamic" && dynamic == nil && slices.Equal(in.Labels, []string{kind}):
			dynamic = in
		}
	}
	return blocks, dynamic
}

// dynamicBlock is the value of what a dynamic block makes.
func (m *merger) dynamicBlock(b *hclsyntax.Block) *iac.Value {
	v := m.finder.at(blockRange(b), iac.Unknown)
	v.Text, v.Why = m.written(blockRange(b)), "a block dynamic "+strings.Join(b.Labels, " ")
	m.partly = given{problem: "dynamic " + strings.Join(b.Labels, " ") + " makes blocks that aren't known", at: v.Where()}
	return v
}

// conditions are the condition blocks as IAM has them: values by key by operator. The
// values of blocks with the same operator and key are one list.
func (m *merger) conditions(b *hclsyntax.Body) *iac.Value {
	blocks, dynamic := blocksOf(b, "condition")
	if dynamic != nil {
		return m.dynamicBlock(dynamic)
	}
	out := &iac.Value{Kind: iac.Object}
	n := len(m.pending)
	for _, in := range blocks {
		test, variable := m.attribute(in.Body, "test"), m.attribute(in.Body, "variable")
		values := withVariables(m.set(in.Body, "values"))
		if test == nil || test.Kind != iac.Text || variable == nil || variable.Kind != iac.Text || values == nil {
			v := m.finder.at(blockRange(in), iac.Unknown)
			v.Text, v.Why = m.written(blockRange(in)), "its test, variable or values aren't known"
			m.partly = given{problem: "a condition whose test, variable or values aren't known", at: v.Where()}
			m.pending = m.pending[:n]
			return v
		}
		addTo(member(out, test.Text), variable.Text, values)
	}
	if len(blocks) == 0 {
		return nil
	}
	return out
}

// member is the object at a key, made if it isn't there.
func member(v *iac.Value, key string) *iac.Value {
	in := v.Get(key)
	if in == nil {
		in = &iac.Value{Kind: iac.Object}
		v.Members = append(v.Members, iac.Member{Key: key, Value: in})
	}
	return in
}

// addTo adds a list to what an object has at a key.
func addTo(v *iac.Value, key string, list *iac.Value) {
	for i, m := range v.Members {
		if m.Key == key {
			v.Members[i].Value = joined(m.Value, list)
			return
		}
	}
	v.Members = append(v.Members, iac.Member{Key: key, Value: list})
}

// joined is two lists as one; one that isn't known makes the whole unknown.
func joined(a, b *iac.Value) *iac.Value {
	for _, v := range []*iac.Value{a, b} {
		if v.Kind != iac.List {
			return v
		}
	}
	return &iac.Value{Kind: iac.List, Form: iac.Brackets, Lang: cmp.Or(a.Lang, b.Lang), Entries: slices.Concat(a.Entries, b.Entries)}
}

// principals are principal blocks as IAM has them.
func (m *merger) principals(b *hclsyntax.Body, kind string) *iac.Value {
	blocks, dynamic := blocksOf(b, kind)
	if dynamic != nil {
		return m.dynamicBlock(dynamic)
	}
	out := &iac.Value{Kind: iac.Object}
	for _, in := range blocks {
		of, ids := m.attribute(in.Body, "type"), withVariables(m.set(in.Body, "identifiers"))
		if of == nil || of.Kind != iac.Text || ids == nil {
			m.partly = given{problem: "a principal whose type or identifiers aren't known", at: m.where(in.Range())}
			continue
		}
		if len(blocks) == 1 && of.Text == "*" && ids.Kind == iac.List && len(ids.Entries) == 1 && ids.Entries[0].Text == "*" {
			return &iac.Value{Kind: iac.Text, Text: "*"}
		}
		addTo(out, of.Text, ids)
	}
	if len(out.Members) == 0 {
		return nil
	}
	return out
}
