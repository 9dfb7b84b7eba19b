//go:build !race

package main

const someDays = 1 // all are recounted
