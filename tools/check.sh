#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a change must pass before it lands, quickest first. Every step runs even when an earlier one failed.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1

failed=()

# step NAME COMMAND... : runs the command and remembers the name when it fails.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '==> check: %s\n' "$name"
  if "$@"; then
    printf '    ok (%d s)\n' $((SECONDS - started))
  else
    failed+=("$name")
    printf '    FAILED\n'
  fi
}

scripts() {
  if ! command -v shellcheck >/dev/null; then
    printf '    skipped: shellcheck is not installed (tools/setup.sh check)\n'
    return 0
  fi
  git ls-files -z --cached --others --exclude-standard dev .ci/run tools/fresh-machine '*.sh' | xargs -0 shellcheck
}

headers() { tools/build.sh dev all_verify_interface_header_sets; }

units() {
  tools/build.sh dev all && ctest --test-dir build/dev -j "${JOBS:-$(nproc)}" -L '^(unit|lint)$' --output-on-failure
}

step "format" tools/format.sh --check
step "include layers" python3 tools/lint/check_layers.py
step "sizes" python3 tools/lint/check_sizes.py
step "banned words and names" python3 tools/lint/check_words.py
step "lints can fail" python3 tools/lint/lint_test.py
step "shell scripts" scripts
step "each header compiles on its own" headers
step "clang-tidy on changed files" tools/tidy.sh
step "unit tests" units

if ((${#failed[@]})); then
  printf '\ncheck: FAILED: %s\n' "$(printf '%s; ' "${failed[@]}")"
  exit 1
fi
printf '\ncheck: ok\n'
