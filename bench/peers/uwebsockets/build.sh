#!/usr/bin/env bash
# Builds a chat on uWebSockets for `npm run bench:singles`, where it is missing: needs pip, a C compiler and libuv. The library
# is the one that the Python package socketify carries, for Linux on x86-64.
set -euo pipefail
folder="${CONCERTINA_TEST_BIN:-$HOME/.cache/concertina-test/bin}"
[ -x "$folder/uwebsockets-chat" ] && exit 0
for tool in python3 cc; do
  command -v $tool > /dev/null || { echo "uwebsockets: install $tool to build it into $folder" >&2; exit 1; }
done
mkdir -p "$folder"
cd "$(dirname "$0")"
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
python3 -m pip download --quiet --no-deps --dest "$download" socketify==0.0.31
tar -xzf "$download"/socketify-*.tar.gz -C "$download" --wildcards '*/libsocketify_linux_amd64.so' --strip-components 3
cp "$download/libsocketify_linux_amd64.so" "$folder/"
cc -O2 -o "$folder/uwebsockets-chat.new" server.c "$folder/libsocketify_linux_amd64.so" '-Wl,-rpath,$ORIGIN'
mv "$folder/uwebsockets-chat.new" "$folder/uwebsockets-chat"
