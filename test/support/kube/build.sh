#!/usr/bin/env bash
# Builds kube-apiserver, kube-controller-manager, kube-scheduler and etcd of the versions in go.mod, unless they are built
# already; prints the folder. It is outside the clone and named after go.sum and Go's version. About 7 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")"
cache=${CONCERTINA_TEST_CACHE:-$HOME/.cache/concertina-test}
bin=$cache/kube-$(cat go.sum <(go version) | sha256sum | cut -c1-16)
mkdir -p "$bin"
export CGO_ENABLED=0 GOFLAGS='-buildvcs=false -trimpath'
for package in k8s.io/kubernetes/cmd/kube-{apiserver,controller-manager,scheduler} go.etcd.io/etcd/server/v3; do
  name=$(basename "${package%/server/v3}")
  [ "$name" = go.etcd.io ] && name=etcd
  if [ ! -x "$bin/$name" ]; then
    echo "building $name" >&2
    go build -ldflags '-s -w' -o "$bin/$name.new" "$package"
    mv "$bin/$name.new" "$bin/$name"
  fi
done
echo "$bin"
