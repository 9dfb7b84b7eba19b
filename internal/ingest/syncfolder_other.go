//go:build !unix

package ingest

// syncFolder does nothing where a folder can't be synced.
func syncFolder(string) error { return nil }
