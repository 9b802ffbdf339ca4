// Package decision decides how a query is answered.
//
// [Decide] is a pure function of a [Question] and a [View] of what is known at
// that moment, the cache of upstreams' replies included. It does no I/O, reads no clock, takes no lock and, for all that
// is answered locally, allocates nothing. Every path and transport calls it
// and differs from the others only in how it reads and writes bytes: two
// clients that ask the same question cannot get different answers.
//
// The order of its steps is in the body of [DecideInto] and nowhere else. Each step
// either settles the [Verdict] or leaves the question to the next one. What no
// step settles is for the upstreams, unless the cache has their answer.
// The Verdict has the [Step] that settled it, for explanations.
//
// A Verdict holds what to answer and why, without any message: the node, the
// TTL, the owner of the SOA, the extended error. It refers to the View's
// snapshot and rules, both immutable, so it may be kept.
package decision
