// Package integration drives the built programs from outside: a network of
// namespaces with a curator and several nodes in it, queried with dig and
// glibc. It imports nothing of the product, so what passes here holds for the
// binary that people run.
//
// The order to read it in:
//
//   - main_test.go builds nodedns and memcurator once, and runs the tests in a
//     sandbox of fresh PID, network, mount and UTS namespaces. Nothing has a
//     fixed name, and all of it is gone when the test process is, however it
//     ends.
//   - machine_test.go is a computer: an OS thread of the test that has
//     namespaces of its own, a private /etc, /run and /var/lib, and starts
//     processes in them.
//   - lan_test.go joins machines by a bridge, and can cut one of them off.
//   - curator_test.go and daemon_test.go are the two programs; cluster_test.go
//     puts them on a lan. plane_test.go is a cluster whose nodes run several
//     curators.
//   - ask_test.go queries from the test process, which takes a tenth of starting
//     a program; dig_test.go and glibc_test.go do with dig and getent, and
//     nss_test.go through the real nss-resolve.
//   - names_test.go has the rows by which answers to readable names are checked, and
//     names_delivery_test.go the ways in which files of nodes come to machines.
//   - nameservers_test.go has the real servers that are queried in turn, with
//     the zones of zonedata_test.go. scripted_test.go has one of our own that
//     sends what a test wants, byte by byte, as message_test.go builds it, and
//     connected_test.go those whose connections a test has in its hands.
//   - everyday_test.go puts nodedns and other forwarders in front of the same
//     servers, row by row of the manual's table; everyday_site_test.go is where,
//     and everyday_forwarders_test.go has the programs.
//   - differential_test.go compares our answers with those of the servers behind us:
//     differential_queries_test.go makes the queries, and
//     differential_explained_test.go has the table of what may differ.
//   - docs_test.go runs what the manual shows, as transcript_test.go reads it;
//     recipes_test.go has the tools that its recipes are for, and fleet_test.go
//     the machines of its file of nodes.
//   - soak_test.go runs all of it together, with random faults: soak_world_test.go
//     is what runs, soak_plan_test.go chooses the faults, soak_daemons_test.go has
//     the list of their kinds, and soak_truth_test.go what may be answered.
//
// Every other file tests one subject; those called *_bench_test.go measure, and so
// does the command in the directory peers, beside other name servers.
//
// The tests need root and the Debian packages of packages.txt, and those with
// real servers the unpacked ones of unpacked.txt. Without them they are
// skipped, each stating what it lacks; with NODEDNS_REQUIRE_ALL=1 a skip is a
// failure. What takes long, and combinations of what is tested once each, run with
// NODEDNS_FULL=1 only, as .ci/full has it, and drive the unpacked packages of
// unpacked-full.txt too.
// The test of "nodedns try" needs none of it.
package integration
