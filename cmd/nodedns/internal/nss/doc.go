// Package nss tells what glibc makes of a name on a machine: which services
// nsswitch.conf(5) names, what each of them says, and which of them has the last
// word. It is how "nodedns explain" tells what a program would get.
//
// What a service says is found out, as far as that is possible without being
// glibc: the hosts file is read as glibc reads it, the daemon is asked what it
// answers by DNS, under the names that the search list makes of one, and how it
// answers nss-resolve, for which it applies the search list itself. Another
// resolver that serves nss-resolve's socket is asked over that. What remains, a
// service that is not known here or a resolv.conf that names another server, is
// unknown, and with it all that depends on it.
//
// The rules are those of glibc 2.36, compared with getent itself by a test:
// getent ahosts is getaddrinfo(3), which has each service look for both
// families, and getent hosts is gethostbyname2(3), for IPv6 with all services
// and then for IPv4.
//
// A [Machine] is immutable after [Read], and may be used concurrently as far as
// its Ask can. The package starts no goroutines.
package nss
