// SPDX-License-Identifier: Apache-2.0
#include "kube/client/kubeconfig.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "base/os/paths.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/yaml.h"
#include "kube/client/kubeconfig_fields.h"

namespace klutch::kube {
namespace {

using Form = FieldForm;

constexpr std::size_t kNamesShown = 10;
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

constexpr std::array kClusterFields = {
    FieldRule{"server", Form::kText},
    FieldRule{"tls-server-name", Form::kText},
    FieldRule{"insecure-skip-tls-verify", Form::kFlag},
    FieldRule{"certificate-authority", Form::kText},
    FieldRule{"certificate-authority-data", Form::kText},
    FieldRule{"proxy-url", Form::kText},
    FieldRule{"disable-compression", Form::kFlag},
    FieldRule{"extensions", Form::kObjects},
};
constexpr std::array kUserFields = {
    FieldRule{"client-certificate", Form::kText},
    FieldRule{"client-certificate-data", Form::kText},
    FieldRule{"client-key", Form::kText},
    FieldRule{"client-key-data", Form::kText},
    FieldRule{"token", Form::kText},
    FieldRule{"tokenFile", Form::kText},
    FieldRule{"username", Form::kText},
    FieldRule{"password", Form::kText},
    FieldRule{"as", Form::kText},
    FieldRule{"as-uid", Form::kText},
    FieldRule{"as-groups", Form::kTexts},
    FieldRule{"as-user-extra", Form::kTextLists},
    FieldRule{"exec", Form::kObject},
    FieldRule{"auth-provider", Form::kObject},
};
constexpr std::array kContextFields = {
    FieldRule{"cluster", Form::kText},
    FieldRule{"user", Form::kText},
    FieldRule{"namespace", Form::kText},
};
constexpr std::array kExecFields = {
    FieldRule{"apiVersion", Form::kText},      FieldRule{"command", Form::kText},
    FieldRule{"args", Form::kTexts},           FieldRule{"env", Form::kObjects},
    FieldRule{"installHint", Form::kText},     FieldRule{"provideClusterInfo", Form::kFlag},
    FieldRule{"interactiveMode", Form::kText},
};
constexpr std::array kEnvFields = {FieldRule{"name", Form::kText}, FieldRule{"value", Form::kText}};
constexpr std::array kRootFields = {
    FieldRule{"kind", Form::kText},        FieldRule{"apiVersion", Form::kText},
    FieldRule{"clusters", Form::kObjects}, FieldRule{"users", Form::kObjects},
    FieldRule{"contexts", Form::kObjects}, FieldRule{"current-context", Form::kText},
};

constexpr std::string_view kNoFile = "the kubeconfig";

std::string list_names(const std::vector<std::string>& names) {
  if (names.empty()) return "there are none";
  std::string text = "there ";
  text += names.size() == 1 ? "is only " : "are ";
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) {
    if (i > 0) text += ", ";
    text += quote(names[i]);
  }
  if (names.size() > kNamesShown) text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

/// Paths are relative to the folder of the file they stand in.
std::string resolve_path(const std::string& file, const std::string& path) {
  const auto folder = os::parent_path(file);
  if (path.empty() || file.empty() || folder == ".") return path;
  return os::join_path(folder, path.starts_with("./") ? path.substr(2) : path);
}

Result<> check_exec(const json::Value& user, const std::string& where) {
  const auto* exec = user.find_object("exec");
  if (exec == nullptr) return {};
  TRY(check_fields(*exec, kExecFields, where + ": exec"));
  const auto* env = exec->find_array("env");
  if (env == nullptr) return {};
  for (const auto& variable : env->elements()) TRY(check_fields(variable, kEnvFields, where + ": exec.env"));
  return {};
}

Result<ExecPlugin::Interactive> interactive_mode(const json::Value& exec, const std::string& api_version,
                                                 const std::string& label) {
  const auto mode = text_field(exec, "interactiveMode");
  if (mode == "Never") return ExecPlugin::Interactive::kNever;
  if (mode == "IfAvailable") return ExecPlugin::Interactive::kIfAvailable;
  if (mode == "Always") return ExecPlugin::Interactive::kAlways;
  if (!mode.empty()) {
    return fail(Code::kInvalid,
                label + ": exec.interactiveMode must be Never, IfAvailable or Always, not " + quote(mode));
  }
  if (api_version.ends_with("/v1beta1")) return ExecPlugin::Interactive::kIfAvailable;
  return fail(Code::kInvalid, label + ": exec.interactiveMode is missing: Never, IfAvailable or Always");
}

Result<ExecPlugin> parse_exec(const json::Value& exec, const std::string& file, const std::string& label) {
  ExecPlugin plugin{
      .api_version = text_field(exec, "apiVersion"),
      .command = text_field(exec, "command"),
      .args = texts_field(exec, "args"),
      .install_hint = text_field(exec, "installHint"),
      .provide_cluster_info = flag_field(exec, "provideClusterInfo"),
  };
  if (plugin.command.empty()) return fail(Code::kInvalid, label + ": exec.command is missing");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return fail(Code::kInvalid,
                label + ": exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1, not " +
                    quote(plugin.api_version));
  }
  // A name without a slash is looked up in PATH.
  if (plugin.command.find('/') != std::string::npos) plugin.command = resolve_path(file, plugin.command);
  plugin.interactive = TRY(interactive_mode(exec, plugin.api_version, label));
  const auto* env = exec.find_array("env");
  if (env == nullptr) return plugin;
  for (const auto& variable : env->elements()) {
    auto name = text_field(variable, "name");
    if (name.empty() || name.find('=') != std::string::npos) {
      return fail(Code::kInvalid, label + ": exec.env has a variable with the name " + quote(name));
    }
    plugin.env.emplace_back(std::move(name), text_field(variable, "value"));
  }
  return plugin;
}

json::Value print_exec(const ExecPlugin& plugin, json::Value exec) {
  using Interactive = ExecPlugin::Interactive;
  const auto mode = plugin.interactive == Interactive::kNever    ? "Never"
                    : plugin.interactive == Interactive::kAlways ? "Always"
                                                                 : "IfAvailable";
  auto args = json::Value::empty_array();
  for (const auto& argument : plugin.args) args.push_back(argument);
  auto env = json::Value::empty_array();
  for (const auto& [name, value] : plugin.env) {
    env.push_back(json::object({{"name", name}, {"value", value}}));
  }
  set_or_remove(exec, "apiVersion", plugin.api_version);
  set_or_remove(exec, "command", plugin.command);
  set_or_remove(exec, "args", std::move(args));
  set_or_remove(exec, "env", std::move(env));
  set_or_remove(exec, "installHint", plugin.install_hint);
  exec.set("provideClusterInfo", plugin.provide_cluster_info);
  exec.set("interactiveMode", mode);
  return exec;
}

json::Value exec_config(const json::Value& cluster) {
  const auto* extensions = cluster.find_array("extensions");
  if (extensions == nullptr) return {};
  for (const auto& entry : extensions->elements()) {
    if (entry.find_string("name") != kExecExtension) continue;
    const auto* extension = entry.find("extension");
    return extension == nullptr ? json::Value() : *extension;
  }
  return {};
}

json::Value to_base64(std::string_view bytes) {
  return crypto::base64_encode(bytes);
}

}  // namespace

