// Peers measures nodedns beside other name servers: what an answered query
// costs each of them on one core, how long it takes, what a node takes of
// memory and how soon a change is visible. It prints tables, and writes the
// figures of every single run beside them. docs/benchmarks.md describes how to
// run it and what the columns mean.
//
// The bound of all of them is a bare echo in C, and most figures are ratios to
// what it cost in the same round: absolute ones differ between machines, and
// between two minutes of one machine.
//
// The order to read it in:
//
//   - main.go has the flags and the two stages. The first (programs.go, debian.go,
//     builds.go) obtains the programs, by Debian packages that are unpacked but
//     never installed, and by compilers. The second (sandbox.go) runs in
//     namespaces of its own: all ports are free there, nothing leaves the
//     machine, and all processes end with it.
//   - nodes.go defines the names; zonefiles.go and savednodes.go write them in
//     the format of each server, questions.go as queries.
//   - peer.go is a server that takes part, and each of the files that are named
//     after one holds its configuration. server.go is a running one, usage.go
//     what it used.
//   - load.go runs the load, a C program of its own in the directory load.
//   - rows.go and the files that it names are what is measured; samples.go
//     keeps the results, and tables.go prints it.
//
// The bench imports nothing of the project, so what it shows holds for the
// binary that people run. It has no goroutines but those that wait for the end
// of a process.
package main
