// Package forward asks the upstreams what a decision leaves to them.
//
//	verdict -> Reply ------------------------------------------> reply
//	             | none at once                                    ^
//	             v                                                 |
//	          Forward -> singleflight -> upstream.Group -> cache -> rewritten,
//	                       ^                                       stale, or refused
//	                       +-- all that ask the same concurrently
//
// A reply of an upstream is followed along its aliases as far as the servers that
// gave it have them. There it is cut, and what the last alias leads to is decided
// on: by the verdict on another name, which takes the same way.
//
// A query waits for at most [MaxWait]. One that has a stale answer gets that
// after [StalePatience]; the exchange goes on and fills the cache. What exceeds
// Forwarder.InFlight is refused at once and never waits in a queue.
package forward