struct Kubeconfig::Section {
  std::string_view list;  // "clusters"
  std::string_view body;  // "cluster", the member of an element and the word in messages
  std::span<const FieldRule> fields;

  static const Section kClusters;
  static const Section kUsers;
  static const Section kContexts;
};

const Kubeconfig::Section Kubeconfig::Section::kClusters{"clusters", "cluster", kClusterFields};
const Kubeconfig::Section Kubeconfig::Section::kUsers{"users", "user", kUserFields};
const Kubeconfig::Section Kubeconfig::Section::kContexts{"contexts", "context", kContextFields};

Result<Kubeconfig> Kubeconfig::parse(std::string_view text, std::string_view file) {
  const std::string where(file.empty() ? kNoFile : file);
  auto root =
      TRY(json::parse_yaml(text, {.max_bytes = kMaxBytes}).map_error(context("cannot read " + where)));
  Kubeconfig config;
  if (!file.empty()) config.files_.emplace_back(file);
  if (root.is_null()) return config;
  if (!root.is_object()) {
    return fail(Code::kInvalid,
                where + " is no kubeconfig: it holds a mere " + std::string(json::kind_name(root.kind())));
  }
  TRY(check_fields(root, kRootFields, where));
  const auto kind = text_field(root, "kind");
  const auto api_version = text_field(root, "apiVersion");
  if ((!kind.empty() && kind != "Config") || (!api_version.empty() && api_version != "v1")) {
    return fail(Code::kInvalid, where + " is no kubeconfig: it is of apiVersion " + quote(api_version) +
                                    " and kind " + quote(kind) + ", not v1 and Config");
  }
  config.clusters_ = TRY(parse_entries(root, Section::kClusters, file));
  config.users_ = TRY(parse_entries(root, Section::kUsers, file));
  config.contexts_ = TRY(parse_entries(root, Section::kContexts, file));
  config.current_context_ = text_field(root, "current-context");
  for (const auto* known : {"clusters", "users", "contexts", "current-context"}) root.erase(known);
  config.other_ = std::move(root);
  return config;
}

