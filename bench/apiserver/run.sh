#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# See run.py.
exec python3 "$(dirname -- "${BASH_SOURCE[0]}")/run.py" --build "${1:-build/bench}"
