#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reference pages from the public headers, into build/docs/html.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! command -v doxygen >/dev/null; then
  printf '==> docs: doxygen is not installed; ./dev docs installs it\n'
  exit 0
fi
mkdir -p build/docs
# Public is what a CMakeLists.txt names under HEADERS; the layer check knows how to read that.
headers=$(PYTHONPATH=tools/lint python3 -c 'import check_layers; print(*sorted(check_layers.public_headers(".")))')
{
  cat docs/Doxyfile
  printf 'INPUT += %s\n' "$headers"
} | doxygen -
printf '==> docs: build/docs/html/index.html\n'
