package report

import "testing"

func TestDidYouMean(t *testing.T) {
	known := []string{"ec2", "elasticache", "lambda", "s3", "sqs"}
	for name, want := range map[string]string{
		"s33": ` (did you mean "s3"?)`, "lamda": ` (did you mean "lambda"?)`, "elasticcache": ` (did you mean "elasticache"?)`,
		"quantum": "", "xy": "",
	} {
		if got := DidYouMean(name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
