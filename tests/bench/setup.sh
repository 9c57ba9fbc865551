#!/usr/bin/env bash
# Installs oha, which makes the load of `make bench`, from its crate in a pinned version into <repository>/.local/oha. Costs nothing when it is there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=1.16.0
tool=$root/.local/oha/bin/oha
"$tool" --version 2>/dev/null | grep -q " $version\$" && exit
printf 'bench-setup: compiling oha %s (some minutes)\n' "$version"
cargo install oha --version "$version" --locked --quiet --force --root "$root/.local/oha"
