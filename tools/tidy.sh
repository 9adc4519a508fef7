#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy on what changed: the source files that differ from main (on main: from the commit before), committed or
# not, and those beside a changed header. Tests are left out: GoogleTest's macros are most of what it would look at.
#
#   tools/tidy.sh [FILE.cc...]      the named files; --all: every source file
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if ! command -v clang-tidy-19 >/dev/null || ! command -v clang++-19 >/dev/null; then
  printf '    skipped: clang-tidy-19 or clang-19 is not installed (tools/setup.sh check fuzz)\n'
  exit 0
fi

changed_sources() {
  local base file
  base=$(git merge-base HEAD main 2>/dev/null || true)
  if [[ -z $base || $base == "$(git rev-parse HEAD)" ]]; then base=$(git rev-parse -q --verify HEAD~ || true); fi
  [[ -n $base ]] || return 0
  {
    git diff --name-only --diff-filter=d "$base" -- '*.cc' '*.h'
    git ls-files --others --exclude-standard -- '*.cc' '*.h'
  } | while read -r file; do
    if [[ $file == *.h ]]; then file=${file%.h}.cc; fi
    if [[ -f $file && $file != third_party/* && $file != *_test.cc ]]; then printf '%s\n' "$file"; fi
  done | sort -u
}

if [[ ${1:-} == --all ]]; then
  mapfile -t files < <(git ls-files 'src/*.cc' 'cmd/*.cc' 'examples/*.cc' ':!*_test.cc')
elif (($#)); then
  files=("$@")
else
  mapfile -t files < <(changed_sources)
fi
if ((${#files[@]} == 0)); then
  printf '    no source file changed\n'
  exit 0
fi

# A build folder of its own that is only configured: clang's flags, no precompiled headers of another compiler.
cmake --preset tidy --log-level=WARNING >/dev/null
printf '    %d file(s)\n' "${#files[@]}"
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "${JOBS:-$(nproc)}" clang-tidy-19 --quiet -p build/tidy 2> >(grep -v 'warnings generated\|Suppressed\|Use -header-filter' >&2 || true)
