// Package access is what policies mean: which requests they allow.
//
// Decide answers for one request, slowly and obviously, from all the policies that
// apply to it; everything else is judged by it. Space answers for all requests at once,
// of identity policies alone. They share how values are read (values.go) and nothing of
// how a decision is made.
//
// Inputs are parsed documents and a request, outputs are values. Nothing is looked up
// and nothing is invented: only what the request's context says is known, and a key that
// it doesn't have is absent. The rules, each with AWS's page, what AWS leaves open and
// what is chosen there, are in docs/semantics.md.
package access
