#!/usr/bin/env bash
# Builds Centrifugo for `npm run bench:singles`, where it is missing: some minutes, needs Go.
set -euo pipefail
folder="${CONCERTINA_TEST_BIN:-$HOME/.cache/concertina-test/bin}"
[ -x "$folder/centrifugo" ] && exit 0
command -v go > /dev/null || { echo "centrifugo: install Go to build it into $folder" >&2; exit 1; }
mkdir -p "$folder"
cd "$(dirname "$0")"
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$folder/centrifugo" github.com/centrifugal/centrifugo/v6
