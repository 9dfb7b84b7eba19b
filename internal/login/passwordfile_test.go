package login_test

import (
	"strings"
	"testing"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/store"
)

func TestHash(t *testing.T) {
	const password = "correct horse battery"
	a, err := login.Hash(password)
	check(t, err)
	b, err := login.Hash(password)
	check(t, err)
	if a == b {
		t.Error("the salt is the same")
	}
	if !strings.HasPrefix(a, "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("%s: want RFC 9106's second recommendation", a)
	}
	line, err := login.NewPasswordLine("ann", store.Admin, password)
	check(t, err)
	s := newServer(t, nil)
	write(t, s.passwords, line.String())
	same(t, "it opens the door", "/", s.browser().login("ann", password).location)
	same(t, "another doesn't", 403, s.browser().login("ann", password+"!").status)
}

func TestPasswordsThatArentTaken(t *testing.T) {
	for name, c := range map[string]struct{ password, want string }{
		"short":      {"eleven char", "want 12 or more"},
		"few runes":  {strings.Repeat("é", 11), "want 12 or more"},
		"long":       {strings.Repeat("a", 4097), "want 4096 or fewer"},
		"not UTF-8":  {"correct horse \xff", "UTF-8"},
		"a line end": {"correct horse\nbattery", "line end"},
	} {
		_, err := login.Hash(c.password)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), c.password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, password := range []string{strings.Repeat("é", 12), strings.Repeat("a", 1024)} {
		if _, err := login.Hash(password); err != nil {
			t.Error(err)
		}
	}
	if _, err := login.NewPasswordLine("a:b", store.Admin, annsPassword); err == nil {
		t.Error("a name with a colon is taken")
	}
	if _, err := login.NewPasswordLine("ann", "root", annsPassword); err == nil {
		t.Error("a role that isn't one is taken")
	}
}

func TestPasswordFilesThatArentTaken(t *testing.T) {
	good := hashOf(annsPassword, "a")
	for name, c := range map[string]struct{ text, want string }{
		"nobody":                {"# nobody\n\n", "people: nobody is in it"},
		"no hash":               {"ann:admin", "people:1: want name:role:hash"},
		"no such role":          {"ann:root:" + good, "people:1: ann: the role: want one of viewer, reviewer, operator, admin"},
		"a name with a blank":   {"ann lee:admin:" + good, `people:1: name "ann lee": want`},
		"no name":               {":admin:" + good, `people:1: name "": want`},
		"the server's own name": {"Local:admin:" + good, "the server itself goes by it"},
		"twice, in other case":  {"ann:admin:" + good + "\n\nAnn:viewer:" + good, "people:3: Ann is in line 1 already"},
		"bcrypt":                {"ann:admin:$2b$12$abcdefghijklmnopqrstuv", "want a hash of argon2id"},
		"argon2i":               {"ann:admin:" + strings.Replace(good, "argon2id", "argon2i", 1), "want a hash of argon2id"},
		"an old version":        {"ann:admin:" + strings.Replace(good, "v=19", "v=16", 1), "want v=19"},
		"weak":                  {"ann:admin:" + strings.Replace(good, "t=5", "t=4", 1), "they are weak: want at least m=19456,t=2,p=1: make a new one with `pare serve password`"},
		"no threads":            {"ann:admin:" + strings.Replace(good, "p=1", "p=0", 1), "they are weak"},
		"too much memory":       {"ann:admin:" + strings.Replace(good, "m=7168", "m=4194304", 1), "too much of the server"},
		"too many passes":       {"ann:admin:" + strings.Replace(good, "t=5", "t=4000000000", 1), "too much of the server"},
		"another order":         {"ann:admin:" + strings.Replace(good, "m=7168,t=5", "t=5,m=7168", 1), `parameter "t=5": want m=`},
		"a parameter too many":  {"ann:admin:" + strings.Replace(good, "p=1", "p=1,x=1", 1), "want m=…,t=…,p=…"},
		"odd digits":            {"ann:admin:" + strings.Replace(good, "t=5", "t=05", 1), `"t=05": want`},
		"a short salt":          {"ann:admin:$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "the salt: want 16"},
		"a hash that is cut":    {"ann:admin:" + good[:len(good)-30], "the hash: want 16"},
		"all at once":           {"ann\nbob:x:" + good + "\n", "people:1: want name:role:hash, as `pare serve password` prints it\npeople:2: bob: the role"},
	} {
		_, err := login.ParsePasswords([]byte(c.text), "people")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

func TestAPasswordInTheWrongFieldIsntRepeated(t *testing.T) {
	for _, text := range []string{"ann:hunter2", "ann:hunter2:admin", "ann:admin:hunter2"} {
		if _, err := login.ParsePasswords([]byte(text), "people"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
