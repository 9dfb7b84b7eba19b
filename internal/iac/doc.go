// Package iac is IAM policies as files of infrastructure as code hold them: where each
// stands, what it says, and how to change a list in it without touching another byte.
//
// Packages terraform and cloudformation, below this one, read their languages and give
// Sources: a policy each, as a tree of Values that know the file and the bytes they
// stand in. What is computed is an Unknown with its reason, and is never guessed at. A
// Source's Policy is the same as a JSON policy document, on which package refine works;
// its edits come back as Changes of lists, and Apply makes of them bytes of the file.
//
// In: files' bytes. Out: values, and bytes. Nothing here opens or writes a file.
//
// Apply trusts nothing that it made: what it wrote is parsed again, and must be the tree
// that was intended.
package iac
