// Package wire makes DNS messages into requests, and verdicts into replies,
// with the DNS library.
//
//	message -> Parse -> Request -> Check -> (decision) -> Build   -> Encode -> message
//	name    -> Ask --->                  -> (upstream) -> Rewrite ->
//
// It checks the form of a message and decides nothing by the name. Package
// fastpath does the same for everyday queries, without the library.
package wire
