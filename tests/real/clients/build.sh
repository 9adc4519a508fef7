#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the clients of others from their Go modules (go.mod names the versions): client-go, a program of checks, and Helm.
#
#   tests/real/clients/build.sh [PROGRAM...]      client-go helm; default: both
#
# They end up in .state/real/clients/ (KLUTCH_STATE=folder in place of .state), and the last line of output names that
# folder. What is there and was made from the same sources is left alone. Exit code 77 and a reason when this machine
# cannot build them.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export LC_ALL=C CGO_ENABLED=0 PATH=$PATH:/usr/local/go/bin

cannot() { printf '%s\n' "$*"; exit 77; }

programs=("$@")
((${#programs[@]})) || programs=(client-go helm)
state=${KLUTCH_STATE:-$(readlink -f ../../..)/.state}
folder=$(realpath -m -- "$state/real/clients")
sources=$(cat go.mod go.sum build.sh cmd/client-go/*.go | sha256sum | cut -c 1-16)

command -v go >/dev/null || cannot "there is no go on this machine; building client-go and Helm takes Go 1.24 or later"
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
for program in "${programs[@]}"; do
  case $program in
    client-go) package=./cmd/client-go ;;
    helm) package=helm.sh/helm/v3/cmd/helm ;;
    *) printf 'build.sh: there is no program %q\n' "$program" >&2; exit 2 ;;
  esac
  [[ -x $folder/$program && $(cat "$folder/$program.sources" 2>/dev/null) == "$sources" ]] && continue
  printf '==> real clients: building %s with %s\n' "$program" "$(go env GOVERSION)"
  if ! go build -p "${JOBS:-$(nproc)}" -trimpath -buildvcs=false -ldflags '-s -w' -o "$folder/$program.new" "$package" \
      >"$folder/$program.log" 2>&1; then
    tail -n 20 "$folder/$program.log"
    if grep -qE 'dial tcp|i/o timeout|no such host|TLS handshake|proxyconnect|connection re|50[0-9] |requires go >=' \
        "$folder/$program.log"; then
      cannot "the Go modules of $program cannot be had: $(tail -n 1 "$folder/$program.log")"
    fi
    exit 1
  fi
  mv -f "$folder/$program.new" "$folder/$program"
  printf '%s\n' "$sources" >"$folder/$program.sources"
done
printf '%s\n' "$folder"
