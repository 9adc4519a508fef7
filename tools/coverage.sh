#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Line coverage of src/ by the unit tests: a summary here, a page per file in build/coverage/html.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

tools/build.sh coverage all
find build/coverage -name '*.gcda' -delete
ctest --test-dir build/coverage -j "${JOBS:-$(nproc)}" -L '^unit$' --output-on-failure
if ! command -v gcovr >/dev/null; then
  printf '==> coverage: gcovr is not installed; ./dev coverage installs it\n'
  exit 0
fi
mkdir -p build/coverage/html
gcovr --root . --object-directory build/coverage --filter src/ --exclude '.*_test\.cc' --exclude src/testing/ \
  --html-details build/coverage/html/index.html --print-summary
