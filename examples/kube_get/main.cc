// SPDX-License-Identifier: Apache-2.0
// A small `kubectl get`: kubeconfig, credentials, discovery, lists and watches of any type.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "async/loop.h"
#include "async/signals.h"
#include "json/print.h"
#include "json/yaml.h"
#include "kube/client/http_client.h"
#include "kube/client/rest_mapper.h"
#include "obs/log.h"

namespace {

using namespace klutch;

struct Options {
  std::string kubeconfig;
  std::string context;
  std::string ns;
  bool all_namespaces = false;
  std::string resource;
  std::string name;
  std::string selector;
  bool watch = false;
  std::string output = "name";
};

/// Prints one object after the other in the form that was asked for.
class Printer {
 public:
  Printer(const kube::ResourceType& type, const Options& options)
      : prefix_(type.to_string() + "/"), output_(options.output), with_namespace_(options.all_namespaces) {}

  /// `event` is shown with names: what happened to the object, if anything.
  void print(const kube::Object& object, std::string_view event = {}) {
    std::string text;
    if (output_ == "name") {
      const auto key = with_namespace_ ? kube::key(object).to_string() : std::string(kube::name(object));
      text = prefix_ + key + (event.empty() ? "" : " " + std::string(event)) + "\n";
    } else if (output_ == "yaml") {
      text = (first_ ? "" : "---\n") + json::print_yaml(object);
    } else {
      text = json::print_pretty(object) + "\n";
    }
    first_ = false;
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }

 private:
  std::string prefix_;
  std::string output_;
  bool with_namespace_;
  bool first_ = true;
};

Result<> watch(Ctx& ctx, kube::Client& client, const kube::ResourceType& type, kube::WatchOptions options,
               Printer& printer) {
  for (;;) {
    const auto stream = TRY(client.watch(ctx, type, options));
    for (;;) {
      const auto event = TRY(stream->next(ctx));
      if (!event) break;  // servers end every watch after a while
      options.resource_version = kube::resource_version(event->object);
      if (event->type != kube::EventType::kBookmark) printer.print(event->object, to_string(event->type));
    }
  }
}

Result<> get(Ctx& ctx, const Options& options) {
  const auto config = TRY(ctx.blocking([&] {
    return kube::load_client_config(
        {.kubeconfig = options.kubeconfig, .overrides = {.context = options.context, .ns = options.ns}});
  }));
  const auto client = TRY(
      kube::HttpClient::make(ctx, config, {.user_agent = "kube_get", .on_warning = [](std::string_view text) {
                                             std::fprintf(stderr, "Warning: %s\n", std::string(text).c_str());
                                           }}));
  kube::RestMapper mapper(*client);
  const auto type = TRY(mapper.by_argument(ctx, options.resource));
  Printer printer(type, options);
  const auto ns = type.namespaced && !options.all_namespaces ? config.namespace_or_default() : "";
  if (!options.name.empty() && !options.watch) {
    printer.print(TRY(client->get(ctx, type, {ns, options.name})));
    return {};
  }
  auto labels = TRY(kube::LabelSelector::parse(options.selector));
  kube::ListOptions which{.ns = ns, .labels = std::move(labels)};
  if (!options.name.empty()) which.fields = kube::FieldSelector::exactly("metadata.name", options.name);
  const auto list = TRY(client->list(ctx, type, which));
  for (const auto& object : list.items) printer.print(object);
  if (!options.watch) return {};
  return watch(ctx, *client, type,
               {.ns = which.ns,
                .labels = which.labels,
                .fields = which.fields,
                .resource_version = list.resource_version},
               printer);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Shows objects of an API server, as `kubectl get` does.");
  app.footer(
      "Examples:\n"
      "  kube_get pods                                  # of the current context and namespace\n"
      "  kube_get deploy web -n shop -o yaml            # one object\n"
      "  kube_get secrets -A -l app=web                 # of all namespaces, selected by label\n"
      "  kube_get widgets.ex.io --watch --context dev   # a custom type, and what becomes of its objects");
  app.add_option("resource", options.resource, "plural, singular, short name or kind, perhaps with .group")
      ->required();
  app.add_option("name", options.name, "one object");
  app.add_option("--kubeconfig", options.kubeconfig, "in place of KUBECONFIG and ~/.kube/config")
      ->type_name("FILE");
  app.add_option("--context", options.context, "in place of the current one");
  app.add_option("-n,--namespace", options.ns, "in place of the context's own")->type_name("NAME");
  app.add_flag("-A,--all-namespaces", options.all_namespaces, "objects of all namespaces");
  app.add_option("-l,--selector", options.selector, "labels, such as app=web,tier!=cache");
  app.add_flag("-w,--watch", options.watch, "go on with what changes");
  app.add_option("-o,--output", options.output, "name, yaml or json")
      ->check(CLI::IsMember({"name", "yaml", "json"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  async::Loop loop;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    TRY(obs::configure_logging({.levels = "error"}));
    return async::run_until_signalled(ctx, [&](Ctx& task) { return get(task, options); });
  });
  if (result) return 0;
  std::fprintf(stderr, "kube_get: %s\n", result.error().message().c_str());
  return 1;
}
