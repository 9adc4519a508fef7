// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_kube_client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "json/build.h"

namespace klutch::testing {

class FakeKubeClient::Stream final : public kube::WatchStream {
 public:
  explicit Stream(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  Result<std::optional<kube::WatchEvent>> next(Ctx& ctx) override {
    while (true) {
      TRY(ctx.check());
      if (script_->steps.empty()) {
        TRY(to_result(script_->waiting.wait(ctx), "a watch event"));
        continue;
      }
      WatchStep step = std::move(script_->steps.front());
      script_->steps.pop_front();
      if (auto* event = std::get_if<kube::WatchEvent>(&step)) return std::move(*event);
      if (const auto* error = std::get_if<Error>(&step)) return fail(*error);
      if (std::holds_alternative<EndOfWatch>(step)) return std::nullopt;
      TRY(ctx.sleep(std::get<Duration>(step)));
    }
  }

 private:
  std::shared_ptr<Script> script_;
};

FakeKubeClient::FakeKubeClient() = default;
FakeKubeClient::~FakeKubeClient() = default;

std::string FakeKubeClient::Asked::parameter(std::string_view name) const {
  return std::string(request.query.get(name).value_or(""));
}

void FakeKubeClient::on_send(Result<kube::Object> answer, Duration delay) {
  answers_.push_back({std::move(answer), delay});
}

void FakeKubeClient::on_watch(std::vector<WatchStep> steps) {
  watches_.emplace_back(std::move(steps));
}

void FakeKubeClient::on_watch(Error error) {
  watches_.emplace_back(std::move(error));
}

void FakeKubeClient::push(std::initializer_list<WatchStep> steps) {
  CHECK(!open_.empty());
  const auto script = open_.back().lock();
  CHECK(script != nullptr);
  script->steps.insert(script->steps.end(), steps.begin(), steps.end());
  script->waiting.wake_all();
}

Result<kube::Object> FakeKubeClient::send(Ctx& ctx, const kube::Request& request) {
  asked_.push_back({request, ctx.now()});
  if (answers_.empty()) {
    async::WaitList never;
    TRY(to_result(never.wait(ctx), "an answer"));
  }
  Answer answer = std::move(answers_.front());
  answers_.pop_front();
  if (answer.delay > Duration{}) TRY(ctx.sleep(answer.delay));
  return std::move(answer.object);
}

Result<std::unique_ptr<kube::WatchStream>> FakeKubeClient::open(Ctx& ctx, const kube::Request& request) {
  asked_.push_back({request, ctx.now()});
  if (watches_.empty()) watches_.emplace_back(std::vector<WatchStep>());
  auto next = std::move(watches_.front());
  watches_.pop_front();
  if (auto* error = std::get_if<Error>(&next)) return fail(std::move(*error));
  auto& steps = std::get<std::vector<WatchStep>>(next);
  auto script = std::make_shared<Script>();
  script->steps.assign(std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
  std::erase_if(open_, [](const auto& other) { return other.expired(); });
  open_.push_back(script);
  return std::make_unique<Stream>(std::move(script));
}

std::size_t FakeKubeClient::count(kube::Verb verb) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      asked_.begin(), asked_.end(), [verb](const Asked& asked) { return asked.request.verb == verb; }));
}

std::size_t FakeKubeClient::open_watches() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(open_.begin(), open_.end(), [](const auto& script) { return !script.expired(); }));
}

const kube::ResourceType& config_maps() {
  static const kube::ResourceType kType{.version = "v1", .resource = "configmaps", .kind = "ConfigMap"};
  return kType;
}

kube::Object config_map(std::string_view key, int version, std::string_view uid, std::string_view data) {
  const auto parsed = kube::Key::parse(key);
  CHECK(parsed.has_value());
  auto object = json::object({
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", json::object({{"name", parsed->name},
                                 {"namespace", parsed->ns.empty() ? "default" : parsed->ns},
                                 {"uid", uid.empty() ? "uid-of-" + parsed->name : std::string(uid)},
                                 {"resourceVersion", std::to_string(version)}})},
  });
  if (!data.empty()) object.set("data", json::object({{"text", data}}));
  return object;
}

kube::Object list_of(std::vector<kube::Object> items, std::string_view version,
                     std::string_view continue_token) {
  auto array = json::array();
  for (auto& item : items) array.push_back(std::move(item));
  auto metadata = json::object({{"resourceVersion", version}});
  if (!continue_token.empty()) metadata.set("continue", continue_token);
  return json::object({{"apiVersion", "v1"},
                       {"kind", "ConfigMapList"},
                       {"metadata", std::move(metadata)},
                       {"items", std::move(array)}});
}

WatchStep added(kube::Object object) {
  return kube::WatchEvent{kube::EventType::kAdded, std::move(object)};
}

WatchStep modified(kube::Object object) {
  return kube::WatchEvent{kube::EventType::kModified, std::move(object)};
}

WatchStep deleted(kube::Object object) {
  return kube::WatchEvent{kube::EventType::kDeleted, std::move(object)};
}

WatchStep bookmark(int version) {
  return kube::WatchEvent{
      kube::EventType::kBookmark,
      json::object({{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", json::object({{"resourceVersion", std::to_string(version)}})}})};
}

WatchStep end_of_list(int version) {
  WatchStep step = bookmark(version);
  std::get<kube::WatchEvent>(step).object["metadata"].set(
      "annotations", json::object({{"k8s.io/initial-events-end", "true"}}));
  return step;
}

}  // namespace klutch::testing
