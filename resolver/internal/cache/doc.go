// Package cache keeps the replies of upstreams for as long as they may be
// served.
//
// A reply is kept whole, in wire form, for the one question that it answers: a
// chain of aliases, its target and the signatures stay together, and nothing
// that a server added can answer another question. The offsets of its TTLs are
// recorded when it is put in, so that a hit is a copy with a few octets
// overwritten.
//
//	Put  -> lifetime (may it be kept, for how long) -> encode -> insert -> evict
//	Get  -> table -> judge (fresh, stale, failed) -> Hit.AppendReply
//	Save -> the answers, by worth -> a file -> Load -> encode -> restore
//
// [Cache.Get] takes no lock and allocates nothing. All that changes the set of
// entries happens under one lock, for about a microsecond each time: a Put
// follows an exchange with an upstream, which takes a hundred times as long.
//
// # Invariants
//
// An entry is immutable, except for its counters and its links. The chains of
// the table are followed without the lock and changed with it; the links of the
// queues are used with the lock only. Every entry in the table is in one of the
// queues, and vice versa. What is kept never costs more than two fifths of the
// configured size, the table included; see [Config].
//
// # Time
//
// The package reads no clock. All times are CLOCK_BOOTTIME, passed in by the
// caller, so that time in suspend counts.
//
// # Goroutines
//
// The package starts none. A Cache may be used by any number of goroutines.
package cache