Result<Kubeconfig::Entries> Kubeconfig::parse_entries(const json::Value& root, const Section& section,
                                                      std::string_view file) {
  const std::string where(file.empty() ? kNoFile : file);
  Entries entries;
  const auto* list = root.find_array(section.list);
  if (list == nullptr) return entries;
  const std::array element_fields = {FieldRule{"name", Form::kText}, FieldRule{section.body, Form::kObject}};
  std::set<std::string> names;
  for (const auto& element : list->elements()) {
    const auto name = text_field(element, "name");
    const auto label =
        where + ": " + std::string(section.list) + "[" + std::to_string(entries.size()) + "] " + quote(name);
    TRY(check_fields(element, element_fields, label));
    if (const auto* body = element.find_object(section.body)) {
      TRY(check_fields(*body, section.fields, label));
      TRY(check_exec(*body, label));
    }
    if (!names.insert(name).second) return fail(Code::kInvalid, label + ": the name occurs twice");
    entries.push_back({name, std::string(file), element});
  }
  return entries;
}

Kubeconfig Kubeconfig::single(const std::string& name, const Cluster& cluster, const User& user,
                              const std::string& ns) {
  Kubeconfig config;
  config.set_cluster(name, cluster);
  config.set_user(name, user);
  config.set_context(name, {.cluster = name, .user = name, .ns = ns});
  config.set_current_context(name);
  return config;
}

void Kubeconfig::merge(const Kubeconfig& later) {
  const auto add = [](Entries& mine, const Entries& others) {
    std::set<std::string> names;
    for (const auto& entry : mine) names.insert(entry.name);
    for (const auto& entry : others) {
      if (names.insert(entry.name).second) mine.push_back(entry);
    }
  };
  add(clusters_, later.clusters_);
  add(users_, later.users_);
  add(contexts_, later.contexts_);
  if (current_context_.empty()) current_context_ = later.current_context_;
  for (const auto& [key, value] : later.other_.members()) {
    if (!other_.contains(key)) other_.set(key, value);
  }
  files_.insert(files_.end(), later.files_.begin(), later.files_.end());
}

std::string Kubeconfig::file_names() const {
  return files_.empty() ? std::string(kNoFile) : join(files_, ", ");
}

std::vector<std::string> Kubeconfig::context_names() const {
  std::vector<std::string> names;
  for (const auto& entry : contexts_) names.push_back(entry.name);
  return names;
}

Result<const Kubeconfig::Entry*> Kubeconfig::get(const Entries& entries, const Section& section,
                                                 std::string_view name) const {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
  if (found != entries.end()) return &*found;
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name);
  return fail(Code::kNotFound, "no " + std::string(section.body) + " " + quote(name) + " in " + file_names() +
                                   ": " + list_names(names));
}

