#!/usr/bin/env bash
# Builds Centrifugo for `npm run bench:singles`, where it is missing: some minutes, needs Go.
set -euo pipefail
cd "$(dirname "$0")"
exec bash ../../../test/support/build-go.sh centrifugo github.com/centrifugal/centrifugo/v6
