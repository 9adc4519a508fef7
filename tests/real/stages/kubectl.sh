#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The transcripts of tests/kubectl with kubectl 1.34, Debian's, and Helm: against a real kube-apiserver, which shows that the
# recordings are true, and against ours. What a stage is: tools/test/run_real.py.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests/real/build.sh etcd kube-apiserver kube-controller-manager kubectl 2>&1 | tee "$work/built"
built=${PIPESTATUS[0]}
((built == 0)) || exit "$built"
KLUTCH_REAL_BIN=$(tail -n 1 "$work/built")
mkdir "$work/tmp"
export KLUTCH_REAL_BIN TMPDIR=$work/tmp
tools/build.sh dev real_cluster klutch-apiserver || exit 1

clients=("$KLUTCH_REAL_BIN/kubectl")
skipped=0
tools=()
if tests/real/clients/build.sh helm >"$work/built" 2>&1; then
  tools=(--helm "$(tail -n 1 "$work/built")/helm")
else
  printf '==> without Helm: %s\n' "$(tail -n 1 "$work/built")"
  skipped=$((skipped + 1))
fi
if old=$(tests/kubectl/debian_kubectl.sh); then
  clients+=("$old")
else
  printf '==> without kubectl 1.20: %s\n' "$old"
  skipped=$((skipped + 1))
fi

for server in real ours; do
  options=()
  [[ $server == real ]] && options=(--real)
  for client in "${clients[@]}"; do
    printf '==> %s with the %s server\n' "$client" "$server"
    tests/real/with_server.py "$server" tests/kubectl/run.py \
      --kubectl "$client" "${tools[@]}" "${options[@]}" 2>&1 | tee "$work/run"
    tail -n 1 "$work/run" >>"$work/counts"
  done
done
awk -v skipped="$skipped" '
  /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { passed += $1; failed += $3; skipped += $5; next }
  { failed++ }  # a run that did not come to its end
  END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 }' "$work/counts"
