// Package nss predicts how glibc resolves a name on a machine: which services
// nsswitch.conf(5) names, what each of them returns, and which of them ends the
// search. It is how "nodedns explain" shows what a program would get.
//
// What a service returns is found out as far as that is possible outside of
// glibc: the hosts file is read as glibc reads it, the daemon is asked what it
// answers over DNS, under the names that the search list makes of one, and how
// it answers nss-resolve, for which it applies the search list itself. Another
// resolver that serves nss-resolve's socket is queried over that. What remains,
// a service that is not supported here or a resolv.conf that names another
// server, is unknown, and with it all that depends on it.
//
// The rules are those of glibc 2.36, compared with getent itself by a test:
// getent ahosts is getaddrinfo(3), which has each service look for both
// families, and getent hosts is gethostbyname2(3), for IPv6 with all services
// and then for IPv4.
//
// A [Config] is immutable after [Read], and a [Lookup] may be used concurrently
// as far as its functions can. The package starts no goroutines.
package nss
