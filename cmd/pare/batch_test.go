package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var anyCase = caseShape{may: []string{"n"}}

// echo answers a case with its id, after a while that differs from case to case.
func echo(w io.Writer, c batchCase) error {
	if len(c.id)%3 == 0 {
		runtime.Gosched()
	}
	_, err := fmt.Fprintf(w, "%s\n", c.id)
	return err
}

func answerAll(ctx context.Context, in io.Reader, w io.Writer, answer answerFunc) error {
	return answerLines(ctx, batchLines{"cases.jsonl", bufio.NewReader(in)}, w, func(line batchLine) []byte {
		return anyCase.answer(line, answer)
	})
}

func TestAnswersKeepTheOrderOfTheirCases(t *testing.T) {
	var in, want strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&in, `{"id": %d}`+"\n", i)
		fmt.Fprintf(&want, "%d\n", i)
	}
	var got bytes.Buffer
	if err := answerAll(t.Context(), strings.NewReader(in.String()), &got, echo); err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() {
		t.Error("the answers are not in order")
	}
}

func TestLongLinesAndNoLineFeedAtTheEnd(t *testing.T) {
	long := strings.Repeat("x", 20<<20)
	in := `{"id": 1, "n": "` + long + `"}` + "\r\n\r\n" + `{"id": 2}`
	var got bytes.Buffer
	if err := answerAll(t.Context(), strings.NewReader(in), &got, echo); err != nil {
		t.Fatal(err)
	}
	if got.String() != "1\n2\n" {
		t.Errorf("%.100q", got.String())
	}
}

// endless is cases without an end; it counts how many were read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, `{"id": 1}`+"\n")
	e.read++
	return n, nil
}

// Reading runs ahead of answers that are due by a bounded number of cases.
func TestReadingWaitsForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		in := &endless{}
		done := make(chan error)
		go func() {
			done <- answerAll(ctx, in, io.Discard, func(io.Writer, batchCase) error {
				<-ctx.Done()
				return nil
			})
		}()
		synctest.Wait()
		if limit := 8*runtime.GOMAXPROCS(0) + 4 + 4096/10; in.read > limit {
			t.Errorf("%d cases were read before the first was answered, want at most %d", in.read, limit)
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// Who writes cases and waits for each answer gets it, and an interrupt ends the wait for
// the next.
func TestAnswersDoNotWaitForMoreCases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		cases, in := io.Pipe()
		out, answers := io.Pipe()
		done := make(chan error)
		go func() { done <- answerAll(ctx, cases, answers, echo) }()
		lines := bufio.NewReader(out)
		for i := range 3 {
			if _, err := fmt.Fprintf(in, `{"id": %d}`+"\n", i); err != nil {
				t.Error(err)
			}
			got, err := lines.ReadString('\n')
			if err != nil || got != fmt.Sprintf("%d\n", i) {
				t.Errorf("%q, %v", got, err)
			}
		}
		time.Sleep(time.Second)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := in.Close(); err != nil { // the reader is still waiting for it
			t.Error(err)
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestAnUnreadableFileIsAnErrorAfterTheAnswers(t *testing.T) {
	var got bytes.Buffer
	in := io.MultiReader(strings.NewReader(`{"id": 1}`+"\n"), failing{})
	err := answerAll(t.Context(), in, &got, echo)
	if err == nil || err.Error() != "cases.jsonl:2: the disk is gone" || got.String() != "1\n" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

func FuzzBatchLine(f *testing.F) {
	f.Add([]byte(`{"id": [1, {"a": null}], "n": {"a": 1, "a": 2}}`))
	f.Add([]byte(`{"id": 1, "id": 2}`))
	f.Add([]byte(`{"id": {"a": 1, "a": 2}}`))
	f.Add([]byte(`{"id": "a`))
	f.Add([]byte("\xff{}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		got := anyCase.answer(batchLine{"cases.jsonl", 1, line}, echo)
		if bytes.Count(got, []byte("\n")) > 1+bytes.Count(line, []byte("\n")) || !bytes.HasSuffix(got, []byte("\n")) {
			t.Errorf("%q is answered by %q", line, got)
		}
	})
}
