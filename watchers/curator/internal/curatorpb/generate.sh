#!/bin/sh
# Makes the Go code of curator.proto. Needs protoc; its plugins come by
# tools.mod, so that everybody generates with the same versions.
set -eu
cd "$(dirname "$0")"

tool() {
	go tool -modfile="$(go env GOMOD | xargs dirname)/tools.mod" -n "$1"
}

protoc \
	--plugin=protoc-gen-go="$(tool protoc-gen-go)" \
	--plugin=protoc-gen-go-grpc="$(tool protoc-gen-go-grpc)" \
	--go_out=. --go_opt=paths=source_relative \
	--go-grpc_out=. --go-grpc_opt=paths=source_relative \
	curator.proto

# See registry.go: the messages register with this package, not globally.
sed -i \
	-e 's/^\(\t*\)File: protoimpl.DescBuilder{$/&\n\1\tFileRegistry: \&files,/' \
	-e 's/^\(\t*\)out := protoimpl.TypeBuilder{$/&\n\1\tTypeRegistry: \&types,/' \
	curator.pb.go
gofmt -w curator.pb.go
