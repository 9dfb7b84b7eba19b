//go:build race

package main

// someDays is how many of so many days are recounted: the race detector makes it slow, and
// there is only one goroutine to look at.
const someDays = 5
