package access

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/pare-iam/pare/internal/wildcard"
)

// How the texts of condition values are read. Each reader is false for a text that is
// no value of its type; such a value matches nothing.

// Bounds on numbers, so that `1e999999999` in a request costs nothing.
const maxNumberLength = 1000

var numberForm = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)

// parseNumber reads "an integer or decimal value", exactly. JSON's exponents are read
// too, because a number may stand in a request without quotes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric
func parseNumber(s string) (*big.Rat, bool) {
	if len(s) > maxNumberLength || !numberForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

var (
	dateForm  = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?)?)?$`)
	epochForm = regexp.MustCompile(`^-?[0-9]{1,15}$`)
)

// The profiles of ISO 8601 in https://www.w3.org/TR/NOTE-datetime; the last one may
// have a fraction, which time.Parse reads without being asked.
var dateLayouts = []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"}

// parseDate reads a date in one of the W3C's forms or in seconds since 1970. Four digits
// are a year. A part that isn't there is the first: a year alone is its first instant.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
func parseDate(s string) (time.Time, bool) {
	if dateForm.MatchString(s) {
		for _, layout := range dateLayouts {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), true
			}
		}
		return time.Time{}, false
	}
	seconds, ok := parseNumber(s)
	if !ok || !epochForm.MatchString(s) {
		return time.Time{}, false
	}
	return time.Unix(seconds.Num().Int64(), 0).UTC(), true
}

// parseIP reads an address or a range in CIDR form. An address alone is the range of
// itself; bits of an address behind its prefix don't count. IPv4 and IPv6 are apart,
// also where IPv6 embeds IPv4.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
func parseIP(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

// parseBool reads true or false, in any case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Boolean
func parseBool(s string) (value, ok bool) {
	switch wildcard.Fold(s) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// parseBinary reads base64.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_BinaryEquals
func parseBinary(s string) (string, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return string(b), err == nil
}

// The parts of an ARN, arn:partition:service:region:account:resource.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
const (
	arnPartition = 1
	arnService   = 2
	arnAccount   = 4
	arnResource  = 5 // may have colons of its own
	arnParts     = 6
)

// parseARN splits an ARN into its six parts.
func parseARN(s string) (parts [arnParts]string, ok bool) {
	list := strings.SplitN(s, ":", arnParts)
	return parts, copy(parts[:], list) == arnParts
}

// parseARNPattern splits a pattern of ARNs into the patterns of the six parts. It is
// false for a pattern with fewer than five colons, `*` too, which is no ARN's pattern.
func parseARNPattern(p wildcard.Pattern) (parts [arnParts]wildcard.Pattern, ok bool) {
	at := 0
	for _, t := range p.Tokens() {
		if t.Kind == wildcard.Char && t.Char == ':' && at < arnResource {
			at++
			continue
		}
		parts[at] = wildcard.Concat(parts[at], tokenPattern(t))
	}
	return parts, at == arnResource
}

func tokenPattern(t wildcard.Token) wildcard.Pattern {
	switch t.Kind {
	case wildcard.Star:
		return wildcard.Parse("*")
	case wildcard.Any:
		return wildcard.Parse("?")
	case wildcard.Char:
	}
	return wildcard.Literal(string(t.Char))
}

// parseAccount reads an account's number, twelve digits.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
func parseAccount(s string) (string, bool) {
	const digits = 12
	if len(s) != digits || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return s, true
}
