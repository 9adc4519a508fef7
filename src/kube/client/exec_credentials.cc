// SPDX-License-Identifier: Apache-2.0
#include "kube/client/exec_credentials.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "async/task_group.h"
#include "base/duration.h"
#include "base/os/command.h"
#include "base/os/environment.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "http/headers.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/client/client_certificate.h"
#include "kube/client/kubeconfig_fields.h"
#include "obs/log.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kMaxOutputBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxAuthoritiesBytes = std::size_t{1} << 20;
constexpr std::size_t kShownErrorBytes = 1000;
constexpr std::string_view kInfoVariable = "KUBERNETES_EXEC_INFO";
/// A credential is replaced so long before it expires, and then not tried more often than that.
constexpr Duration kEarly = std::chrono::seconds(30);
constexpr Duration kBetweenEarlyTries = std::chrono::seconds(10);
constexpr Duration kBetweenRenewals = std::chrono::seconds(10);

const obs::Logger& exec_log() {
  static const obs::Logger kLog("kube.client.exec");
  return kLog;
}

/// The end of what a plugin wrote to its standard error, on one line; nothing if it was silent.
std::string last_words(std::string_view before, std::string_view text) {
  text = trim(text);
  if (text.empty()) return {};
  if (text.size() > kShownErrorBytes) text.remove_prefix(text.size() - kShownErrorBytes);
  return std::string(before) + ": " + quote(text, kShownErrorBytes);
}

/// This program's environment with the variables of the plugin on top.
std::vector<std::string> plugin_environment(const ExecPlugin& plugin, const std::string& info) {
  auto variables = os::environment();
  const auto set = [&](std::string_view name, std::string_view value) {
    const auto prefix = std::string(name) + "=";
    std::erase_if(variables, [&](const std::string& variable) { return variable.starts_with(prefix); });
    variables.push_back(prefix + std::string(value));
  };
  for (const auto& [name, value] : plugin.env) set(name, value);
  set(kInfoVariable, info);
  return variables;
}

Result<ExecCredential> read_status(const json::Value& status, const std::string& label) {
  const auto wrong = [&](const std::string& what) {
    return fail(Code::kInvalid, label + " printed " + what);
  };
  ExecCredential credential;
  const auto token = trim(status.find_string("token").value_or(""));
  const auto certificate = text_field(status, "clientCertificateData");
  const auto key = status.find_string("clientKeyData").value_or("");
  if (!token.empty()) {
    if (!http::is_field_value(token)) return wrong("a token with characters that no token can have");
    std::string value = "Bearer " + std::string(token);
    credential.authorization = std::make_shared<const klutch::Secret>(klutch::Secret::take(value));
  }
  if (certificate.empty() != key.empty())
    return wrong("a client certificate without its key, or a key alone");
  if (!certificate.empty()) {
    auto made = make_client_certificate(
        label, {.certificate_chain = certificate, .private_key = klutch::Secret(key)});
    if (!made) return fail(made.error());
    credential.identity = std::move(made->identity);
    credential.expires = made->not_after;
  }
  if (token.empty() && certificate.empty()) return wrong("neither a token nor a client certificate");
  const auto expires = status.find_string("expirationTimestamp").value_or("");
  if (expires.empty()) return credential;
  const auto time = parse_rfc3339(expires);
  if (!time) return wrong("an expirationTimestamp that is no time: " + time.error().message());
  credential.expires = credential.expires ? std::min(*credential.expires, *time) : *time;
  return credential;
}

}  // namespace

