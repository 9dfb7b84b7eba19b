package awstest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TerraformProgram is Terraform's path, and the environment in which it takes its
// provider from the machine and asks nobody else. The test is ended as by Need where one
// of the two is missing.
func TerraformProgram(t testing.TB) (program string, environment []string) {
	t.Helper()
	program, providers := Need(t, Terraform), Need(t, TerraformAWS)
	settings := filepath.Join(t.TempDir(), "terraformrc")
	text := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", providers)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return program, []string{
		"TF_CLI_CONFIG_FILE=" + settings, "TF_IN_AUTOMATION=1",
		"GOGC=400", // most of the provider's time is its start
	}
}
