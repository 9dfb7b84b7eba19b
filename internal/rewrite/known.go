package rewrite

import (
	"errors"
	"fmt"

	"github.com/pare-iam/pare/internal/iac/terraform"
)

// Add reads a file that says what came of what: a Terraform state, what terraform show
// -json prints, or what the AWS CLI prints of a stack's resources. The name is for
// messages. The error says what was expected.
func (k *Known) Add(name string, src []byte) error {
	stacks, stackErr := ReadStacks(name, src)
	if stackErr == nil {
		k.Stacks = append(k.Stacks, stacks...)
		return nil
	}
	state, err := terraform.ReadState(name, src)
	if err != nil {
		return errors.Join(err, fmt.Errorf("nor is it a stack's resources: %w", stackErr))
	}
	k.States = append(k.States, state)
	return nil
}