Result<ExecCredential> parse_exec_credential(std::string_view text, std::string_view api_version,
                                             const std::string& label) {
  const auto wrong = [&](const std::string& what) {
    return fail(Code::kInvalid, label + " printed " + what);
  };
  if (trim(text).empty()) return wrong("nothing, where an ExecCredential should be");
  const auto parsed = json::parse(text, {.max_bytes = kMaxOutputBytes});
  if (!parsed) return wrong("no ExecCredential but something that is not JSON: " + parsed.error().message());
  const auto kind = parsed->find_string("kind").value_or("");
  if (kind != "ExecCredential") {
    return wrong("JSON of kind " + quote(kind) + " where an ExecCredential should be");
  }
  const auto version = parsed->find_string("apiVersion").value_or("");
  if (version != api_version) {
    return wrong("an ExecCredential of " + quote(version) + ", but the kubeconfig asks for " +
                 quote(api_version));
  }
  const auto* status = parsed->find_object("status");
  if (status == nullptr) return wrong("an ExecCredential without a status");
  return read_status(*status, label);
}

std::string exec_info(const ClientConfig& config, const std::string& authorities, bool interactive) {
  const auto& plugin = *config.credentials.exec;
  auto spec = json::object();
  if (plugin.provide_cluster_info) {
    auto cluster = json::object({{"server", config.server.to_string()}});
    set_or_remove(cluster, "tls-server-name", config.tls_server_name);
    set_or_remove(cluster, "insecure-skip-tls-verify", config.insecure_skip_tls_verify);
    set_or_remove(cluster, "certificate-authority-data", crypto::base64_encode(authorities));
    set_or_remove(cluster, "proxy-url", config.proxy_url);
    set_or_remove(cluster, "disable-compression", config.disable_compression);
    if (!config.exec_config.is_null()) cluster.set("config", config.exec_config);
    spec.set("cluster", std::move(cluster));
  }
  spec.set("interactive", interactive);
  return json::print(json::object(
      {{"kind", "ExecCredential"}, {"apiVersion", plugin.api_version}, {"spec", std::move(spec)}}));
}

/// One run of the plugin that several fibers wait for.
struct ExecCredentials::Flight {
  async::Event ended;
  Result<ExecCredentialPtr> outcome = fail(Code::kCancelled, "the run was given up");
};

Result<ExecCredentialPtr> ExecCredentials::get(Ctx& ctx) {
  if (current_ && !expires_within(kEarly)) return current_;
  const bool expired = !current_ || expires_within(Duration::zero());
  if (!expired) {
    // A plugin with a cache of its own may go on giving what it has: no need to ask at every request.
    if (tried_ && ctx.now() - tried_at_ < kBetweenEarlyTries) return current_;
    tried_ = true;
    tried_at_ = ctx.now();
  }
  auto next = run_shared(ctx);
  if (next || expired) return next;
  exec_log().warn("cannot renew a credential, the old one is used while it lasts", {{"error", next.error()}});
  return current_;
}

Result<> ExecCredentials::renew(Ctx& ctx) {
  if (renewed_ && ctx.now() - renewed_at_ < kBetweenRenewals) return {};
  renewed_ = true;
  renewed_at_ = ctx.now();
  TRY(run_shared(ctx));
  return {};
}

bool ExecCredentials::expires_within(Duration margin) const {
  return current_->expires && options_.clock->now() + margin >= *current_->expires;
}

Result<ExecCredentialPtr> ExecCredentials::run_shared(Ctx& ctx) {
  while (flight_) {
    const auto flight = flight_;
    TRY(flight->ended.wait(ctx));
    const bool given_up = !flight->outcome && (is(flight->outcome.error(), Code::kCancelled) ||
                                               is(flight->outcome.error(), Code::kTimeout));
    if (!given_up) return flight->outcome;
    TRY(ctx.check());
  }
  // Lands whatever happens, so that nobody waits for ever.
  struct Landing {
    ~Landing() {
      owner.flight_.reset();
      flight->ended.set();
    }
    ExecCredentials& owner;
    std::shared_ptr<Flight> flight;
  };
  flight_ = std::make_shared<Flight>();
  const Landing landing{*this, flight_};
  landing.flight->outcome = run(ctx);
  return landing.flight->outcome;
}

