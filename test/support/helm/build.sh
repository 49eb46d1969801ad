#!/usr/bin/env bash
# Builds the Helm that the tests of the chart run, where it is missing: about three minutes, needs Go.
set -euo pipefail
cd "$(dirname "$0")"
exec bash ../build-go.sh helm helm.sh/helm/v4/cmd/helm
