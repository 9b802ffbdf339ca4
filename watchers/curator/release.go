package curator

import "runtime"

const (
	// largeMessage is what no curator sends that cuts its backlog into chunks.
	largeMessage = 4 << 20
	// releaseAfter is how much comes in such messages before the memory for them
	// is returned: a collection costs less than the messages themselves.
	releaseAfter = 16 << 20
)

// released counts what came in large messages.
type released int

// after returns the memory that large messages took, once that pays off, and
// waits with settle for the last of them to be applied. A daemon allocates
// little, so that the runtime would not collect for minutes by itself. One
// collection frees what was decoded, and moves what gRPC keeps in pools for the
// next message to where the second one frees it. The pages return to the system
// in the background: see ADR 15.
func (r *released) after(size int, settle func() bool) bool {
	if size < largeMessage {
		return true
	}
	if *r += released(size); *r < releaseAfter {
		return true
	}
	*r = 0
	ok := settle()
	runtime.GC()
	runtime.GC()
	return ok
}
