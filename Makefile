# Builds the .deb and .rpm packages of the present commit into dist/.
.PHONY: packages
packages:
	packaging/build

# Measures nodedns beside other name servers: docs/benchmarks.md. Options of the
# bench go into PEERS, as in: make bench-peers PEERS=-quick
.PHONY: bench-peers
bench-peers:
	go build -o dist/ ./integration/peers
	dist/peers $(PEERS)
