#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints where Debian's kubectl 1.20 is: the one that is installed, or else its package unpacked into .state/debian/, which
# needs no rights and leaves another kubectl of this machine alone. Exit code 77 and a reason when there is none to be had.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

is_1_20() { [[ -x $1 ]] && "$1" version --client -o json 2>/dev/null | grep -q '"gitVersion": *"v1\.20\.'; }

state=${KLUTCH_STATE:-$PWD/.state}/debian
for program in /usr/bin/kubectl "$state/usr/bin/kubectl"; do
  if is_1_20 "$program"; then
    printf '%s\n' "$program"
    exit 0
  fi
done

cannot() { printf '%s\n' "$*"; exit 77; }
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  cannot "Debian's kubectl is not here, and this is no Debian"
fi
mkdir -p "$state"
exec 9>"$state/.lock"
flock 9
work=$(mktemp -d "$state/.download.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q download kubernetes-client) >"$work/log" 2>&1 ||
  cannot "Debian's kubectl is neither installed nor to be downloaded: $(tail -n 1 "$work/log")"
dpkg-deb -x "$work"/kubernetes-client_*.deb "$work/unpacked"
mkdir -p "$state/usr/bin"
mv -f "$work/unpacked/usr/bin/kubectl" "$state/usr/bin/kubectl"
is_1_20 "$state/usr/bin/kubectl" || cannot "Debian's kubectl is of a version without recordings"
printf '%s\n' "$state/usr/bin/kubectl"
