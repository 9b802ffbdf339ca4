// Package testkit is what the tests of several packages need: a log to inspect,
// waiting for what must happen, skipping what cannot run here, and a private
// network namespace. Only tests import it. It needs the standard library and
// golang.org/x/sys alone; nameserver below it has servers to query.
package testkit
