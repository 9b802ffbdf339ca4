# What one does with this repository. "make help" lists it.
.DEFAULT_GOAL := build

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build ./nodedns for this machine
	go build ./cmd/nodedns

.PHONY: test
test: ## run the tests, and list what was skipped and why; ARGS for go test
	.ci/test $(ARGS)

.PHONY: lint
lint: ## check the format, the modules, the code and the scripts
	.ci/lint

.PHONY: generate
generate: ## generate the protobuf code (needs protoc) and the configuration's reference
	go generate ./...
	go test ./cmd/nodedns/internal/config -update

# In turn with what they are compared to, by benchstat: docs/benchmarks.md.
.PHONY: bench
bench: ## run the benchmarks of zone and resolver; ARGS for go test, as in ARGS='-count 6'
	go test -run '^$$' -bench . $(ARGS) ./zone/... ./resolver/...

.PHONY: bench-peers
bench-peers: ## measure nodedns beside other name servers; PEERS for options, as in PEERS=-quick
	go build -o dist/ ./integration/peers
	dist/peers $(PEERS)

# In a sandbox, as CONTRIBUTING.md has it: make mutants PACKAGES=./zone N=40 SEED=1
N = 20
SEED = 0
.PHONY: mutants
mutants: ## run tests on mutants of PACKAGES, as in PACKAGES=./zone; N of each, SEED, ARGS
	go run ./internal/testkit/mutate -n $(N) -seed $(SEED) $(ARGS) $(PACKAGES)

.PHONY: soak
soak: ## run the whole system with random faults; SOAK for options, as in SOAK='-soak.for 30m -soak.seed 7'
	go test -timeout 0 -v ./integration -run '^TestSoak$$' -soak.for 1m $(SOAK)

.PHONY: packages
packages: ## build the .deb and .rpm packages of the present commit into dist/
	packaging/build

.PHONY: ci
ci: ## run all that a change must pass
	.ci/run
