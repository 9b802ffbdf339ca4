// Package dnsclient asks one server over DNS, one question after the other. It is
// how a program checks from outside what a resolver answers: it has no cache and
// follows no alias.
package dnsclient
