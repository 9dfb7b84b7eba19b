package refine

// wordEnds says where the words of an action name end, as byte offsets after each word.
//
// A word is a run of capitals not followed by a lower-case letter, or a capital with
// the lower-case letters and digits after it, or a run of lower-case letters and
// digits; what is none of these, such as a hyphen, belongs to the word after it:
//
//	GetBucketCORS        Get·Bucket·CORS
//	DeleteDBCluster      Delete·DB·Cluster
//	ListObjectsV2        List·Objects·V·2
//	ViaService-Events    Via·Service·-Events
func wordEnds(name string) []int {
	var ends []int
	for at := 0; at < len(name); {
		for at < len(name) && !isWordByte(name[at]) {
			at++
		}
		if at < len(name) {
			at = wordEnd(name, at)
		}
		ends = append(ends, at)
	}
	return ends
}

// wordEnd is where the word that starts at a letter or digit ends.
func wordEnd(name string, at int) int {
	capitals := at
	for capitals < len(name) && isCapital(name[capitals]) {
		capitals++
	}
	followed := capitals < len(name) && isLower(name[capitals])
	switch {
	case capitals > at && !followed:
		return capitals
	case capitals > at+1:
		return capitals - 1 // the last capital begins the next word
	case capitals > at:
		at++
	}
	for at < len(name) && (isLower(name[at]) || isDigit(name[at])) {
		at++
	}
	return at
}

func isCapital(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool    { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isWordByte(c byte) bool { return isCapital(c) || isLower(c) || isDigit(c) }
