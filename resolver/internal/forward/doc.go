// Package forward asks the upstreams what a decision leaves to them.
//
//	verdict -> Reply ------------------------------------------> reply
//	             | none at once                                    ^
//	             v                                                 |
//	          Forward -> singleflight -> upstream.Group -> cache -> rewritten,
//	                       ^                                       stale, or refused
//	                       +-- all that ask the same concurrently
//
// A query waits for at most [MaxWait]. One that has a stale answer gets that
// after [StalePatience]; the exchange goes on and fills the cache. What exceeds
// Forwarder.InFlight is refused at once and never waits in a queue.
package forward
