// Package routes maps names to routes: split DNS.
//
// A route stands for some domains and all names in them. Of several routes the
// one with the longest domain counts, compared by whole labels: a route for
// corp.example has www.corp.example, and not notcorp.example. The domain "."
// has every name. Domains of reverse names, such as 10.in-addr.arpa, are
// domains like any other.
//
// The target of a route is the caller's: for example a set of upstreams, or
// none. A [Table] is immutable, and the package has no goroutines.
package routes
