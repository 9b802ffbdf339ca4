// Package wire makes messages of the DNS into requests, and verdicts into
// replies, by the DNS library.
//
//	message -> Parse -> Request -> Check -> (decision) -> Build   -> Encode -> message
//	name    -> Ask --->                  -> (upstream) -> Rewrite ->
//
// It checks the form of what came and decides nothing by the name. Package
// fastpath does the same for everyday queries, without taking them apart.
package wire
