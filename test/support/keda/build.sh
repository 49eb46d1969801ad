#!/usr/bin/env bash
# Builds the operator and the metrics adapter of the KEDA in go.mod, unless they are built already, with its CRDs beside them;
# prints the folder. It is outside the clone and named after go.sum and Go's version. About 10 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")"
cache=${CONCERTINA_TEST_CACHE:-$HOME/.cache/concertina-test}
bin=$cache/keda-$(cat go.sum <(go version) | sha256sum | cut -c1-16)
module=github.com/kedacore/keda/v2
for name in operator adapter; do
  CONCERTINA_TEST_BIN=$bin bash ../build-go.sh "keda-$name" "$module/cmd/$name" >&2
done
if [ ! -d "$bin/crds" ]; then
  go mod download "$module"
  rm -rf "$bin/crds.new"
  cp -R "$(go list -m -f '{{.Dir}}' "$module")/config/crd/bases" "$bin/crds.new"
  chmod -R u+w "$bin/crds.new"
  mv "$bin/crds.new" "$bin/crds"
fi
echo "$bin"
