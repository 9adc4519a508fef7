#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows what exists by running it. Builds nothing: `make demo` has done that.
#
#   tools/demo.sh            for people: each step with what it prints
#   tools/demo.sh --check    for tests: the same steps, their answers compared with what they must be; the last line
#                            counts them
#
# Everything it writes is in .state/demo. It may be repeated at any time.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

build=${KLUTCH_BUILD:-build/release}
state=.state/demo
checking=false
[[ ${1:-} == --check ]] && checking=true
passed=0 failed=0 skipped=0
kubectl=''
server_pid='' server_exit=''

# Asks the server to stop; one that has not done so after 20 s is killed. Its exit code is in server_exit.
stop_server() {
  [[ -n $server_pid ]] || return 0
  kill -TERM "$server_pid" 2>/dev/null || true
  for _ in {1..200}; do
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$server_pid" 2>/dev/null || true
  server_exit=0
  wait "$server_pid" 2>/dev/null || server_exit=$?
  server_pid=''
}
clusters=''
stop_clusters() {
  [[ -n $clusters ]] || return 0
  "$(find_program klutch)" down --state "$clusters" >/dev/null 2>&1 || true
  clusters=''
}
trap 'stop_server; stop_clusters' EXIT

title() { printf '\n==> %s\n' "$*"; }
show() { printf '  $ %s\n' "$*"; }
indent() { sed 's/^/    /'; }

# expect WHAT TEXT WANTED : prints the text; in check mode also counts whether it contains WANTED.
expect() {
  local what=$1 text=$2 wanted=$3
  printf '%s\n' "$text" | indent
  if [[ $text == *"$wanted"* ]]; then
    passed=$((passed + 1))
  else
    fail "$what: expected to see \"$wanted\""
  fi
}

skip() {
  skipped=$((skipped + 1))
  printf '  -- skipped: %s\n' "$*"
}

fail() {
  failed=$((failed + 1))
  printf '  !! %s\n' "$*"
}

# find_program NAME : its path in the build folder, or nothing.
find_program() { find "$build" -type f -name "$1" -perm -u+x 2>/dev/null | head -n 1; }

step_errors() {
  local program
  title "base: one Result, one Error, one table from codes to HTTP status and exit code"
  program=$(find_program base_errors)
  [[ -n $program ]] || { fail "examples/base_errors is not built in $build"; return; }
  show "base_errors port=8443"
  expect "a good setting" "$("$program" port=8443 2>&1)" "port 8443"
  show "base_errors port=0"
  expect "a bad setting" "$("$program" port=0 2>&1 || printf 'exit code %d\n' $?)" "Invalid"
}

step_greeter() {
  local program url
  title "http: a TLS server on our own libraries, with certificates it makes itself"
  program=$(find_program http_greeter)
  [[ -n $program ]] || { fail "examples/http_greeter is not built in $build"; return; }
  command -v curl >/dev/null || { skip "curl is not installed"; return; }
  rm -rf "$state/greeter"
  show "http_greeter --state $state/greeter &"
  "$program" --state "$state/greeter" 2>"$state/greeter.log" &
  server_pid=$!
  for _ in {1..100}; do
    [[ -s $state/greeter/url ]] && break
    sleep 0.1
  done
  url=$(cat "$state/greeter/url" 2>/dev/null) || { fail "the server did not start"; indent <"$state/greeter.log"; return; }

  ask "verified TLS" "Hello, you!" "$url/?name=you"
  ask "YAML to JSON" '"replicas": 3' "$url/convert" -H 'Content-Type: application/yaml' \
    --data-binary $'kind: Example\nspec: {replicas: 3}\n'
  ask "JSON to YAML" '- 0.5' "$url/convert" -H 'Content-Type: application/json' -d '{"kind":"Example","list":[0.5,"yes"]}'
  ask "JSON Patch, RFC 6902" '{"a":1,"b":2}' "$url/patch" -H 'Content-Type: application/json' \
    -d '{"document":{"a":1},"patch":[{"op":"add","path":"/b","value":2}]}'
  ask "a mistake is named" 'line 1' "$url/patch" -d '{"document":'
  ask "no token, no name" 'Authorization: Bearer' "$url/whoami"
  printf 'Authorization: Bearer %s' "$(cat "$state/greeter/token")" >"$state/greeter/header"
  ask "a signed token" '"subject":"alice"' "$url/whoami" -H "@$state/greeter/header"
  ask "health" '[+]ping ok' "$url/readyz?verbose"
  ask "metrics" 'klutch_http_server_requests_total{' "$url/metrics"
  show "curl $url/ # without the authority's certificate"
  expect "an unknown authority is refused" "$(curl -sS "$url/" 2>&1 | head -n 1)" "SSL certificate problem"

  show "kill -TERM the server; its log:"
  stop_server
  expect "graceful stop" "$(cut -c 1-150 "$state/greeter.log" | tail -n 4)" "stopped"
  expect "exit code after the stop" "exit code $server_exit" "exit code 0"
}

# mistake WHAT WANTED WORD... : runs kube_get with the words; it must fail with one line that says WANTED.
mistake() {
  local what=$1 wanted=$2 answer status=0
  shift 2
  show "kube_get $*"
  answer=$("$kube_get" "$@" 2>&1) || status=$?
  expect "$what" "$answer" "$wanted"
  expect "$what: its exit code" "exit code $status" "exit code 1"
}

