package login

import "net/http"

// policy lets a page have this server's scripts, styles and images, and nothing inline.
// https://www.w3.org/TR/CSP3/
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// powers are what no page of ours needs; copying to the clipboard stays.
const powers = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"

// aYear of nothing but TLS.
const aYear = "max-age=31536000"

// Headers gives each answer the headers that keep a browser from doing what no page of ours
// asks for. Pages aren't stored; who serves files that may be stored sets another
// Cache-Control. Where there is TLS, browsers are told to insist on it.
func (l *Login) Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", powers)
		h.Set("Cache-Control", "no-store")
		if l.o.secure() {
			h.Set("Strict-Transport-Security", aYear)
		}
		next.ServeHTTP(w, r)
	})
}
