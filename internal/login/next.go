package login

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// maxNext bounds what is carried through a login, in bytes.
const maxNext = 2048

// LocalPath is where to go after a login: the path and query that were asked for, if they
// lead to a page of this server, else "/". Browsers read a backslash as a slash and skip
// tabs and line ends, so none of them may be in it; "//name" is another server.
// https://url.spec.whatwg.org/#concept-basic-url-parser
func LocalPath(next string) string {
	const home = "/"
	if len(next) > maxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		return home
	}
	if strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || r == unicode.ReplacementChar || !unicode.IsPrint(r) }) {
		return home
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || ours(u.Path) {
		return home
	}
	return next
}

// ours says whether a path is one of this package: nobody wants to go there after a login.
func ours(path string) bool {
	return slices.Contains([]string{loginPath, logoutPath, startPath, callbackPath}, path)
}

// loginURL is the login page that leads on to a path afterwards.
func loginURL(next string) string {
	return withNext(loginPath, next)
}

func withNext(path, next string) string {
	next = LocalPath(next)
	if next == "/" {
		return path
	}
	return path + "?" + url.Values{"next": {next}}.Encode()
}