Result<ExecCredentialPtr> ExecCredentials::run(Ctx& ctx) {
  const auto& plugin = *config_.credentials.exec;
  const auto label = "the credential plugin " + quote(plugin.command) + " of " + config_.credentials.label;
  ++runs_;
  auto result = TRY(execute(ctx));
  auto credential = parse_exec_credential(result.out, plugin.api_version, label);
  wipe_string(result.out);
  if (!credential) {
    const auto& message = credential.error().message();
    return fail(Code::kUnauthenticated, message + last_words("; it says", result.err));
  }
  if (!trim(result.err).empty()) {
    exec_log().info("a credential plugin has something to say",
                    {{"plugin", plugin.command}, {"reason", trim(result.err)}});
  }
  current_ = std::make_shared<const ExecCredential>(*std::move(credential));
  tried_ = false;
  return current_;
}

/// Whether the plugin gets our standard input.
Result<bool> ExecCredentials::wants_terminal() const {
  using Interactive = ExecPlugin::Interactive;
  const auto mode = config_.credentials.exec->interactive;
  if (mode == Interactive::kNever) return false;
  const bool terminal = os::is_terminal(STDIN_FILENO);
  if (mode == Interactive::kAlways && !terminal) {
    return fail(Code::kUnauthenticated, "it needs to talk to a person, but standard input is no terminal");
  }
  return terminal;
}

Error ExecCredentials::explain(const Error& error) const {
  if (is(error, Code::kCancelled)) return error;
  const auto& plugin = *config_.credentials.exec;
  auto explained = error.with_context("cannot get credentials from the plugin " + quote(plugin.command) +
                                      " of " + config_.credentials.label);
  if (is(error, Code::kNotFound) && !plugin.install_hint.empty()) {
    explained =
        Error(Code::kUnauthenticated, explained.message() + "\n" + std::string(trim(plugin.install_hint)));
  }
  return explained.with_code(Code::kUnauthenticated);
}

/// What a successful run printed. A wait that ends early ends the plugin, too.
Result<os::RunResult> ExecCredentials::execute(Ctx& ctx) {
  const auto& plugin = *config_.credentials.exec;
  const auto terminal = wants_terminal();
  if (!terminal) return fail(explain(terminal.error()));
  os::Command command{.argv = {plugin.command},
                      .in = *terminal ? os::Redirect::inherit() : os::Redirect::null(),
                      .err = *terminal ? os::Redirect::inherit() : os::Redirect::pipe(),
                      .own_group = !*terminal};
  command.argv.insert(command.argv.end(), plugin.args.begin(), plugin.args.end());
  auto stop = TRY(os::make_pipe());
  const os::RunLimits limits{.time = *terminal ? options_.interactive_timeout : options_.exec_timeout,
                             .output_bytes = kMaxOutputBytes,
                             .stop_fd = stop.read_end.get()};
  Result<os::RunResult> result = fail(Code::kCancelled, "the run was given up");
  async::Event ended;
  const auto run = [&](Ctx& task) -> Result<> {
    result = task.blocking([&]() -> Result<os::RunResult> {
      auto authorities = config_.authorities;
      if (plugin.provide_cluster_info && !config_.authorities_file.empty()) {
        authorities = TRY(os::read_file(config_.authorities_file, kMaxAuthoritiesBytes));
      }
      command.env = plugin_environment(plugin, exec_info(config_, authorities, *terminal));
      return os::run_command(command, {}, limits);
    });
    ended.set();
    return {};
  };
  TRY(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    tasks.spawn("credential plugin", run);
    auto waited = ended.wait(ctx);
    stop.write_end.reset();
    return waited;
  }));
  if (!result) return fail(explain(result.error()));
  if (!result->status.success()) {
    return fail(explain(
        Error(Code::kUnauthenticated, "it " + result->status.describe() + last_words("", result->err))));
  }
  return result;
}

}  // namespace klutch::kube
