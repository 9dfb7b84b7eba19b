package wildcard_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pare-iam/pare/internal/wildcard"
)

func BenchmarkMatch(b *testing.B) {
	for _, pattern := range []string{"getobject", "get*", "*object*", "describe*attribute", "*ob?ect*"} {
		p := wildcard.Parse(pattern)
		b.Run(pattern, func(b *testing.B) {
			for b.Loop() {
				p.Match("getobjectattributes")
			}
		})
	}
}

// BenchmarkMatchScaling doubles the text: time per byte stays the same.
func BenchmarkMatchScaling(b *testing.B) {
	for _, pattern := range []string{strings.Repeat("*a", 30) + "*b", strings.Repeat("*?a?b*", 8)} {
		p := wildcard.Parse(pattern)
		for n := 1 << 10; n <= 1<<14; n *= 2 {
			s := strings.Repeat("a", n)
			b.Run(fmt.Sprintf("%.12s/%d", pattern, n), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					p.Match(s)
				}
			})
		}
	}
}

func BenchmarkContains(b *testing.B) {
	for _, pair := range [][2]string{
		{"get*", "get*"}, {"get*", "getobject"}, {"get*", "getbucket*"}, {"*", "getobject"},
		{"*object*", "getobject*"}, {"*ob?ect*", "getobject*"},
	} {
		p, q := wildcard.Parse(pair[0]), wildcard.Parse(pair[1])
		b.Run(pair[0]+" in "+pair[1], func(b *testing.B) {
			for b.Loop() {
				p.Contains(q)
			}
		})
	}
}

func BenchmarkResiduals(b *testing.B) {
	p := wildcard.Parse("*object*tag*")
	for b.Loop() {
		p.Residuals("getobject")
	}
}
