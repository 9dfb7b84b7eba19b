//go:build !unix

package snapshot

// syncFolder does nothing: folders can't be synced here, and a rename needs no help.
func syncFolder(string) error { return nil }
