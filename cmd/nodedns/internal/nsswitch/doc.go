// Package nsswitch reads and edits the hosts line of nsswitch.conf(5), which
// defines the services that glibc queries for a host: in which order, and when
// it stops.
//
// It reads as glibc does, and not as the manual page describes, because what
// matters is what programs get. Seen with glibc 2.36, and checked against the
// one of this machine by a test:
//
//   - Of several lines for one database the last one takes effect, even if it
//     is empty; without any, hosts means "files dns".
//   - A last line without its line break is not read at all.
//   - There are neither comments behind a value nor continued lines: "#" and
//     "\" are services that do not exist. A line whose first word is not the
//     name of a database is skipped, as are those that begin with "#".
//   - The names of databases and services are case-sensitive, statuses and
//     actions are not.
//   - A second pair of brackets behind a service ends the line.
//   - A mistake in the line of any database that glibc knows makes it refuse
//     the whole file: then nothing is found, for no database.
//
// An edit changes nothing but the words of the effective line. Every other byte
// stays, and services unknown to it stay in their order.
//
// All functions are pure and may be called concurrently.
package nsswitch
