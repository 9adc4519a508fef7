// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

// The one list of keys that log lines may carry, so that a dashboard finds an address under one name wherever
// it was logged. Logger refuses any other key at compile time. Keys are snake_case; add yours in order, with
// its meaning. Units stand in the value: durations are durations, sizes are bytes.

namespace klutch::obs {

struct KnownField {
  std::string_view key;
  std::string_view meaning;
};

inline constexpr std::array kKnownFields = {
    KnownField{"address", "network address of this side, host:port"},
    KnownField{"attempt", "which try this is, from 1"},
    KnownField{"audience", "who a token is meant for"},
    KnownField{"binding", "name of a service binding"},
    KnownField{"bytes", "size of what the line is about"},
    KnownField{"bytes_in", "bytes received"},
    KnownField{"bytes_out", "bytes sent"},
    KnownField{"check", "name of a health check"},
    KnownField{"client", "name of a client as it introduced itself"},
    KnownField{"cluster", "cluster identity"},
    KnownField{"command", "program and arguments, without secrets"},
    KnownField{"commit", "source revision of a build"},
    KnownField{"condition", "type of a status condition"},
    KnownField{"config", "which configuration"},
    KnownField{"connection", "number of a connection within this process"},
    KnownField{"consumer", "consumer cluster"},
    KnownField{"controller", "name of a controller"},
    KnownField{"count", "how many"},
    KnownField{"deadline", "time allowed"},
    KnownField{"delay", "time until the next try"},
    KnownField{"directory", "path of a directory"},
    KnownField{"duration", "how long it took"},
    KnownField{"engine", "kind of database or broker engine"},
    KnownField{"error", "an Error: its message"},
    KnownField{"error_code", "an Error: its code; added with `error`"},
    KnownField{"event", "type of a watch event"},
    KnownField{"exit", "how a program ended"},
    KnownField{"expected", "what should have been there"},
    KnownField{"expires", "when it stops being valid"},
    KnownField{"field", "path of a field in an object"},
    KnownField{"file", "path of a file"},
    KnownField{"finalizer", "name of a finalizer"},
    KnownField{"found", "what was there"},
    KnownField{"function", "composition function"},
    KnownField{"generation", "metadata.generation"},
    KnownField{"group", "API group"},
    KnownField{"host", "host name"},
    KnownField{"identity", "who takes part in leader election"},
    KnownField{"instance", "id of a service instance"},
    KnownField{"issuer", "OIDC issuer"},
    KnownField{"key", "namespace/name or other key of a work item"},
    KnownField{"key_id", "id of a public key"},
    KnownField{"kind", "API kind"},
    KnownField{"lease", "name of a lease"},
    KnownField{"limit", "the cap that was reached"},
    KnownField{"listener", "name of a listener"},
    KnownField{"lost", "how many were dropped"},
    KnownField{"method", "HTTP method"},
    KnownField{"module", "part of the program"},
    KnownField{"name", "name of an object"},
    KnownField{"namespace", "namespace of an object"},
    KnownField{"operation", "what was asked for"},
    KnownField{"owner", "who it belongs to"},
    KnownField{"path", "path of a URL, without query"},
    KnownField{"peer", "network address of the other side"},
    KnownField{"phase", "phase of a longer procedure"},
    KnownField{"pid", "process number"},
    KnownField{"plan", "service plan"},
    KnownField{"plugin", "credential plugin"},
    KnownField{"port", "port number"},
    KnownField{"program", "program that was started"},
    KnownField{"protocol", "protocol and version"},
    KnownField{"provider", "provider cluster"},
    KnownField{"queue", "name of a queue"},
    KnownField{"reason", "short reason in words"},
    KnownField{"reconcile_id", "id of one pass of a controller"},
    KnownField{"request_id", "id of one request"},
    KnownField{"resource", "API resource (plural)"},
    KnownField{"resource_version", "metadata.resourceVersion"},
    KnownField{"result", "how it came out"},
    KnownField{"retry_after", "how long the peer asks to wait"},
    KnownField{"revision", "revision of a store"},
    KnownField{"route", "pattern of the route that matched"},
    KnownField{"secret_name", "name of a Secret object, never content"},
    KnownField{"serial", "serial number of a certificate"},
    KnownField{"server", "URL of a server, without credentials"},
    KnownField{"service", "service offering"},
    KnownField{"session", "id of a session, never its token"},
    KnownField{"signal", "signal number or name"},
    KnownField{"size", "how many are in there"},
    KnownField{"span_id", "span id of the trace"},
    KnownField{"state", "state of a state machine"},
    KnownField{"status", "HTTP status"},
    KnownField{"subject", "subject of a token or certificate"},
    KnownField{"task", "name of a task"},
    KnownField{"tenant", "tenant identity"},
    KnownField{"timeout", "time limit"},
    KnownField{"trace_id", "trace id"},
    KnownField{"type", "kind of thing, where `kind` does not fit"},
    KnownField{"uid", "metadata.uid"},
    KnownField{"url", "URL, without credentials and query"},
    KnownField{"user", "name of the authenticated user"},
    KnownField{"user_agent", "User-Agent of the peer"},
    KnownField{"verb", "Kubernetes verb"},
    KnownField{"version", "version of a program or API"},
    KnownField{"workers", "how many work in parallel"},
};

/// Whether `key` is in the list.
consteval bool is_known_field(std::string_view key) {
  return std::any_of(kKnownFields.begin(), kKnownFields.end(), [key](const auto& f) { return f.key == key; });
}

namespace detail {
// Not constexpr on purpose: that a consteval function calls it is the compile error its name explains.
void this_key_is_not_in_obs_fields_h();
void a_log_text_must_be_printable_ascii();
}  // namespace detail

/// A constant text of the program, checked when it is compiled: the message of a log line, the name of a
/// logger.
class LogText {
 public:
  consteval LogText(const char* text) : text_(text) {  // NOLINT(google-explicit-constructor): literals only
    for (const char c : text_) {
      if (c < ' ' || c > '~') detail::a_log_text_must_be_printable_ascii();
    }
  }
  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

/// A key of the list above.
class FieldKey {
 public:
  consteval FieldKey(const char* key) : key_(key) {  // NOLINT(google-explicit-constructor): literals only
    if (!is_known_field(key_)) detail::this_key_is_not_in_obs_fields_h();
  }
  [[nodiscard]] constexpr std::string_view text() const noexcept { return key_; }

 private:
  std::string_view key_;
};

}  // namespace klutch::obs
