#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the real servers from their Go modules (go.mod names the versions), each once.
#
#   tests/real/build.sh [PROGRAM...]      etcd kube-apiserver kube-controller-manager kubectl; default: all but kubectl
#
# They end up in .state/real/kubernetes-VERSION/ (KLUTCH_STATE=folder in place of .state), and the last line of output
# names that folder. What is there and was made from the same sources is left alone; two runs at once wait for each
# other. Exit code 77 says that this machine cannot build them, and the last line says why.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export LC_ALL=C

cannot() { printf '%s\n' "$*"; exit 77; }
say() { printf '==> real servers: %s\n' "$*"; }

programs=("$@")
((${#programs[@]})) || programs=(etcd kube-apiserver kube-controller-manager)
for program in "${programs[@]}"; do
  [[ -f cmd/$program/main.go ]] || { printf 'build.sh: there is no program %q\n' "$program" >&2; exit 2; }
done

version=$(sed -n 's/^\tk8s\.io\/kubernetes v//p' go.mod)
state=${KLUTCH_STATE:-$(readlink -f ../..)/.state}
folder=$(realpath -m -- "$state/real/kubernetes-$version")
sources=$(cat go.mod go.sum build.sh cmd/*/main.go | sha256sum | cut -c 1-16)

present() { [[ -x $folder/$1 && $(cat "$folder/$1.sources" 2>/dev/null) == "$sources" ]]; }
missing() { for program in "${programs[@]}"; do present "$program" || printf '%s\n' "$program"; done; }

if [[ -z $(missing) ]]; then
  printf '%s\n' "$folder"
  exit 0
fi

# --- a Go that is new enough ---------------------------------------------------------------------------------------

wanted_go=$(sed -n 's/^go //p' go.mod)
PATH=$PATH:/usr/local/go/bin  # where Go's own packages go
command -v go >/dev/null || cannot "there is no go on this machine; building the real servers takes Go $wanted_go or later"
# Newer ones fetch the toolchain that go.mod asks for, unless GOTOOLCHAIN forbids it; then this already fails.
have_go=$(go env GOVERSION 2>&1) || cannot "this go is too old for the real servers, which take Go $wanted_go: ${have_go##*$'\n'}"
have_go=${have_go#go}
if [[ $(printf '%s\n' "$wanted_go" "${have_go%%[- ]*}" | sort -V | head -n 1) != "$wanted_go" ]]; then
  cannot "this go is $have_go; building the real servers takes Go $wanted_go or later"
fi

# --- one builder at a time -----------------------------------------------------------------------------------------

mkdir -p "$folder"
exec 9>"$folder/.lock"
if ! flock -n 9; then
  say "another run is building them; waiting for it"
  flock 9
fi
mapfile -t todo < <(missing)
if ((${#todo[@]} == 0)); then
  printf '%s\n' "$folder"
  exit 0
fi

work=$(mktemp -d "$folder/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export CGO_ENABLED=0
started=$SECONDS
paths=("${todo[@]/#/./cmd/}")
say "building ${todo[*]} of Kubernetes $version with Go $have_go (once, several minutes)"
if ! go list -deps "${paths[@]}" >"$work/packages" 2>"$work/log"; then
  tail -n 20 "$work/log"
  # A sum that does not fit, or a module that is missing in go.mod, is no lack of network.
  if grep -qE 'dial tcp|i/o timeout|no such host|TLS handshake|proxyconnect|connection re|50[0-9] ' "$work/log"; then
    cannot "the Go modules of the real servers cannot be downloaded: $(tail -n 1 "$work/log")"
  fi
  exit 1
fi
all=$(wc -l <"$work/packages")

minor=${version#*.}
flags='-s -w'
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*} -X $package.gitMinor=${minor%%.*}"
  flags+=" -X $package.gitTreeState=clean"
done

# With -v the compiler names each package it is done with. What it says besides is an error.
mkdir "$work/bin"
if ! go build -v -p "${JOBS:-$(nproc)}" -trimpath -buildvcs=false -ldflags "$flags" -o "$work/bin/" "${paths[@]}" 2>&1 |
    awk -v all="$all" -v packages="$work/packages" -v log_file="$work/log" '
      BEGIN { while ((getline name < packages) > 0) known[name] = 1 }
      $0 in known { if (++compiled % 100 == 0) { printf "    %d of at most %d packages\n", compiled, all; fflush() }; next }
      { print > log_file }'; then
  tail -n 40 "$work/log"
  exit 1
fi
for program in "${todo[@]}"; do
  bytes=$(stat -c %s "$work/bin/$program")
  mv -f "$work/bin/$program" "$folder/$program"
  printf '%s\n' "$sources" >"$folder/$program.sources"
  say "$program: $((bytes / 1000000)) MB"
done
say "done in $((SECONDS - started)) s"
printf '%s\n' "$folder"
