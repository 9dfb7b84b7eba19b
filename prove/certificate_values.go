package prove

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/pare-iam/pare/policy"
)

// How values in policies become constants. A text that isn't of its type matches
// nothing, so that its comparison is false.

var (
	decimalForm = regexp.MustCompile(`^[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?$`)
	secondsForm = regexp.MustCompile(`^-?\d{1,15}$`)
	yearForm    = regexp.MustCompile(`^\d{4}$`)
)

// maxNumberText bounds the length of a number, so that between two different ones in
// policies there always is one that a request can have.
const maxNumberText = 100

// realConstant is a decimal number as an SMT-LIB real.
func realConstant(text string) (t term, ok bool, problem string) {
	if len(text) > maxNumberText {
		return term{}, false, "a number with more than 100 characters"
	}
	if !decimalForm.MatchString(text) {
		return term{}, false, ""
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return term{}, false, ""
	}
	digits, _ := r.FloatPrec()
	return signed(r.FloatString(max(1, digits))), true, ""
}

// ISO 8601 in the profiles of https://www.w3.org/TR/NOTE-datetime.
var w3cLayouts = []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"}

var w3cForm = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?)?)?$`)

// dateConstant is a date in nanoseconds since 1970 as an SMT-LIB integer. Dates outside
// the years 1 to 9998 aren't expressible: further out, not every nanosecond has a text.
func dateConstant(text string) (t term, ok bool, problem string) {
	when, ok := readDate(text)
	if !ok {
		return term{}, false, ""
	}
	if y := when.UTC().Year(); y < 1 || y > 9998 {
		return term{}, false, "a date outside the years 1 to 9998"
	}
	ns := new(big.Int).Mul(big.NewInt(when.Unix()), big.NewInt(int64(time.Second)))
	ns.Add(ns, big.NewInt(int64(when.Nanosecond())))
	return signed(ns.String()), true, ""
}

func readDate(text string) (time.Time, bool) {
	if secondsForm.MatchString(text) && !yearForm.MatchString(text) {
		seconds, ok := new(big.Int).SetString(text, 10)
		return time.Unix(seconds.Int64(), 0), ok
	}
	if !w3cForm.MatchString(text) {
		return time.Time{}, false
	}
	for _, layout := range w3cLayouts {
		if when, err := time.Parse(layout, text); err == nil {
			return when, true
		}
	}
	return time.Time{}, false
}

// addressRange is the first and last address of a CIDR range, as integers.
type addressRange struct {
	first, last *big.Int
	v6          bool
}

func readRange(text string) (addressRange, bool) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return addressRange{}, false
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	first := new(big.Int).SetBytes(prefix.Masked().Addr().AsSlice())
	size := powerOfTwo(uint(prefix.Addr().BitLen() - prefix.Bits()))
	last := new(big.Int).Add(first, size.Sub(size, big.NewInt(1)))
	return addressRange{first, last, prefix.Addr().Is6()}, true
}

func powerOfTwo(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// canonicalBase64 is the base64 text of the same bytes, without line breaks.
func canonicalBase64(text string) (string, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return base64.StdEncoding.EncodeToString(b), err == nil
}

// readBool reads true or false, in any case.
func readBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// orderOperator is SMT-LIB's operator for a comparison of numbers or dates.
func orderOperator(c policy.Comparison) string {
	switch c {
	case policy.NumericLessThan, policy.DateLessThan:
		return "<"
	case policy.NumericLessThanEquals, policy.DateLessThanEquals:
		return "<="
	case policy.NumericGreaterThan, policy.DateGreaterThan:
		return ">"
	case policy.NumericGreaterThanEquals, policy.DateGreaterThanEquals:
		return ">="
	}
	return "="
}
