#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Our HTTP server beside nginx: a fixed answer of 1 KiB over TLS keep-alive, one worker each, same certificate, same
# client. Prints medians of ROUNDS alternating rounds: requests per second, CPU seconds per 10,000 requests, and
# resident bytes per idle TLS connection, each with the ratio ours/nginx.
#
#   bench/http/run.sh BUILD_DIR
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
build=${1:-build/bench}
rounds=${ROUNDS:-5}
seconds=${SECONDS_PER_ROUND:-4}
idle=${IDLE_CONNECTIONS:-1000}
server_cpu=0
client_cpu=$(($(nproc) > 1 ? 1 : 0))

for tool in wrk nginx openssl taskset python3; do
  command -v "$tool" >/dev/null || { printf 'skipped: %s is not installed\n' "$tool"; exit 0; }
done

work=$(mktemp -d)
pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
ulimit -n 8192

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
our_port=$(free_port)
nginx_port=$(free_port)

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

cat >"$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_timeout 120s;
  keepalive_requests 1000000000;
  default_type text/plain;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
  server {
    listen 127.0.0.1:$nginx_port ssl;
    ssl_certificate $work/cert.pem;
    ssl_certificate_key $work/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "$(head -c 1024 /dev/zero | tr '\0' x)"; }
  }
}
CONF

taskset -c "$server_cpu" "$build/bench_http_server" "$our_port" "$work/cert.pem" "$work/key.pem" 2>"$work/ours.log" &
our_pid=$!
pids+=("$our_pid")
taskset -c "$server_cpu" nginx -p "$work" -e "$work/error.log" -c "$work/nginx.conf" &
pids+=("$!")
master=$!
for port in "$our_port" "$nginx_port"; do
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.05
  done
done
nginx_pid=$(pgrep -P "$master")

ticks=$(getconf CLK_TCK)
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# measure NAME PORT PID: appends "requests_per_second cpu_seconds_per_10000" to $work/NAME.
measure() {
  local before after out
  before=$(cpu_ticks "$3")
  out=$(taskset -c "$client_cpu" wrk -t1 -c32 -d"${seconds}s" "https://127.0.0.1:$2/")
  after=$(cpu_ticks "$3")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s gave errors:\n%s\n' "$1" "$out" >&2
    exit 1
  fi
  awk -v ticks=$((after - before)) -v hz="$ticks" '
    /requests in/ { requests = $1 }
    /Requests\/sec/ { rate = $2 }
    END { printf "%.1f %.5f\n", rate, ticks / hz / requests * 10000 }' <<<"$out" >>"$work/$1"
}

for _ in $(seq "$rounds"); do
  measure ours "$our_port" "$our_pid"
  measure nginx "$nginx_port" "$nginx_pid"
done
our_bytes=$(python3 "$here/idle_connections.py" "$our_port" "$idle" "$our_pid")
nginx_bytes=$(python3 "$here/idle_connections.py" "$nginx_port" "$idle" "$nginx_pid")

# spread NAME COLUMN: "median min max"
spread() { sort -n -k"$2" "$work/$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)], v[1], v[NR] }'; }
# line LABEL COLUMN
line() {
  awk -v label="$1" -v ours="$(spread ours "$2")" -v nginx="$(spread nginx "$2")" 'BEGIN {
    split(ours, o, " "); split(nginx, n, " ")
    printf "%-34s ours %10s (%s..%s)   nginx %10s (%s..%s)   ratio %.2f\n", label, o[1], o[2], o[3], n[1], n[2], n[3], o[1] / n[1]
  }'
}
printf '%s, %s rounds of %s s, 32 connections; medians (least..most)\n' "$(nginx -v 2>&1)" "$rounds" "$seconds"
line "requests per second" 1
line "CPU seconds per 10,000 requests" 2
awk -v o="$our_bytes" -v n="$nginx_bytes" -v c="$idle" 'BEGIN {
  printf "%-34s ours %10d   nginx %10d   ratio %.2f   (%d connections)\n", "resident bytes per idle connection", o, n, o / n, c }'
