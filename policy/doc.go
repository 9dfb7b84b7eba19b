// Package policy is the IAM policy language: it reads JSON policy documents without
// losing a byte, says where everything stands, and edits lists of actions in place.
//
// Inputs are bytes, outputs are values; nothing here knows a catalog or decides what
// a policy allows (package access does). A Document keeps its source, so printing it
// gives the same bytes, and an edit changes only the bytes of the list that it edits.
//
// The grammar is AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
// It is read as generously as AWS reads it: scalars or lists, one statement or a list,
// keys in any order. Two things AWS refuses are kept and reported instead: elements
// this grammar doesn't have (Document.Unknown), and what only some kinds of policy may
// have (Document.Check).
package policy
