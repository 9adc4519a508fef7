#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What operators do with client-go (tests/real/clients), first with a real kube-apiserver, which shows that the checks are
# right, then with ours. CLIENT_GO_OBJECTS: how many objects informers hold. What a stage is: tools/test/run_real.py.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for script in tests/real/build.sh "tests/real/clients/build.sh client-go"; do
  # shellcheck disable=SC2086  # a script and its argument
  $script 2>&1 | tee "$work/built"
  built=${PIPESTATUS[0]}
  ((built == 0)) || exit "$built"
  tail -n 1 "$work/built" >>"$work/folders"
done
{ read -r KLUTCH_REAL_BIN; read -r clients; } <"$work/folders"
mkdir "$work/tmp"
export KLUTCH_REAL_BIN TMPDIR=$work/tmp
tools/build.sh dev real_cluster klutch-apiserver || exit 1

for server in real ours; do
  printf '==> client-go with the %s server\n' "$server"
  tests/real/with_server.py "$server" "$clients/client-go" "-objects=${CLIENT_GO_OBJECTS:-10000}" 2>"$work/log" | tee "$work/run"
  tail -n 1 "$work/run" >>"$work/counts"
done
awk '
  /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $1; failed += $3; skipped += $5; next }
  { failed++ }  # a run that did not come to its end
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' "$work/counts"
