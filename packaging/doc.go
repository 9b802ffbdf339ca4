// Package packaging has no code but its tests, which build the .deb and .rpm
// packages by the command "build" beside it, and test them: they are the same
// bytes each time, and a Debian with them becomes what it was when they are
// gone.
//
// The order to read it in:
//
//   - build_test.go makes a repository of the present tree, and builds an older
//     and a newer version from it.
//   - debian_test.go boots a small Debian, with a systemd of its own and in
//     namespaces of its own, by testdata/boot; cgroup_test.go keeps its cgroups
//     apart, and apart_test.go proves that it touches nothing of ours.
//   - contents_test.go looks into the packages; install_test.go installs and
//     removes them, and upgrade_test.go leaves a service as its owner has it;
//     life_test.go is a machine from the installation over an upgrade to the
//     purge, with a program that queries names all the time; unit_test.go is
//     the service and its sandbox.
//
// The tests need root, git, dnsmasq and the packages of debian.txt, unpacked by
// .ci/unpack into the directory that NODEDNS_DEBIAN names. Without them they
// are skipped, each stating what it lacks; with NODEDNS_REQUIRE_ALL=1 a skip is
// a failure. Most of those that boot a machine, and the second build, run with
// NODEDNS_FULL=1 only, as .ci/full has it.
package packaging
