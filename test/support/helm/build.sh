#!/usr/bin/env bash
# Builds the Helm that the tests of the chart run, where it is missing: about three minutes, needs Go.
set -euo pipefail
folder="${CONCERTINA_TEST_BIN:-$HOME/.cache/concertina-test/bin}"
[ -x "$folder/helm" ] && exit 0
command -v go > /dev/null || { echo "helm: install Go to build it into $folder" >&2; exit 1; }
mkdir -p "$folder"
cd "$(dirname "$0")"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/helm.new" helm.sh/helm/v4/cmd/helm
mv "$folder/helm.new" "$folder/helm"
