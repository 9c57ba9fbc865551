#!/usr/bin/env bash
# Makes <repository>/.local/NAME a Python environment of exactly the versions in a file: venv.sh NAME REQUIREMENTS. Costs nothing when it is that already.
set -euo pipefail
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.local/$1
cmp -s "$2" "$folder/requirements.txt" && exit
printf '%s: fetching %s\n' "$1" "$(wc -l <"$2") packages from PyPI" >&2
rm -rf "$folder"
python3 -m venv "$folder" || { printf "%s: python3 can't make an environment here; Debian: apt-get install python3-venv\n" "$1" >&2; exit 1; }
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$2"
cp "$2" "$folder/requirements.txt"
