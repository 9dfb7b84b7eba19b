// Package tree reads a folder of infrastructure as code, finds the IAM policies in all its
// files, and writes changed files back.
//
// In: a root folder and the paths in it that are wanted. Out: the files, the Sources that
// packages terraform and cloudformation find in them, policy files, and a Problem for each
// file that can't be read or isn't what its name says; one bad file doesn't stop the others.
//
// Terraform's files may be read wherever they are below the root, because modules and the
// lists that they share are; templates and policy files below the wanted paths alone.
//
// Limits. Nothing outside the root is opened: a symlink that leaves it isn't followed. A
// file larger than MaxSize is a Problem. Folders in which tools keep what they made or
// fetched (.git, .terraform, node_modules and the like) aren't entered.
package tree
