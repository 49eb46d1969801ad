#!/bin/sh
# Installs the packed package with all that it can use (brokers, the SDK of AWS, gRPC) in a folder; run in the source's folder.
#   install.sh PACKAGE.tgz FOLDER
set -eu
# The packages are optional for those who install from npm; the versions are those that the tests run with.
optional=$(node -p '
  const { peerDependencies, devDependencies } = JSON.parse(fs.readFileSync("package.json", "utf8"))
  const names = Object.keys(peerDependencies).filter((name) => name !== "react")
  names.map((name) => `${name}@${devDependencies[name]}`).join(" ")')
mkdir -p "$2"
echo '{"private":true}' > "$2/package.json"
# shellcheck disable=SC2086 # one word for each package
npm install --prefix "$2" --omit=dev --omit=peer --ignore-scripts --prefer-offline --no-fund --no-audit "$1" $optional
