#!/usr/bin/env bash
# Builds the NATS server that the tests run against, where it is missing: about half a minute, needs Go.
set -euo pipefail
folder="${CONCERTINA_TEST_BIN:-$HOME/.cache/concertina-test/bin}"
[ -x "$folder/nats-server" ] && exit 0
command -v go > /dev/null || { echo "nats-server: install Go to build it into $folder" >&2; exit 1; }
mkdir -p "$folder"
cd "$(dirname "$0")"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$folder/nats-server" github.com/nats-io/nats-server/v2
