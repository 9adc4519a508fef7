#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the benchmarks of the `bench` build: the micro benchmarks, then each comparison with a peer (bench/*/run.sh).
# Figures are for comparing within one run: absolute times of a shared machine mean little.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
shopt -s nullglob

printf '==> machine: %s, %s cores, kernel %s, load %s, commit %s\n' \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
  "$(cut -d ' ' -f 1 /proc/loadavg)" "$(git rev-parse --short HEAD)"

ran=0
for program in build/bench/bench/*; do
  [[ -f $program && -x $program ]] || continue
  printf '\n==> %s\n' "$(basename "$program")"
  "$program" --benchmark_min_time=0.5 --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
  ran=$((ran + 1))
done
for script in bench/*/run.sh; do
  printf '\n==> %s\n' "$script"
  bash "$script" build/bench
  ran=$((ran + 1))
done
((ran)) || printf '==> no benchmark is declared yet\n'
