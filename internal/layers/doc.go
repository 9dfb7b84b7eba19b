// Package layers has no code of its own: its tests hold the tree to the rules that
// docs/architecture.md states.
//
//   - A package imports only rows above its own (imports_test.go).
//   - A pure package has no file, network, logger, clock, written global or init
//     function, and few dependencies (imports_test.go, pure_test.go).
//   - A sealed interface is marked for the linter that checks its switches (sums_test.go).
//   - Every exported name of a public package says what it means, and no file names a
//     place on somebody's machine (prose_test.go).
//
// Input: the source files of the module that the test runs in, parsed and, for the
// scopes of names, type-checked one package at a time without loading what it imports.
// Nothing is built and no command is run. Output: one error a violation, file:line first.
//
// Limit: a global that is changed through a method or through an alias isn't seen.
package layers
