// Package rewrite takes what nobody uses out of policies where they are written: in
// Terraform, in templates, in policy files.
//
// In: the live policies of accounts with what is unused of each (Policies), a tree of
// files, and what is known of which came of which. Out: a Plan, which is the new bytes of
// files with a proof for each live policy, and what isn't rewritten and why.
//
// A source is only ever narrowed by what is unused of every live policy that comes of it
// or of a source that shares a list with it. It is matched, never guessed: what could be
// several, or isn't what the account has, is left and said. A plan is read back before
// anybody sees it: the new files are parsed from nothing, every policy in them that was
// to change must say what was intended, and every other one what it said before. A file
// that says already what is recommended, and isn't deployed, is no drift: that too is proved,
// for every live policy of its lists.
//
// Limits. Instances that are in none of the accounts given aren't known of. Policies are
// changed in place; one of which nothing would be left is for a person to remove.
package rewrite
