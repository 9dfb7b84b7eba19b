package policy

// Limits on the size of policies, in characters as Size counts them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const (
	ManagedLimit     = 6144  // a customer managed policy
	RoleInlineLimit  = 10240 // all inline policies of a role together
	UserInlineLimit  = 2048  // all inline policies of a user together
	GroupInlineLimit = 5120  // all inline policies of a group together
)

// Size is the document's length by IAM's rule: "IAM doesn't count white space when
// calculating the size of a policy against these quotas". White space inside a JSON
// string is counted, because it can't be taken out: where AWS might count less, a
// policy that is said to fit does fit. A character is a Unicode code point.
func (d *Document) Size() int {
	n, inString := 0, false
	for i := 0; i < len(d.src); i++ {
		c := d.src[i]
		switch {
		case inString && c == '\\':
			n++
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		case c&0xC0 == 0x80: // the second byte of a character, or a later one
			continue
		}
		n++
	}
	return n
}