namespace {

const json::Value& body_of(const json::Value& element, std::string_view section) {
  static const json::Value kEmpty = json::Value::empty_object();
  const auto* body = element.find_object(section);
  return body == nullptr ? kEmpty : *body;
}

std::string label_of(std::string_view section, const std::string& name, const std::string& file) {
  return std::string(section) + " " + quote(name) + " of " + (file.empty() ? std::string(kNoFile) : file);
}

}  // namespace

Result<Kubeconfig::Context> Kubeconfig::get_context(std::string_view name) const {
  const auto& entry = *TRY(get(contexts_, Section::kContexts, name));
  const auto& body = body_of(entry.element, "context");
  return Context{.cluster = text_field(body, "cluster"),
                 .user = text_field(body, "user"),
                 .ns = text_field(body, "namespace"),
                 .label = label_of("context", entry.name, entry.file)};
}

Result<Kubeconfig::Cluster> Kubeconfig::get_cluster(std::string_view name) const {
  const auto& entry = *TRY(get(clusters_, Section::kClusters, name));
  const auto& body = body_of(entry.element, "cluster");
  Cluster cluster{
      .server = text_field(body, "server"),
      .tls_server_name = text_field(body, "tls-server-name"),
      .insecure_skip_tls_verify = flag_field(body, "insecure-skip-tls-verify"),
      .certificate_authority = resolve_path(entry.file, text_field(body, "certificate-authority")),
      .proxy_url = text_field(body, "proxy-url"),
      .disable_compression = flag_field(body, "disable-compression"),
      .exec_config = exec_config(body),
      .label = label_of("cluster", entry.name, entry.file)};
  cluster.certificate_authority_data = TRY(base64_field(body, "certificate-authority-data", cluster.label));
  return cluster;
}

Result<Kubeconfig::User> Kubeconfig::get_user(std::string_view name) const {
  const auto& entry = *TRY(get(users_, Section::kUsers, name));
  const auto& body = body_of(entry.element, "user");
  User user{.client_certificate = resolve_path(entry.file, text_field(body, "client-certificate")),
            .client_key = resolve_path(entry.file, text_field(body, "client-key")),
            .token = klutch::Secret(body.find_string("token").value_or("")),
            .token_file = resolve_path(entry.file, text_field(body, "tokenFile")),
            .username = text_field(body, "username"),
            .password = klutch::Secret(body.find_string("password").value_or("")),
            .impersonate_user = text_field(body, "as"),
            .impersonate_uid = text_field(body, "as-uid"),
            .impersonate_groups = texts_field(body, "as-groups"),
            .label = label_of("user", entry.name, entry.file)};
  user.client_certificate_data = TRY(base64_field(body, "client-certificate-data", user.label));
  auto key = TRY(base64_field(body, "client-key-data", user.label));
  user.client_key_data = klutch::Secret::take(key);
  if (const auto* extra = body.find_object("as-user-extra")) {
    for (const auto& [key_name, values] : extra->members()) {
      user.impersonate_extra.emplace_back(key_name, texts_field(*extra, key_name));
    }
  }
  if (const auto* exec = body.find_object("exec")) {
    user.exec = TRY(parse_exec(*exec, entry.file, user.label));
  }
  if (const auto* provider = body.find_object("auth-provider")) {
    user.auth_provider = text_field(*provider, "name");
    if (user.auth_provider.empty()) user.auth_provider = "(unnamed)";
  }
  return user;
}

json::Value& Kubeconfig::body(Entries& entries, const Section& section, const std::string& name) {
  auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
  if (found == entries.end()) {
    found = entries.insert(entries.end(), {name, {}, json::object({{"name", name}})});
  }
  auto& value = found->element[section.body];
  if (!value.is_object()) value = json::Value::empty_object();
  return value;
}

