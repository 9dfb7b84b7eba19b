package prove

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pare-iam/pare/access"
	"github.com/pare-iam/pare/policy"
)

// solver is a cvc5 process that is asked over a pipe.
type solver struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func cvc5(t *testing.T) string {
	path, err := exec.LookPath("cvc5")
	if err != nil {
		t.Fatal("cvc5 isn't there, which checks our answers: install it with `make deps`, or `apt-get install cvc5`")
	}
	return path
}

// startSolver starts cvc5; limit bounds each answer, which is `unknown` beyond it.
func startSolver(t *testing.T, limit time.Duration) *solver {
	cmd := exec.Command(cvc5(t), "--lang=smt2", "--strings-exp", "--incremental", "--produce-models",
		fmt.Sprintf("--tlimit-per=%d", limit.Milliseconds()))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &solver{t, cmd, in, bufio.NewReader(out)}
	if _, err := s.ask("(set-logic ALL)"); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *solver) stop() {
	// It may have ended by itself, with an error of its own, which ask has reported.
	if err := errors.Join(s.in.Close(), s.cmd.Wait()); err != nil {
		s.t.Logf("cvc5 ended: %v", err)
	}
}

// ask sends commands and returns what is printed, or an error if the process ended.
func (s *solver) ask(commands string) (string, error) {
	const end = "end of answer"
	if _, err := io.WriteString(s.in, commands+"\n(echo \""+end+"\")\n"); err != nil {
		return "", err
	}
	var answer strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("cvc5 ended: %w, after %q", err, answer.String())
		}
		if strings.Trim(line, "\"\n") == end {
			return strings.TrimSpace(answer.String()), nil
		}
		answer.WriteString(line)
	}
}

// sexpr is an expression of an answer.
type sexpr struct {
	atom string
	list []sexpr
}

func parseSexpr(s string) (e sexpr, rest string) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return sexpr{}, ""
	case s[0] == '(':
		s = strings.TrimSpace(s[1:])
		for s != "" && s[0] != ')' {
			var elem sexpr
			elem, s = parseSexpr(s)
			e.list = append(e.list, elem)
			s = strings.TrimSpace(s)
		}
		return e, strings.TrimPrefix(s, ")")
	case s[0] == '|':
		i := 1 + strings.IndexByte(s[1:], '|')
		return sexpr{atom: s[:i+1]}, s[i+1:]
	case s[0] == '"':
		i := 1
		for ; s[i] != '"' || i+1 < len(s) && s[i+1] == '"'; i++ {
			if s[i] == '"' {
				i++
			}
		}
		return sexpr{atom: s[:i+1]}, s[i+1:]
	}
	i := strings.IndexAny(s, " \n()")
	if i < 0 {
		i = len(s)
	}
	return sexpr{atom: s[:i]}, s[i:]
}

// text is the string of a literal.
func (e sexpr) text() string {
	s := strings.ReplaceAll(e.atom[1:len(e.atom)-1], `""`, `"`)
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\u{`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		hex, after, _ := strings.Cut(rest, "}")
		r, err := strconv.ParseInt(hex, 16, 32)
		if err != nil {
			panic(err)
		}
		b.WriteRune(rune(r))
		s = after
	}
}

// rational is the value of a number.
func (e sexpr) rational() *big.Rat {
	switch {
	case e.atom != "":
		r, ok := new(big.Rat).SetString(e.atom)
		if !ok {
			panic("not a number: " + e.atom)
		}
		return r
	case e.list[0].atom == "-":
		return new(big.Rat).Neg(e.list[1].rational())
	}
	return new(big.Rat).Quo(e.list[1].rational(), e.list[2].rational()) // "/"
}

// request reads the solver's request after `sat`.
func (s *solver) request(e *encoder) access.Request {
	names := []term{action, resource}
	for _, k := range e.keys {
		for _, slot := range k.slots {
			names = append(names, slot.used)
			if k.read != 0 {
				names = append(names, slot.value)
			}
			if k.read&(asNumber|asDate|asAddress) != 0 {
				names = append(names, slot.valid)
			}
			if k.read == asAddress {
				names = append(names, slot.isV6)
			}
		}
	}
	answer, err := s.ask(app("get-value", term{head: names[0].head, args: names[1:]}).line())
	if err != nil {
		s.t.Fatal(err)
	}
	model := map[string]sexpr{}
	pairs, _ := parseSexpr(answer)
	for i, pair := range pairs.list {
		model[names[i].head] = pair.list[1]
	}
	service, name, _ := strings.Cut(model[action.head].text(), ":")
	req := access.Request{
		Action: policy.Action{Service: service, Name: name}, Resource: model[resource.head].text(), Context: access.Context{},
	}
	for _, k := range e.keys {
		for _, slot := range k.slots {
			if model[slot.used.head].atom == "true" {
				req.Context[k.name] = append(req.Context[k.name], slotText(k.read, slot, model))
			}
		}
	}
	return req
}

// slotText is a text that is read as the value in a slot.
func slotText(r reading, s slot, model map[string]sexpr) string {
	value, valid := model[s.value.head], model[s.valid.head].atom == "true"
	switch {
	case r == 0:
		return "anything"
	case r == asText || r == asBytes:
		return value.text()
	case !valid:
		return "none of its type"
	}
	n := value.rational()
	switch r {
	case asNumber:
		digits, exact := n.FloatPrec()
		if !exact {
			digits = 50
		}
		return n.FloatString(digits)
	case asDate:
		seconds, ns := new(big.Int).DivMod(n.Num(), big.NewInt(int64(time.Second)), new(big.Int))
		first, last := time.Date(0, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		when := time.Unix(seconds.Int64(), ns.Int64()).UTC()
		if seconds.Cmp(big.NewInt(first.Unix())) < 0 {
			when = first
		} else if seconds.Cmp(big.NewInt(last.Unix())) > 0 {
			when = last
		}
		return when.Format(time.RFC3339Nano)
	}
	bytes := make([]byte, 4)
	if model[s.isV6.head].atom == "true" {
		bytes = make([]byte, 16)
	}
	addr, _ := netip.AddrFromSlice(n.Num().FillBytes(bytes))
	return addr.String()
}
