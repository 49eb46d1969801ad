#!/usr/bin/env bash
# Builds a program of the Go module in this folder into the folder of test programs, where it is missing: <name> <package>.
set -euo pipefail
name=$1 package=$2
folder="${CONCERTINA_TEST_BIN:-$HOME/.cache/concertina-test/bin}"
[ -x "$folder/$name" ] && exit 0
command -v go > /dev/null || { echo "$name: install Go to build it into $folder" >&2; exit 1; }
mkdir -p "$folder"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/$name.new" "$package"
mv "$folder/$name.new" "$folder/$name"
