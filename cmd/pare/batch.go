package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/policy"
	"github.com/pare-iam/pare/usage"
)

const batchFlagUsage = "a `file` with a case a line, JSON; answers are JSON, a line each, in order; - is standard input"

const batchHelp = `--batch reads a case a line and answers each by a line of JSON, in order, with its id. A
line that is no case is answered by {"id": …, "error": "…"}, and the rest goes on; the
exit code is 0 unless the file can't be read.`

// batch answers a file of cases, a line each. Cases are answered side by side and the
// answers written in order. Memory is bounded by the longest lines, whatever their
// number.
type batch struct {
	path   string
	output sink
	shape  caseShape
}

// answerFunc writes the answer to a case, one line, or returns why there is none.
type answerFunc func(w io.Writer, c batchCase) error

// lineFunc is the line that answers a line.
type lineFunc func(line batchLine) []byte

// run answers the file's cases, which have the batch's shape.
func (b batch) run(cmd *cobra.Command, answer answerFunc) error {
	return b.runLines(cmd, func(line batchLine) []byte { return b.shape.answer(line, answer) })
}

// runLines answers the file's lines, whatever their shape.
func (b batch) runLines(cmd *cobra.Command, answer lineFunc) (err error) {
	// Little stays alive from one case to the next: collecting less often costs a few
	// megabytes and saves a fifth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	name, in := "stdin", cmd.InOrStdin()
	if b.path != "-" {
		f, err := os.Open(b.path)
		if err != nil {
			return plainError(err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		name, in = b.path, f
	}
	return b.output.write(cmd, func(w io.Writer) error {
		return answerLines(cmd.Context(), batchLines{name: name, in: bufio.NewReader(in)}, w, answer)
	})
}

// task is a line on its way to its answer.
type task struct {
	line   batchLine
	answer chan []byte
}

// answerLines is three stages: one reads, as many as there are processors answer, and one
// writes. The queue of answers that are awaited bounds how far reading runs ahead.
func answerLines(ctx context.Context, lines batchLines, w io.Writer, answer lineFunc) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	workers := runtime.GOMAXPROCS(0)
	work, queue := make(chan task), make(chan task, 8*workers)
	var readErr error
	go func() {
		defer close(queue)
		defer close(work)
		readErr = lines.each(ctx, func(line batchLine) bool {
			t := task{line, make(chan []byte, 1)}
			return send(ctx, queue, t) && send(ctx, work, t)
		})
	}()
	for range workers {
		go func() {
			for t := range work {
				t.answer <- answer(t.line)
			}
		}()
	}
	if err := writeAnswers(ctx, w, queue); err != nil {
		return err
	}
	return readErr
}

func send(ctx context.Context, to chan<- task, t task) bool {
	select {
	case to <- t:
		return true
	case <-ctx.Done():
		return false
	}
}

// writeAnswers writes the answers in order. What is written is flushed whenever no
// answer is due: who writes the cases may be waiting for it.
func writeAnswers(ctx context.Context, w io.Writer, queue <-chan task) error {
	out := bufio.NewWriterSize(w, 1<<16)
	for {
		line, more := nextAnswer(ctx, queue)
		if !more {
			return errors.Join(ctx.Err(), out.Flush())
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
		if len(queue) == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// nextAnswer waits for the next answer, for the end of them, or to be interrupted.
func nextAnswer(ctx context.Context, queue <-chan task) (line []byte, more bool) {
	select {
	case t, more := <-queue:
		if !more {
			return nil, false
		}
		select {
		case line := <-t.answer:
			return line, true
		case <-ctx.Done():
			return nil, false
		}
	case <-ctx.Done():
		return nil, false
	}
}

// batchLines are the lines of a file that aren't blank.
type batchLines struct {
	name string
	in   *bufio.Reader
}

type batchLine struct {
	file   string
	number int // from 1
	text   []byte
}

func (l batchLines) each(ctx context.Context, visit func(batchLine) bool) error {
	for n := 1; ; n++ {
		text, err := l.in.ReadBytes('\n')
		if len(bytes.TrimSpace(text)) > 0 && !visit(batchLine{l.name, n, text}) {
			return ctx.Err()
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s:%d: %w", l.name, n, err)
		}
	}
}

// caseShape is which members a case has beside its id.
type caseShape struct{ must, may []string }

// answer is the line that answers a case.
func (s caseShape) answer(line batchLine, answer answerFunc) []byte {
	c, err := s.parse(line)
	if err != nil {
		return errorLine(c.id, err)
	}
	out := answerBuffers.Get().(*bytes.Buffer)
	defer answerBuffers.Put(out)
	out.Reset()
	if err := answer(out, c); err != nil {
		return errorLine(c.id, err)
	}
	return bytes.Clone(out.Bytes())
}

// answerBuffers are where answers grow, so that each is kept in no more than it needs.
var answerBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// errorLine answers a line that is no case, or has no answer.
func errorLine(id jsontext.Value, err error) []byte {
	text, err := json.Marshal(struct {
		ID    jsontext.Value `json:"id,omitzero"`
		Error string         `json:"error"`
	}{id, strings.ToValidUTF8(err.Error(), "�")})
	if err != nil {
		panic("pare: an id that was read, and a text: " + err.Error())
	}
	return append(text, '\n')
}

// batchCase is a line of a batch, taken apart.
type batchCase struct {
	line    batchLine
	id      jsontext.Value // empty: none
	members map[string]batchMember
}

type batchMember struct {
	value  jsontext.Value
	offset int // in the line
}

// parse takes a line apart, as far as it goes: with an error too the case has its id, if
// that came first. What is in a member is for the parser of its kind, so that a key
// that stands twice in a policy is reported as such.
func (s caseShape) parse(line batchLine) (batchCase, error) {
	c := batchCase{line: line, members: map[string]batchMember{}}
	dec := jsontext.NewDecoder(bytes.NewBuffer(line.text), jsontext.AllowDuplicateNames(true))
	if kind := dec.PeekKind(); kind != '{' && kind != 0 {
		return c, c.at(0, "want an object with %s", strings.Join(s.must, ", "))
	}
	if _, err := dec.ReadToken(); err != nil {
		return c, c.syntax(err)
	}
	for dec.PeekKind() != '}' {
		if err := s.member(&c, dec); err != nil {
			return c, err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return c, c.syntax(err)
	}
	end := int(dec.InputOffset())
	if rest := bytes.TrimSpace(line.text[end:]); len(rest) > 0 {
		return c, c.at(end, "more after the case's end: want one object a line")
	}
	for _, name := range s.must {
		if _, ok := c.members[name]; !ok {
			return c, c.at(0, "no %q: want an object with %s", name, strings.Join(s.must, ", "))
		}
	}
	return c, nil
}

// member reads one member of a case.
func (s caseShape) member(c *batchCase, dec *jsontext.Decoder) error {
	at := c.next(int(dec.InputOffset()))
	key, err := dec.ReadToken()
	if err != nil {
		return c.syntax(err)
	}
	name := key.String()
	value, err := dec.ReadValue()
	if err != nil {
		return c.syntax(err)
	}
	_, twice := c.members[name]
	switch {
	case name == "id" && !value.IsValid(): // JSON it is; answers are stricter
		return c.at(at, "a key stands twice in the id: keep one")
	case name == "id" && len(c.id) == 0:
		c.id = value.Clone()
	case twice || name == "id":
		return c.at(at, "%q stands twice: keep one", name)
	case slices.Contains(s.must, name) || slices.Contains(s.may, name):
		end := int(dec.InputOffset())
		c.members[name] = batchMember{c.line.text[end-len(value) : end : end], end - len(value)}
	default:
		return c.at(at, "unknown member %q: want %s", name, strings.Join(slices.Concat([]string{"id"}, s.must, s.may), ", "))
	}
	return nil
}

// next is the offset of the next token.
func (c batchCase) next(from int) int {
	for from < len(c.line.text) && strings.IndexByte(" \t\r\n,:", c.line.text[from]) >= 0 {
		from++
	}
	return from
}

// at is an error at an offset of the line.
func (c batchCase) at(offset int, format string, args ...any) error {
	_, column := policy.Position(c.line.text, offset)
	return fmt.Errorf("%s:%d:%d: %s", c.line.file, c.line.number, column, fmt.Sprintf(format, args...))
}

func (c batchCase) syntax(err error) error {
	var syn *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return c.at(len(bytes.TrimRight(c.line.text, "\r\n")), "ends in the middle of a value: want one object a line")
	case errors.As(err, &syn) && syn.Err != nil:
		return c.at(int(syn.ByteOffset), "not JSON: %v", syn.Err)
	}
	return c.at(0, "not JSON: %v", err)
}

// identityPolicy parses the policy under a name, checked to be an identity policy.
func (c batchCase) identityPolicy(name string) (*policy.Document, error) {
	doc, err := policy.Parse(name, c.members[name].value)
	if err == nil {
		err = doc.Check(policy.Identity)
	}
	return doc, c.relocate(name, err)
}

// unusedList parses the list under a name; none is nothing unused.
func (c batchCase) unusedList(name string) (usage.Unused, error) {
	m, ok := c.members[name]
	if !ok {
		return usage.Unused{}, nil
	}
	unused, err := usage.ParseUnused(name, m.value)
	return unused, c.relocate(name, err)
}

// relocate makes errors of a member's text errors of the line.
func (c batchCase) relocate(name string, err error) error {
	var errs policy.Errors
	if !errors.As(err, &errs) {
		return err
	}
	out := make(policy.Errors, len(errs))
	for i, e := range errs {
		moved := *e
		_, before := policy.Position(c.line.text, c.members[name].offset)
		moved.Name, moved.Line, moved.Column = c.line.file, c.line.number, e.Column+before-1
		moved.Pointer = "/" + name + e.Pointer
		out[i] = &moved
	}
	return out
}
