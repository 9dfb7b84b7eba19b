package ingest

import (
	"path"
	"slices"
	"strings"
)

// extensions are those of files that a folder is searched for, before a ".gz".
var extensions = []string{".json", ".jsonl", ".ndjson", ".csv"}

// Extensions says, for messages, which files of a folder are read.
const Extensions = ".json, .jsonl, .ndjson, .csv, and .gz of each"

// logName reports whether a file of a folder is to be read.
func logName(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	return slices.Contains(extensions, path.Ext(name))
}

// stemLength is the length of the part of a log file's name by which CloudTrail made it
// unique, ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE, and 0 for any other name. Two
// files of the same such name are copies, zipped or not.
func stemLength(name string) int {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".json")
	if len(stem) == len(name) {
		return 0
	}
	parts := strings.Split(stem, "_")
	if len(parts) != 5 || parts[1] != "CloudTrail" {
		return 0
	}
	account, region, minute, unique := parts[0], parts[2], parts[3], parts[4]
	if len(account) != 12 || !all(account, digit) || region == "" || !timeName(minute) || len(unique) < 16 || !all(unique, alphanumeric) {
		return 0
	}
	return len(stem)
}

// timeName reports whether s looks like 20260131T2355Z.
func timeName(s string) bool {
	return len(s) == len("20060102T1504Z") && all(s[:8], digit) && s[8] == 'T' && all(s[9:13], digit) && s[13] == 'Z'
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func alphanumeric(c byte) bool {
	return digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
