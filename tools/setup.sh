#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages the project needs, and nothing else.
#
#   tools/setup.sh [GROUP...]      groups are the lists in tools/packages/; default: run test
#
# Says which packages are missing and installs only those. Asks for nothing, removes nothing, starts no system-wide
# server for what it installs and leaves servers that already run alone. Does nothing when nothing is missing.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
lists=$here/packages
policy=/usr/sbin/policy-rc.d
policy_mark='# written by klutch tools/setup.sh for the time of one installation'

say() { printf '==> %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- as root: the installation itself -------------------------------------------------------------------------------

# Debian starts the servers of new packages at once, unless policy-rc.d forbids it. A file that is already there is the
# machine's own and stays as it is.
forbid_server_starts() {
  if [[ -e $policy ]] && ! grep -qF "$policy_mark" "$policy"; then return; fi
  trap 'rm -f "$policy"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
  chmod 755 "$policy"
}

# One line of progress per 20 packages, everything in the log.
shorten() {
  awk '
    /^Setting up / { done_count++; if (done_count % 20 == 0) printf "    %d packages set up\n", done_count; fflush() }
    /^Need to get / { print "    " $0; fflush() }
    /^[0-9]+ upgraded/ { print "    " $0; fflush() }'
}

install_as_root() {
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  forbid_server_starts
  say "apt-get update"
  apt-get -q update >"$log" 2>&1 || { cat "$log" >&2; die "apt-get update failed"; }
  say "apt-get install --no-install-recommends ($# named packages)"
  # --no-remove: a conflict stops the installation instead of removing what somebody else needs.
  if ! apt-get -q install -y --no-install-recommends --no-remove \
      -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null 2>&1 | tee "$log" | shorten; then
    tail -n 40 "$log" >&2
    die "apt-get install failed; the full output is in $log"
  fi
  rm -f "$log"
}

# --- as anybody: what is missing ------------------------------------------------------------------------------------

wanted() {
  local group
  for group in "$@"; do
    [[ -f $lists/$group.txt ]] || die "there is no package list '$group' (have: $(known_groups))"
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$lists/$group.txt"
  done | sort -u
}

known_groups() { (cd "$lists" && printf '%s ' *.txt | sed 's/\.txt//g'); }

installed() {
  # dpkg-query complains about unknown names on stderr and by its exit code; both only mean "not installed".
  { dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || true; } |
    sed -n 's/^[a-z]i *//p' | sort -u
}

refuse_old_boost() {
  local old
  old=$(installed libboost-dev libboost1.74-dev libboost1.74-all-dev | tr '\n' ' ')
  [[ -z $old ]] && return
  die "this machine has Boost 1.74 ($old), which Debian does not allow beside the 1.81 this project needs.
  Nothing was changed. To go on, remove it yourself and run this again:
    apt-get remove $old"
}

main() {
  local groups=("$@") missing=()
  ((${#groups[@]})) || groups=(run test)
  command -v dpkg-query >/dev/null || die "this set-up knows Debian packages only; see tools/packages/ for what is needed"

  mapfile -t packages < <(wanted "${groups[@]}")
  ((${#packages[@]})) || return 0
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}") <(installed "${packages[@]}"))
  if ((${#missing[@]} == 0)); then
    say "set-up: all ${#packages[@]} packages for '${groups[*]}' are installed"
    return 0
  fi
  say "set-up: ${#missing[@]} of ${#packages[@]} packages for '${groups[*]}' are missing:"
  printf '%s\n' "${missing[*]}" | fold -s -w 100 | sed 's/^/      /'
  if [[ " ${missing[*]} " == *" libboost1.81-dev "* ]]; then refuse_old_boost; fi

  if ((EUID == 0)); then
    install_as_root "${missing[@]}"
  elif ! command -v sudo >/dev/null; then
    die "installing them takes root rights and there is no sudo. As root, run:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  elif sudo -n true 2>/dev/null; then
    sudo -n "$BASH" "$here/setup.sh" --install "${missing[@]}"
  elif [[ -t 0 ]]; then
    say "installing them takes root rights; sudo may want your password"
    sudo "$BASH" "$here/setup.sh" --install "${missing[@]}"
  else
    die "installing them takes root rights and sudo wants a password. Run 'make setup' in a terminal, or as root:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "set-up: done"
}

if [[ ${1:-} == --install ]]; then
  shift
  install_as_root "$@"
else
  main "$@"
fi
