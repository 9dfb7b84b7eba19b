package iac

import "github.com/pare-iam/pare/policy"

// ReadPolicyFile reads a JSON or JSONC file that is a policy and nothing else: an object whose
// Statement is one statement or a list of them. It is nil for a file that is something
// else, JSON or not; the error is that of a policy that can't be read.
func ReadPolicyFile(f *File) (*Source, error) {
	if f.Lang != JSON || !MayHave(f.Src, `"Statement"`) {
		return nil, nil
	}
	v, err := ParseJSON(f, policy.Span{End: len(f.Src)}, Embedded{})
	if err != nil {
		return nil, err
	}
	if !isPolicy(v) {
		return nil, nil
	}
	return &Source{File: f, At: v.Start, Root: f.Path, Style: PolicyFile, Document: v}, nil
}

// isPolicy says whether a value is a policy document, by its statements.
func isPolicy(v *Value) bool {
	statements := v.Get("Statement")
	if statements == nil {
		return false
	}
	for _, st := range asList(statements).Entries {
		if st.Get("Effect") != nil {
			return true
		}
	}
	return false
}
