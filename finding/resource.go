package finding

import "github.com/pare-iam/pare/policy"

func isRole(arn string) bool {
	a, err := policy.ParseARN(arn)
	return err == nil && a.Type() == "role"
}