void Kubeconfig::set_context(const std::string& name, const Context& context) {
  auto& fields = body(contexts_, Section::kContexts, name);
  fields.set("cluster", context.cluster);
  fields.set("user", context.user);
  set_or_remove(fields, "namespace", context.ns);
}

void Kubeconfig::set_cluster(const std::string& name, const Cluster& cluster) {
  auto& fields = body(clusters_, Section::kClusters, name);
  fields.set("server", cluster.server);
  set_or_remove(fields, "tls-server-name", cluster.tls_server_name);
  set_or_remove(fields, "insecure-skip-tls-verify", cluster.insecure_skip_tls_verify);
  set_or_remove(fields, "certificate-authority", cluster.certificate_authority);
  set_or_remove(fields, "certificate-authority-data", to_base64(cluster.certificate_authority_data));
  set_or_remove(fields, "proxy-url", cluster.proxy_url);
  set_or_remove(fields, "disable-compression", cluster.disable_compression);
  auto extensions = json::Value::empty_array();
  if (const auto* present = fields.find_array("extensions")) extensions = *present;
  for (std::size_t i = extensions.size(); i-- > 0;) {
    if (extensions.at(i).find_string("name") == kExecExtension) extensions.take_at(i);
  }
  if (!cluster.exec_config.is_null()) {
    extensions.push_back(json::object({{"name", kExecExtension}, {"extension", cluster.exec_config}}));
  }
  set_or_remove(fields, "extensions", std::move(extensions));
}

void Kubeconfig::set_user(const std::string& name, const User& user) {
  auto& fields = body(users_, Section::kUsers, name);
  set_or_remove(fields, "client-certificate", user.client_certificate);
  set_or_remove(fields, "client-certificate-data", to_base64(user.client_certificate_data));
  set_or_remove(fields, "client-key", user.client_key);
  set_or_remove(fields, "client-key-data", to_base64(user.client_key_data.reveal()));
  set_or_remove(fields, "token", user.token.reveal());
  set_or_remove(fields, "tokenFile", user.token_file);
  set_or_remove(fields, "username", user.username);
  set_or_remove(fields, "password", user.password.reveal());
  set_or_remove(fields, "as", user.impersonate_user);
  set_or_remove(fields, "as-uid", user.impersonate_uid);
  auto groups = json::Value::empty_array();
  for (const auto& group : user.impersonate_groups) groups.push_back(group);
  set_or_remove(fields, "as-groups", std::move(groups));
  auto extra = json::Value::empty_object();
  for (const auto& [key, values] : user.impersonate_extra) {
    auto& list = extra.set(key, json::Value::empty_array());
    for (const auto& value : values) list.push_back(value);
  }
  set_or_remove(fields, "as-user-extra", std::move(extra));
  const auto* exec = fields.find_object("exec");
  auto old_exec = exec == nullptr ? json::Value::empty_object() : *exec;
  set_or_remove(fields, "exec", user.exec ? print_exec(*user.exec, std::move(old_exec)) : json::Value());
  if (user.auth_provider.empty()) fields.erase("auth-provider");
}

bool Kubeconfig::remove(Entries& entries, std::string_view name) {
  return std::erase_if(entries, [&](const Entry& entry) { return entry.name == name; }) > 0;
}

bool Kubeconfig::remove_context(std::string_view name) {
  return remove(contexts_, name);
}
bool Kubeconfig::remove_cluster(std::string_view name) {
  return remove(clusters_, name);
}
bool Kubeconfig::remove_user(std::string_view name) {
  return remove(users_, name);
}

json::Value Kubeconfig::print_entries(const Entries& entries) {
  auto list = json::Value::empty_array();
  for (const auto& entry : entries) list.push_back(entry.element);
  return list;
}

std::string Kubeconfig::to_yaml() const {
  auto root = other_;
  root.set("apiVersion", "v1");
  root.set("kind", "Config");
  root.set("clusters", print_entries(clusters_));
  root.set("users", print_entries(users_));
  root.set("contexts", print_entries(contexts_));
  root.set("current-context", current_context_);
  return json::print_yaml(root);
}

}  // namespace klutch::kube
