package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/rewrite"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
)

// certify writes the claims about each live policy that changes into a folder of its own,
// called as the policy is.
func (in *rewriteInput) certify(cmd *cobra.Command, plan *rewrite.Plan) error {
	var proofs []certified
	taken := map[string]int{}
	for i := range plan.Rewrites {
		r := &plan.Rewrites[i]
		for _, a := range r.After {
			claims, err := prove.Certificates(plan.Catalog, a.Document, []*policy.Document{a.Refined}, r.Unused)
			if _, ok := errors.AsType[*prove.NotExpressibleError](err); ok {
				cmd.PrintErrf("no certificate: %s: %v\n", forTerminal(a.Title()), err)
				continue
			}
			if err != nil {
				return fmt.Errorf("--certificate: %s: %w", a.Title(), err)
			}
			name := folderName(a.Title())
			if taken[name]++; taken[name] > 1 {
				name += "-" + strconv.Itoa(taken[name])
			}
			proofs = append(proofs, certified{filepath.Join(in.certificate, name), claims})
		}
	}
	return writeProofs(cmd, proofs)
}

// folderName is a text that any file system takes for the name of a folder.
func folderName(text string) string {
	const most = 120
	name := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("-_=.", c) {
			return c
		}
		return '_'
	}, text)
	return name[max(0, len(name)-most):]
}
