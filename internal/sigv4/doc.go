// Package sigv4 verifies AWS Signature Version 4 on the server's side: that a request was
// made by who holds a key, not long ago, and, if it changes something, not seen before.
//
// In: a request as net/http read it, and the secrets of keys, by their IDs. Out: whose key
// it is and the body, whose every byte was signed; or an Error in AWS's words, which knows
// its HTTP status.
//
// What a signature covers: method, path and query as they were sent, the body, and the
// headers it names. Those must be Host, X-Amz-Date, every other header that begins with
// X-Amz-, and Content-Type where there is one. The body is hashed here, whatever
// X-Amz-Content-Sha256 says of it.
//
// Limits. Requests signed in the query (presigned), with SigV4A or in chunks are refused.
// The path is signed as AWS has it for all services but S3, each of its bytes encoded once
// more; dots and double slashes are taken as they are, while AWS resolves them: no
// operation has such a path. Signatures that were seen are remembered by this process
// alone: of several servers, each would take the same request once. A proxy in front must
// leave Host, path and query as they are. How long a client may take to send its request
// is the http.Server's to limit: ReadHeaderTimeout and ReadTimeout.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
package sigv4
