#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures a preset when needed and builds targets of it.
#
#   tools/build.sh PRESET TARGET... [-- CMAKE_ARGUMENT...]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

preset=$1
shift
targets=()
while (($#)) && [[ $1 != -- ]]; do
  targets+=("$1")
  shift
done
if (($#)); then shift; fi

started=$SECONDS
printf '==> build %s: %s\n' "$preset" "${targets[*]}"
cmake --preset "$preset" "$@" --log-level=WARNING >/dev/null
NINJA_STATUS='    [%f/%t %es] ' cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" --target "${targets[@]}"
printf '==> build %s: done in %d s\n' "$preset" $((SECONDS - started))
