package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/prove"
)

// certified is a folder of a proof.
type certified struct {
	folder string
	claims []prove.Certificate
}

// writeCertificates writes the claims of a recommendation as SMT-LIB 2 files into a
// folder, which is made if it isn't there: all of them, or none.
func writeCertificates(cmd *cobra.Command, folder string, rec report.Recommendation) error {
	certificates, err := prove.Certificates(rec.Catalog, rec.Original, rec.Documents(), rec.Unused)
	if _, ok := errors.AsType[*prove.NotExpressibleError](err); ok {
		return hintError{fmt.Errorf("--certificate: %w", err), "the recommendation is proved all the same: leave --certificate out"}
	}
	if err != nil {
		return err
	}
	return writeProofs(cmd, []certified{{folder, certificates}})
}

// writeProofs writes proofs into their folders, which are made if they aren't there: all of
// them, or none.
func writeProofs(cmd *cobra.Command, proofs []certified) error {
	var temps []tempFile
	var claims []string
	var err error
	for _, p := range proofs {
		if err == nil {
			temps, err = stage(temps, p)
		}
		for _, c := range p.claims {
			claims = append(claims, strings.Join(strings.Fields(c.Claim), " "))
		}
	}
	if err := finishAll(temps, err); err != nil {
		return err
	}
	for i, claim := range claims {
		cmd.PrintErrf("%s: %s\n", temps[i].target, claim)
	}
	if len(claims) > 0 {
		cmd.PrintErrf("a claim holds if every answer is unsat: cvc5 --lang=smt2 --strings-exp FILE\n")
	}
	return nil
}

// stage writes a proof's files under other names, and adds them to those of others.
func stage(temps []tempFile, p certified) ([]tempFile, error) {
	if err := os.MkdirAll(p.folder, 0o777); err != nil {
		return temps, plainError(err)
	}
	for _, c := range p.claims {
		temp, err := newTempFile(filepath.Join(p.folder, c.Name))
		if err != nil {
			return temps, err
		}
		temps = append(temps, temp)
		if _, err := temp.Write(c.Text); err != nil {
			return temps, err
		}
	}
	return temps, nil
}

// finishAll gives files their names if there was no error, and takes them all back if
// there was.
func finishAll(temps []tempFile, err error) error {
	for _, t := range temps {
		err = errors.Join(err, t.close())
	}
	if err != nil {
		return errors.Join(err, removeAll(temps, func(t tempFile) string { return t.Name() }))
	}
	for i, t := range temps {
		if err := os.Rename(t.Name(), t.target); err != nil {
			named := removeAll(temps[:i], func(t tempFile) string { return t.target })
			return errors.Join(err, named, removeAll(temps[i:], func(t tempFile) string { return t.Name() }))
		}
	}
	return nil
}

func removeAll(temps []tempFile, name func(tempFile) string) error {
	var errs []error
	for _, t := range temps {
		errs = append(errs, os.Remove(name(t)))
	}
	return errors.Join(errs...)
}
