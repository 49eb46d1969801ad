#!/usr/bin/env bash
# Builds the NATS server that the tests run against, where it is missing: about half a minute, needs Go.
set -euo pipefail
cd "$(dirname "$0")"
exec bash ../build-go.sh nats-server github.com/nats-io/nats-server/v2
