package login

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// PasswordLine is somebody in a password file.
type PasswordLine struct {
	Name string
	Role Role
	hash hashed
}

// String is the line, without its end.
func (p *PasswordLine) String() string {
	return p.Name + ":" + string(p.Role) + ":" + p.hash.String()
}

// NewPasswordLine makes the line of somebody, as Hash does the password.
func NewPasswordLine(name string, role Role, password string) (PasswordLine, error) {
	if err := checkName(name); err != nil {
		return PasswordLine{}, err
	}
	if rank(role) < 0 {
		return PasswordLine{}, fmt.Errorf("role %q: want one of %s", role, roleNames())
	}
	text, err := Hash(password)
	if err != nil {
		return PasswordLine{}, err
	}
	h, err := parseHash(text)
	return PasswordLine{name, role, h}, err
}

const maxName = 128 // bytes

// reserved are names that the server's own entries in the audit log have.
var reserved = []string{"configuration", "demo", "local", "retention", "unknown"}

// ParsePasswords reads a password file. Each line is name:role:hash, with a hash that Hash
// made; empty lines and lines that begin with # are passed over. The file's name is for
// messages. All errors are returned together, by line.
//
// A name has letters, digits and . _ @ + - alone, and is there once, in whatever case.
// A file without anybody is an error, since nobody could log in.
func ParsePasswords(src []byte, file string) ([]PasswordLine, error) {
	var (
		out  []PasswordLine
		errs []error
		seen = map[string]int{}
	)
	for i, text := range strings.Split(string(bytes.TrimPrefix(src, []byte("\ufeff"))), "\n") {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		line, err := parseLine(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, i+1, err))
			continue
		}
		folded := strings.ToLower(line.Name)
		if first := seen[folded]; first != 0 {
			errs = append(errs, fmt.Errorf("%s:%d: %s is in line %d already: remove one of them", file, i+1, line.Name, first))
			continue
		}
		seen[folded] = i + 1
		out = append(out, line)
	}
	if len(errs) == 0 && len(out) == 0 {
		errs = append(errs, fmt.Errorf("%s: nobody is in it: add a line of name:role:hash, which `pare serve password` prints", file))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out, nil
}

func parseLine(text string) (PasswordLine, error) {
	name, rest, _ := strings.Cut(text, ":")
	role, hash, found := strings.Cut(rest, ":")
	if !found {
		return PasswordLine{}, errors.New("want name:role:hash, as `pare serve password` prints it")
	}
	if err := checkName(name); err != nil {
		return PasswordLine{}, err
	}
	if rank(Role(role)) < 0 {
		return PasswordLine{}, fmt.Errorf("%s: the role: want one of %s", name, roleNames()) // its text may be a password
	}
	h, err := parseHash(hash)
	if err != nil {
		return PasswordLine{}, fmt.Errorf("%s: %w", name, err)
	}
	return PasswordLine{name, Role(role), h}, nil
}

// checkName takes the names that somebody can have in a password file.
func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return !nameRune(r) }) {
		return fmt.Errorf("name %q: want 1 to %d of letters, digits and . _ @ + -", name, maxName)
	}
	if isReserved(name) {
		return fmt.Errorf("name %q: the server itself goes by it in the audit log: take another", name)
	}
	return nil
}

func isReserved(name string) bool { return slices.Contains(reserved, strings.ToLower(name)) }

func nameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._@+-", r)
}

func roleNames() string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}
