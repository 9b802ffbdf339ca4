// Package transport carries DNS messages to one server and back: over UDP,
// over kept TCP and TLS connections, and over HTTPS.
//
// It knows where a message begins and ends and how its ID ties a reply to a
// query (RFC 1035, section 4.2, RFC 7766, RFC 8484). What else makes a message
// the reply to a query is for the caller's [Accept] to decide, so that a forgery
// is ignored where it arrives, while the wait for the genuine reply goes on.
//
// # Goroutines
//
// A [UDP] exchange starts none. A [Kept] has one for each connection and for each
// query on its way, in the [Scope] that it was made with, and those of net/http.
package transport
