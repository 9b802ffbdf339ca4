// Package nssresolve finds host names and addresses for glibc's nss-resolve, which
// asks over varlink: by the same decision as for queries, and with the machine's
// search list, which a resolver of messages never sees.
package nssresolve
