// Package gate checks IAM policies before they are deployed: what they newly allow, what of
// a deny list they allow, and what of them nobody uses. It is `pare check`.
//
// In: pairs of policies, as they are to be and as they were, from Terraform plans or from
// files, and the files' tree, of which expressions may read more; a deny list; unused
// permissions; what is to be ignored and why; the time. Out: a Report of results, each with
// its place, and its renderings for people and for CI.
//
// A claim that isn't proved is a result, whether it is refuted by a request or can't be
// decided. What of a text isn't known stands for any text: it never makes a policy narrower
// than it may be, and is the same text as before only if what the files say of it is (see
// Definitions). A policy that can't be known at all is a result too, and never passes.
//
// Policies are looked at one by one, as they are written. Not looked at: who has them, which
// policies of AWS are attached, trust policies, values of variables that files don't hold (a
// plan holds them), and what modules, macros and code outside the tree make of what they
// are given.
package gate
