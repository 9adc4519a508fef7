#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every suite that works on a Kubernetes API (klutch_test(... KUBE)) against a real kube-apiserver.
# What a stage is: tools/test/run_real.py.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests/real/build.sh etcd kube-apiserver kube-controller-manager 2>&1 | tee "$work/built"
built=${PIPESTATUS[0]}
((built == 0)) || exit "$built"
KLUTCH_REAL_BIN=$(tail -n 1 "$work/built")

# A suite that is killed cannot remove its etcd; the end of this script does.
mkdir "$work/tmp"
export KLUTCH_REAL_BIN TMPDIR=$work/tmp
python3 tools/test/run.py kube
