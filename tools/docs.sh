#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reference pages from the public headers, into build/docs/html. An undocumented public declaration is an error.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! command -v doxygen >/dev/null; then
  printf '==> docs: doxygen is not installed; ./dev docs installs it\n'
  exit 0
fi
mkdir -p build/docs
doxygen docs/Doxyfile
printf '==> docs: build/docs/html/index.html\n'
