// Command nodedns keeps one machine able to resolve its own name and the names
// of every other node of its cluster, whatever state the machine, the network
// or the cluster is in.
//
// "nodedns run" is the daemon; the other commands prepare it (init, check,
// enable), query it (status, nodes, query, explain), compare the machine with
// it (verify, doctor), undo it (disable, restore) or show it (try). This
// package is the wiring between the command line, the configuration and package
// nodedns, which does the work. Each command is a file of its own name.
//
// # Exit status
//
// 0 means that the command succeeded, 1 that it failed, and 2 that its
// arguments or the configuration are invalid. Results go to the standard
// output, in tables for people and with --json for programs. What is wrong goes
// to the standard error, once, with the prefix "nodedns: ".
//
// # Goroutines
//
// The daemon's belong to [daemon.run], those of "try" to [sandbox.run]. Both
// wait for all of them before they return. "query" and "explain" send their
// queries concurrently, and wait for all answers; no other command starts any.
package main
