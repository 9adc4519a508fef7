// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "json/value.h"

// A kubeconfig (Config of client-go's api/v1): clusters, users, and contexts that join one of each. Read as
// kubectl reads it, merged from several files, changed, and written back with the fields nobody here knows. A
// plain value; reading and writing files is the business of kubeconfig_files.h. Errors are kInvalid or
// kNotFound and name the file, the entry and the field, never a credential.
//
//   auto config = TRY(kube::Kubeconfig::parse(text, "/home/me/.kube/config"));
//   const auto context = TRY(config.get_context(config.current_context()));
//   const auto cluster = TRY(config.get_cluster(context.cluster));

// `klutch::Secret` is spelled out wherever a credential is meant: kube::Secret is an object in a cluster.

namespace klutch::kube {

/// A program that prints credentials (client-go, "credential plugins").
struct ExecPlugin {
  enum class Interactive {
    kNever,        ///< standard input is never passed on
    kIfAvailable,  ///< passed on where it is a terminal
    kAlways,       ///< an error where it is none
  };
  std::string api_version = {};  ///< client.authentication.k8s.io/v1 or v1beta1
  std::string command = {};      ///< looked up in PATH unless it has a '/'
  std::vector<std::string> args = {};
  std::vector<std::pair<std::string, std::string>> env = {};
  std::string install_hint = {};
  bool provide_cluster_info = false;
  Interactive interactive = Interactive::kIfAvailable;
};

class Kubeconfig {
 public:
  /// The largest text that parse() accepts.
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;

  /// Files are paths, absolute or relative to where the program runs; data is what they would contain.
  struct Cluster {
    std::string server = {};
    std::string tls_server_name = {};
    bool insecure_skip_tls_verify = false;
    std::string certificate_authority = {};  ///< a file
    std::string certificate_authority_data = {};
    std::string proxy_url = {};
    bool disable_compression = false;
    /// The extension client.authentication.k8s.io/exec, for plugins; null if there is none.
    json::Value exec_config = {};
    /// For messages: cluster "dev" of /home/me/.kube/config.
    std::string label = {};
  };
  struct User {
    std::string client_certificate = {};  ///< a file
    std::string client_certificate_data = {};
    std::string client_key = {};  ///< a file
    klutch::Secret client_key_data = {};
    klutch::Secret token = {};
    std::string token_file = {};
    std::string username = {};
    klutch::Secret password = {};
    std::string impersonate_user = {};
    std::string impersonate_uid = {};
    std::vector<std::string> impersonate_groups = {};
    std::vector<std::pair<std::string, std::vector<std::string>>> impersonate_extra = {};
    std::optional<ExecPlugin> exec = {};
    /// The name of a legacy auth-provider, which nobody supports any more.
    std::string auth_provider = {};
    std::string label = {};
  };
  struct Context {
    std::string cluster = {};
    std::string user = {};
    std::string ns = {};
    std::string label = {};
  };

  Kubeconfig() : other_(json::Value::empty_object()) {}

  /// Reads YAML or JSON. `file` is named in messages, and relative paths inside are relative to its folder;
  /// empty: neither. A text without content is an empty Kubeconfig.
  static Result<Kubeconfig> parse(std::string_view text, std::string_view file = {});

  /// One cluster, user and context, all called `name`, the context being current.
  static Kubeconfig single(const std::string& name, const Cluster& cluster, const User& user,
                           const std::string& ns = {});

  /// Adds what `later` has and this lacks: whole entries, the current context, fields of the top level.
  void merge(const Kubeconfig& later);

  [[nodiscard]] const std::string& current_context() const noexcept { return current_context_; }
  [[nodiscard]] std::vector<std::string> context_names() const;
  [[nodiscard]] bool empty() const noexcept {
    return clusters_.empty() && users_.empty() && contexts_.empty() && current_context_.empty();
  }

  /// kNotFound, with the names that exist, for one that does not; kInvalid for fields that cannot be used.
  [[nodiscard]] Result<Context> get_context(std::string_view name) const;
  [[nodiscard]] Result<Cluster> get_cluster(std::string_view name) const;
  [[nodiscard]] Result<User> get_user(std::string_view name) const;

  /// Adds or changes an entry; its fields that are not known here stay. Empty fields are removed.
  void set_context(const std::string& name, const Context& context);
  void set_cluster(const std::string& name, const Cluster& cluster);
  void set_user(const std::string& name, const User& user);
  void set_current_context(std::string name) { current_context_ = std::move(name); }
  /// True if it was there.
  bool remove_context(std::string_view name);
  bool remove_cluster(std::string_view name);
  bool remove_user(std::string_view name);

  /// With all credentials in it: for a file of mode 0600 or a Secret. Relative paths stay as they were
  /// written.
  [[nodiscard]] std::string to_yaml() const;

 private:
  /// An element of one of the three lists.
  struct Entry {
    std::string name = {};
    std::string file = {};
    json::Value element = {};
  };
  using Entries = std::vector<Entry>;
  struct Section;

  static Result<Entries> parse_entries(const json::Value& root, const Section& section,
                                       std::string_view file);
  static json::Value print_entries(const Entries& entries);
  static bool remove(Entries& entries, std::string_view name);
  static json::Value& body(Entries& entries, const Section& section, const std::string& name);
  [[nodiscard]] Result<const Entry*> get(const Entries& entries, const Section& section,
                                         std::string_view name) const;
  [[nodiscard]] std::string file_names() const;

  json::Value other_;  // fields of the top level apart from those below
  std::string current_context_;
  Entries clusters_;
  Entries users_;
  Entries contexts_;
  std::vector<std::string> files_;
};

}  // namespace klutch::kube
