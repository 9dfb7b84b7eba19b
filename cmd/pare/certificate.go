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
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return plainError(err)
	}
	var temps []tempFile
	for _, c := range certificates {
		var temp tempFile
		if temp, err = newTempFile(filepath.Join(folder, c.Name)); err != nil {
			break
		}
		temps = append(temps, temp)
		if _, err = temp.Write(c.Text); err != nil {
			break
		}
	}
	if err := finishAll(temps, err); err != nil {
		return err
	}
	for i, c := range certificates {
		cmd.PrintErrf("%s: %s\n", temps[i].target, strings.Join(strings.Fields(c.Claim), " "))
	}
	cmd.PrintErrf("a claim holds if every answer is unsat: cvc5 --lang=smt2 --strings-exp FILE\n")
	return nil
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
