// SPDX-License-Identifier: Apache-2.0
#include "testing/embedded_server.h"

#include <utility>

#include "async/readable.h"
#include "json/yaml.h"

namespace klutch::testing {
namespace {

constexpr Duration kPatience = std::chrono::seconds(60);

std::string server_of(const std::string& kubeconfig) {
  const auto config = json::parse_yaml(kubeconfig);
  const auto* clusters = config ? config->find_array("clusters") : nullptr;
  if (clusters == nullptr || clusters->empty()) return {};
  const auto* cluster = clusters->at(0).find_object("cluster");
  return std::string(cluster == nullptr ? "" : cluster->find_string("server").value_or(""));
}

}  // namespace

EmbeddedServer::EmbeddedServer(std::string program, std::vector<std::string> arguments)
    : folder_(os::TempDir::create("klutch-apiserver").value()),
      program_(std::move(program)),
      arguments_(std::move(arguments)) {}

EmbeddedServer::~EmbeddedServer() {
  kill();
}

Result<> EmbeddedServer::start(Ctx& ctx) {
  os::Command command;
  command.argv = {program_, "--state", folder() + "/state", "--listen", listen_};
  command.argv.insert(command.argv.end(), arguments_.begin(), arguments_.end());
  const auto log = os::Redirect::file(folder() + "/log");
  command.out = log;
  command.err = log;
  // Written when everything else is ready; an old one would be taken for the new one.
  const std::size_t log_before = this->log().size();
  process_ = TRY(os::Process::spawn(command));
  auto limited = ctx.with_timeout(kPatience);
  while (this->log().find(" ready ", log_before) == std::string::npos) {
    if (TRY(process_->try_wait())) {
      return fail(Code::kUnavailable, "klutch-apiserver ended at once:\n" + this->log().substr(log_before));
    }
    TRY(limited.sleep(std::chrono::milliseconds(5)).map_error(context("klutch-apiserver is not ready")));
  }
  url_ = server_of(kubeconfig());
  listen_ = url_.substr(url_.find("//") + 2);
  return {};
}

void EmbeddedServer::kill() {
  if (!process_) return;
  static_cast<void>(process_->kill());
  static_cast<void>(process_->wait());
  process_.reset();
}

Result<os::ExitStatus> EmbeddedServer::stop(Ctx& ctx) {
  static_cast<void>(process_->terminate());
  auto limited = ctx.with_timeout(kPatience);
  TRY(async::wait_readable(limited, process_->event_fd()));
  const auto status = process_->wait();
  process_.reset();
  return status;
}

std::string EmbeddedServer::kubeconfig() const {
  return os::read_file(folder() + "/state/admin.kubeconfig").value_or("");
}

int EmbeddedServer::pid() const {
  return process_ ? process_->id().pid : 0;
}

std::string EmbeddedServer::log() const {
  return os::read_file(folder() + "/log").value_or("");
}

}  // namespace klutch::testing
