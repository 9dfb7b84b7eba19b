package collect

import "testing"

// A rate that somebody gives is that of every operation, but for one that AWS allows no more of.
func TestRates(t *testing.T) {
	report, history := operation{"IAM", "GenerateServiceLastAccessedDetails"}, operation{"CloudTrail", "LookupEvents"}
	for _, test := range []struct {
		name    string
		options Options
		op      operation
		want    pace
	}{
		{"the table's", Options{}, report, pace{5, 10}},
		{"lower", Options{MaxRPS: 0.5}, report, pace{0.5, 1}},
		{"higher", Options{MaxRPS: 50}, report, pace{50, 50}},
		{"lower than documented", Options{MaxRPS: 1}, history, pace{1, 1}},
		{"higher than documented", Options{MaxRPS: 50}, history, pace{2, 2}},
		{"of a service that isn't in the table", Options{}, operation{"S3", "GetObject"}, other},
	} {
		bucket := newLimits(test.options).bucket(test.op)
		if got := (pace{bucket.Limit(), bucket.Burst()}); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