step_kube() {
  local kubeconfig=$state/kubeconfig
  title "kube: kubeconfigs as kubectl reads them; what is wrong is told in one line"
  kube_get=$(find_program kube_get)
  [[ -n $kube_get ]] || { fail "examples/kube_get is not built in $build"; return; }
  cat >"$kubeconfig" <<'YAML'
apiVersion: v1
kind: Config
current-context: provider
contexts: [{name: provider, context: {cluster: provider, user: admin}}]
clusters: [{name: provider, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: admin, user: {token: not-shown-to-anybody}}]
YAML
  chmod 600 "$kubeconfig"
  mistake "an unknown context" "provider" --kubeconfig "$kubeconfig" --context consumer pods
  mistake "a server that is not there" "127.0.0.1:1" --kubeconfig "$kubeconfig" pods
}

# kube WHAT WANTED WORD... : runs kubectl with the words against the provider cluster.
kube() {
  local what=$1 wanted=$2 answer
  shift 2
  show "kubectl $*"
  answer=$("$kubectl" --kubeconfig "$KLUTCH_PROVIDER_KUBECONFIG" --cache-dir "$state/kubectl-cache" "$@" 2>&1) || true
  expect "$what" "$answer" "$wanted"
}

step_clusters() {
  local klutch folder=$state/clusters
  title "klutch: a provider and a consumer cluster on this machine, and an API of one's own in one of them"
  klutch=$(find_program klutch)
  [[ -n $klutch ]] || { fail "the program klutch is not built in $build"; return; }
  # Any kubectl does; without one, Debian's is fetched into .state.
  kubectl=$(command -v kubectl || tests/kubectl/debian_kubectl.sh) || { skip "${kubectl:-there is no kubectl}"; return; }
  "$klutch" reset --yes --state "$folder" >/dev/null
  show "klutch up --detach --state $folder"
  clusters=$folder
  expect "both clusters" "$("$klutch" up --detach --state "$folder" 2>&1 | head -n 2)" "consumer cluster is ready"
  show "eval \"\$(klutch env --state $folder)\"; export KUBECONFIG=\$KLUTCH_PROVIDER_KUBECONFIG"
  eval "$("$klutch" env --state "$folder")"

  cat >"$state/fountains.yaml" <<'YAML'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: fountains.demo.klutch.io}
spec:
  group: demo.klutch.io
  scope: Namespaced
  names: {plural: fountains, kind: Fountain, shortNames: [ft]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Height, type: integer, jsonPath: .spec.height}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [height]
            properties:
              height: {type: integer, minimum: 1, description: How high the water goes in metres.}
              lit: {type: boolean, default: true}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
YAML
  cat >"$state/geneva.yaml" <<'YAML'
apiVersion: demo.klutch.io/v1
kind: Fountain
metadata: {name: geneva}
spec: {height: 140}
YAML
  kube "a definition" "created" apply -f "$state/fountains.yaml"
  kube "wait" "condition met" wait --for=condition=Established crd/fountains.demo.klutch.io
  kube "an object" "created" apply -f "$state/geneva.yaml"
  kube "a table with its columns" "140" get fountains
  kube "explain" "metres" explain fountain.spec.height
  kube "a mistake is named" "should be greater than or equal to 1" patch fountain geneva --type=merge \
    -p '{"spec":{"height":0}}'
  kube "who am I, and what may I do" "yes" auth can-i create fountains
  kube "delete" "deleted" delete fountain geneva
  show "klutch status --state $folder"
  expect "status" "$("$klutch" status --state "$folder" 2>&1)" "ready"
  show "klutch down --state $folder"
  expect "everything is stopped" "$("$klutch" down --state "$folder" 2>&1; "$klutch" status --state "$folder" 2>&1)" "stopped"
}

# ask WHAT WANTED URL CURL_WORD... : one request to the greeter. A long answer is cut down to the line that matters.
ask() {
  local what=$1 wanted=$2 url=$3 answer sent='' word
  shift 3
  for word in "$@"; do
    if [[ $word == *["{:"]* && $word != *": "*/* ]]; then sent=" --data ${word@Q}"; fi
  done
  show "curl --cacert ca.pem '$url'$sent    # $what"
  answer=$(curl -sS --max-time 10 --cacert "$state/greeter/ca.pem" "$@" "$url" 2>&1) || true
  if (($(wc -l <<<"$answer") > 8)); then answer=$(grep -F -m 1 -- "$wanted" <<<"$answer" || head -n 8 <<<"$answer"); fi
  expect "$what" "$answer" "$wanted"
}

mkdir -p "$state"
printf 'Klutch %s, commit %s\n' "$(sed -n 's/^project(klutch VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)" \
  "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)"

title "The libraries of this checkout (each has a README in src/)"
for readme in src/*/README.md src/*/*/README.md; do
  library=$(dirname "${readme#src/}")
  # The first sentence of the second paragraph says what the library is for.
  printf '%s: %s\n' "$library" \
    "$(sed -n '3,/^$/p' "$readme" | tr '\n' ' ' | sed -E 's/\.( .*|$)/./; s/`//g')" |
    fold -s -w 100 | sed '1s/^/  /; 2,$s/^/      /'
done

step_errors
step_greeter
stop_server
step_kube
step_clusters

title "What exists, and what comes next"
cat <<'TEXT' | indent
Here today: the ground floor, the Kubernetes client and controller runtime, klutch-apiserver, and klutch, which runs two of
them. Composer, provider, broker, backend, konnector and kubectl plugin are planned; README.md says in which order.

To go on yourself:  klutch up --detach  (klutch --help says more)
TEXT

if $checking; then printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"; fi
((failed == 0))
