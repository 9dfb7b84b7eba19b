// Package report renders results: recommendations, proofs and comparisons as text, JSON
// and Markdown; findings also as CSV, SARIF and one HTML file with plots; the trie of an
// action pattern as text and SVG.
//
// In: results of the packages above. Out: bytes to a writer; the same result gives the
// same bytes. Nothing is decided here, and nothing is computed that another package
// could be asked for. Text has colours as ANSI sequences; a writer that shouldn't have
// them takes them out (github.com/charmbracelet/colorprofile). What comes from a policy
// is shown with its control characters escaped, so that it can't write to a terminal.
//
// What isn't proved is shown as a finding with its counterexample or reason, and never
// as a recommendation: see Recommendation.Leaves.
package report
