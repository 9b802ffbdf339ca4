// Package inspect shows what a [resolver.Server] answers, and why: an [Inspector]
// queries it without a socket and explains its decisions, by the same decision as
// for any client, and the entries of its query log are filtered and shown as text.
//
// It only describes what the Server did. It has no rules and no state of its own,
// and starts no goroutine.
package inspect
