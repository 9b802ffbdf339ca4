// Package testkit is what the tests of several packages need: a log to look
// into, waiting for what is sure to happen, skipping what cannot run here, and a
// network namespace of one's own. Only tests import it. It needs the standard
// library and golang.org/x/sys alone; nameserver below it has servers to ask.
package testkit
