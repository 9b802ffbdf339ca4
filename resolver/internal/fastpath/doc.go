// Package fastpath reads and writes the bytes of everyday queries, without
// allocating anything.
//
//	receive buffer -> Query.Parse -> decision -> Query.Append -> send buffer
//
// It decides nothing. What a name gets is in the [decision.Verdict], which is
// the same for a query that is read and answered with miekg/dns: the
// ordinary path. This package is only another way to get from bytes to a
// question, and from a verdict to bytes.
//
// # What takes the ordinary path
//
// [Query.Parse] takes what a stub resolver sends: one question of class IN,
// spelled out, and at most an OPT record with a cookie in it. All else is left
// to the ordinary path, malformed or not; so nothing here returns FORMERR, and
// a query in doubt costs a few microseconds more and never its answer. In the
// same way [Query.Append] rejects what it cannot write in full within the
// client's limit: it never truncates.
//
// # Sameness
//
// A reply is, record for record and option for option, the one of the ordinary
// path, except for the encoding: here a name that is the question's, or a
// suffix of it, is a pointer to it, and the ordinary path compresses only what
// would not fit otherwise. In a reply from the cache the names that a server
// compressed this way are spelled as in the query here, and in lower case
// there. So one that just fits the client's limit here may not fit it there,
// and lack the texts of its extended errors, or some records. FuzzPaths in
// package resolver checks this.
//
// # Goroutines
//
// The package starts none. A Query must not be used concurrently.
package fastpath
