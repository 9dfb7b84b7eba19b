// Package login says who somebody is, and what they may do.
//
// In: HTTP requests; a password file; the tokens of an OpenID provider; the users and API
// tokens of the store. Out: an Identity in the request's context, or an answer that says
// how to get one: a redirect to the login page for browsers, 401 with JSON for programs.
//
// There are four ways to be somebody:
//
//   - loopback: on an address that only this machine reaches, without any way to log in,
//     everybody is "local", an admin. The Host must then be a loopback name, since a foreign
//     page may have its own name resolved to 127.0.0.1, and no proxy may stand before it.
//   - password: a line of the password file, with argon2id.
//   - oidc: the code flow with PKCE, and a mapping from groups to roles.
//   - token: "Authorization: Bearer pare_…", of a user of the store. It is never read from a
//     cookie, so that no other site can make a browser send it.
//
// Whatever can't be read gives nobody access: a password file with an error in it logs
// everybody out of it until it is mended. A session ends when it is idle, when it is old, at
// logout, when its line of the password file changes, and when the mapping of groups does.
// A change of somebody's groups at the provider is seen at their next login.
//
// Logins, failed logins, logouts and refused roles are in the store's audit log; what is
// beyond a limit isn't, so that nobody can fill it.
//
// Limits: requests are counted by this process, so N servers allow N times as many tries.
// Who knows a name can keep its owner from logging in for a while by trying. On loopback,
// everybody with an account on the machine is an admin. Names of the password file, of the
// provider and of the store are one space: tokens and access keys of somebody who left
// are removed with store.DeleteUser.
//
// Sources:
// https://www.rfc-editor.org/rfc/rfc9106 (argon2)
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
// https://openid.net/specs/openid-connect-core-1_0.html
// https://www.rfc-editor.org/rfc/rfc9700 (OAuth 2.0 security)
package login
