#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formats every C++ file of the tree, or only looks: tools/format.sh [--check]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! command -v clang-format-19 >/dev/null; then
  printf '    skipped: clang-format-19 is not installed (tools/setup.sh check)\n'
  exit 0
fi
mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard '*.h' '*.cc' ':!third_party')
((${#files[@]})) || exit 0
if [[ ${1:-} == --check ]]; then
  clang-format-19 --dry-run --Werror "${files[@]}"
else
  clang-format-19 -i "${files[@]}"
fi
