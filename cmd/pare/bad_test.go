package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/report"
	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/prove"
	"github.com/pare-iam/pare/refine"
	"github.com/pare-iam/pare/usage"
)

// command runs pare in this process.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Setenv("PARE_CACHE_DIR", t.TempDir())
	var out, said bytes.Buffer
	err := run(context.Background(), args, strings.NewReader(stdin), &out, &said)
	return out.String(), said.String(), exitCode(err, false)
}

// file writes a file into a folder of its own and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

const anyPolicy = `{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]}`

// What a script can't hold: each is refused with its place, and leaves nothing.
func TestInputThatIsNoText(t *testing.T) {
	tests := []struct{ name, policy, unused, want string }{
		{"invalid UTF-8 in the policy", strings.Replace(anyPolicy, "Put", "P\xfft", 1), `[]`, "policy.json:1:68: byte 0xFF isn't UTF-8"},
		{"invalid UTF-8 in the unused list", anyPolicy, "[\"s3:P\xfft\"]", "unused.json:1:"},
		{"10 MB of brackets as the policy", strings.Repeat("[", 10e6), `[]`, "policy.json:1:65: nested more than 64 levels deep"},
		{"10 MB of braces as the policy", strings.Repeat(`{"a":`, 2e6), `[]`, "policy.json:1:"},
		{"10 MB of brackets as the unused list", anyPolicy, strings.Repeat("[", 10e6), "unused.json:1:"},
		{"zero bytes", "\x00\x00", `[]`, "policy.json:1:1: not JSON"},
		{"a policy that is empty", "", `[]`, "policy.json:1:1: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, unused := file(t, "policy.json", tt.policy), file(t, "unused.json", tt.unused)
			out := filepath.Join(t.TempDir(), "out.json")
			proof := filepath.Join(t.TempDir(), "proof")
			stdout, stderr, code := command(t, "", "recommend", doc, "--unused", unused, "--output-file", out, "--certificate", proof)
			if code != exitError || stdout != "" {
				t.Errorf("code %d, stdout %q", code, stdout)
			}
			if !strings.Contains(stderr, tt.want) || len(stderr) > 1000 {
				t.Errorf("stderr is %.1000q, want %q in it", stderr, tt.want)
			}
			for _, path := range []string{out, proof} {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}

// publishedRecommendation is that of AWS's announcement.
func publishedRecommendation(t *testing.T) report.Recommendation {
	t.Helper()
	read := func(name string) []byte { return []byte(readText(t, filepath.Join("example", name))) }
	cat, catErr := catalog.Read("catalog-2024-06.json", read("catalog-2024-06.json"))
	doc, docErr := policy.Parse("policy.json", read("policy.json"))
	unused, unusedErr := usage.ParseUnused("unused.json", read("unused.json"))
	if err := errors.Join(catErr, docErr, unusedErr); err != nil {
		t.Fatal(err)
	}
	in := recommendInput{limit: report.Managed.String()}
	rec, err := in.recommend(refine.New(cat), subject{"policy.json", cat, doc, unused})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// What isn't proved doesn't leave. No input is known to get here, so that the proof is
// forged.
func TestWhatIsNotProvedDoesNotLeave(t *testing.T) {
	for format, want := range map[string]string{"policy": "", "json": `"recommendedPolicy": null`, "text": "no recommendation", "md": "no recommendation"} {
		t.Run(format, func(t *testing.T) {
			rec := publishedRecommendation(t)
			rec.Proof.Verdict, rec.Proof.UsedKept = prove.Undecided, prove.Claim{Reason: "too many states"}
			folder := t.TempDir()
			in := recommendInput{format: format, certificate: filepath.Join(folder, "proof")}
			cmd := newRootCommand()
			var stdout bytes.Buffer
			cmd.SetOut(&stdout)
			if code := exitCode(in.deliver(cmd, rec), false); code != exitRefused {
				t.Errorf("exit code %d, want %d", code, exitRefused)
			}
			if got := stdout.String(); !strings.Contains(got, want) || want == "" && got != "" || strings.Contains(got, "s3:GetAccess*") {
				t.Errorf("stdout: %s", got)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// A proof that breaks off leaves no file, and the one of before stays.
func TestOutputFileIsWholeOrUntouched(t *testing.T) {
	path := file(t, "out.json", "before")
	broken := errors.New("no space left")
	err := sink{path: path}.write(newRootCommand(), func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if src, err := os.ReadFile(path); err != nil || string(src) != "before" {
		t.Errorf("the file is %q, %v", src, err)
	}
}

// Every certificate is there or none is.
func TestCertificatesAreAllOrNone(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "used-kept.smt2"), 0o777); err != nil { // in the way
		t.Fatal(err)
	}
	rec := publishedRecommendation(t)
	if err := writeCertificates(newRootCommand(), folder, rec); err == nil {
		t.Error("no error")
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// Counterexamples that pare shows are requests that "pare decide" answers alike.
func TestCounterexamplesReplayOnTheCommandLine(t *testing.T) {
	pairs := [][2]string{
		{anyPolicy, strings.Replace(anyPolicy, "PutObject", "PutObject*", 1)},
		{anyPolicy, strings.Replace(anyPolicy, `"Resource": "*"`, `"Resource": "arn:aws:s3:::b/*"`, 1)},
		{anyPolicy, `{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ForAllValues:StringLike": {"aws:TagKeys": ["a*"]}}}]}`},
		{anyPolicy, `{"Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:123456789012:alias/a"}]}`},
	}
	for i, pair := range pairs {
		old, next := file(t, "old.json", pair[0]), file(t, "new.json", pair[1])
		shown, stderr, code := command(t, "", "prove", old, next, "-o", "text")
		if code != exitRefused {
			t.Fatalf("%d: code %d: %s%s", i, code, shown, stderr)
		}
		_, rest, _ := strings.Cut(shown, "refuted by this request:")
		request, verdicts, _ := strings.Cut(rest, "old: ")
		wantOld, rest, _ := strings.Cut(verdicts, "   new: ")
		wantNew, _, _ := strings.Cut(rest, "\n")
		for path, want := range map[string]string{old: wantOld, next: wantNew} {
			got, stderr, _ := command(t, request, "decide", "--policy", path, "--request", "-")
			if first, _, _ := strings.Cut(got, "\n"); first != want {
				t.Errorf("%d: %s: %q, want %s\n%s%s", i, filepath.Base(path), got, want, request, stderr)
			}
		}
	}
}

func TestReportedPlacesAreOfTheBatch(t *testing.T) {
	line := batchLine{"cases.jsonl", 7, []byte(`{"é": 1, "policy": 3}`)}
	c := batchCase{line: line, members: map[string]batchMember{"policy": {offset: 20}}}
	err := c.relocate("policy", policy.Errors{{Name: "policy", Line: 1, Column: 1, Message: "wrong"}})
	if want := "cases.jsonl:7:20: /policy: wrong"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
