// Package fastpath reads and writes the bytes of everyday queries, without
// allocating anything.
//
//	receive buffer -> Query.Parse -> decision -> Query.Append -> send buffer
//
// It decides nothing. What a name gets is in the [decision.Verdict], which is
// the same for a query that is read and answered by way of miekg/dns: the
// ordinary path. This package is only another way to come from bytes to a
// question, and from a verdict to bytes.
//
// # What goes the ordinary way
//
// [Query.Parse] takes what a stub resolver sends: one question of class IN,
// spelled out, and at most an OPT record with a cookie in it. All else is left
// alone, malformed or not; so nothing here says FORMERR, and a doubt costs a
// query a few microseconds and never its answer. In the same way
// [Query.Append] leaves alone what it cannot write in full within the client's
// limit: it never truncates.
//
// # Sameness
//
// A reply is, record for record and option for option, the one of the ordinary
// path, but for the encoding: here a name that is the question, or ends it, is
// a reference to it, and the ordinary path compresses only what would not fit
// otherwise. In a reply from the cache the names that a server compressed this
// way are spelled as in the query here, and in lower case there. So one that
// just fits the client's limit here may not fit it there, and lack the texts of
// its extended errors, or some records. FuzzPaths in package resolver holds both
// to that.
//
// # Goroutines
//
// The package starts none. A Query is for one goroutine at a time.
package fastpath
