// Package catalogupdate gets the AWS Service Reference, from AWS's endpoint or from a
// folder or archive of the same files, and keeps a snapshot of it.
//
// It is the part of the catalog that touches the world: network, files. What it gets is
// judged by package catalog; what it keeps is replaced as a whole or not at all.
//
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html
package catalogupdate
