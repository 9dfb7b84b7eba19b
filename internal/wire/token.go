package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
)

// A nextToken is a Backend's cursor, signed together with what the list is of, so that a
// token of another list, another account or nobody's is told from a good one:
//
//	base64url(first half of HMAC-SHA256(key, scope, cursor), cursor)

const tokenMAC = 16

// defaultMax and maxMax are how many results a page has, unless it is said, and at most.
const (
	defaultMax = 100
	maxMax     = 1000
)

// scope is what a list is of: its operation, who asks, and all that selects or orders.
func (c *call) scope(parts ...string) string {
	return fmt.Sprintf("%q", append([]string{c.route.Name, c.signed.Account}, parts...))
}

func (c *call) tokenMAC(scope, cursor string) []byte {
	h := hmac.New(sha256.New, c.o.TokenKey)
	fmt.Fprintf(h, "%d:%s%s", len(scope), scope, cursor)
	return h.Sum(nil)[:tokenMAC]
}

// token is the nextToken of a cursor; "" for "".
func (c *call) token(scope, cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(c.tokenMAC(scope, cursor), cursor...))
}

// page reads maxResults and nextToken, as a query has them; "" is none.
func (c *call) page(v *validation, scope, maxResults, nextToken string) Page {
	p := Page{Max: defaultMax}
	if maxResults != "" {
		n, err := strconv.Atoi(maxResults)
		if err != nil || n < 1 || n > maxMax {
			v.fail("maxResults", maxResults, "Member must be a number between 1 and %d", maxMax)
		}
		p.Max = n
	}
	if nextToken == "" {
		return p
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nextToken)
	if err != nil || len(raw) <= tokenMAC || !hmac.Equal(raw[:tokenMAC], c.tokenMAC(scope, string(raw[tokenMAC:]))) {
		v.fail("nextToken", nextToken, "Member must be the nextToken of an earlier answer to the same request")
		return p
	}
	p.After = string(raw[tokenMAC:])
	return p
}

// decimal is a number of a body as a query has it; "" for none.
func decimal(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
