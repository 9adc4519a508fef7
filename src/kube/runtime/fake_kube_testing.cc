// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/fake_kube_testing.h"

#include <algorithm>

#include "base/check.h"
#include "json/build.h"
#include "json/merge_patch.h"
#include "json/parse.h"
#include "json/patch.h"
#include "kube/api/selector.h"
#include "kube/api/status.h"

namespace klutch::kube {
namespace {

Error fake_error(int http_status, std::string reason, const Request& request) {
  return api_error(http_status, std::move(reason), request.type, request.key);
}

constexpr std::uint64_t kFirstVersion = 100;

Object without(Object object, const char* member) {
  if (object.is_object()) object.erase(member);
  return object;
}

}  // namespace

Error api_error(int http_status, std::string reason, const ResourceType& type, const Key& key) {
  Status status;
  status.http_status = http_status;
  status.message = type.to_string() + " \"" + key.name + "\": " + reason;
  status.reason = std::move(reason);
  status.name = key.name;
  status.group = type.group;
  status.kind = type.resource;
  return status.to_error();
}

class FakeKube::Stream final : public WatchStream {
 public:
  Stream(FakeKube& server, Request request) : server_(server), request_(std::move(request)) {
    const auto from = request_.query.get("resourceVersion").value_or("0");
    seen_ = std::stoull("0" + std::string(from));
  }

  Result<std::optional<WatchEvent>> next(Ctx& ctx) override {
    for (;;) {
      while (seen_ < server_.version_) {
        // One change for each version.
        const auto& change = server_.changes_[std::max(seen_, kFirstVersion) - kFirstVersion];
        seen_ = change.version;
        if (change.resource != request_.type.resource || !selected(request_, change.object)) continue;
        return std::optional(WatchEvent{change.type, change.object});
      }
      TRY(async::to_result(server_.changed_.wait(ctx), "a watch event"));
    }
  }

 private:
  FakeKube& server_;
  Request request_;
  std::uint64_t seen_ = 0;
};

Result<Object> FakeKube::send(Ctx& ctx, const Request& request) {
  if (before) TRY(before(ctx, request));
  TRY(ctx.check());
  if (request.verb == Verb::kList) return list(request);
  requests.push_back(request.to_string());
  if (request.verb == Verb::kGet) return get(request);
  ++writes_;
  auto answer = request.verb == Verb::kDelete ? remove(request) : write(request);
  if (answer && after_write) TRY(after_write(ctx, request));
  return answer;
}

Result<std::unique_ptr<WatchStream>> FakeKube::open(Ctx& ctx, const Request& request) {
  if (before) TRY(before(ctx, request));
  if (request.query.get("sendInitialEvents")) {
    return fail(Code::kInvalid, "sendInitialEvents is forbidden for watch");
  }
  return std::unique_ptr<WatchStream>(std::make_unique<Stream>(*this, request));
}

bool FakeKube::selected(const Request& request, const Object& object) {
  if (!request.key.ns.empty() && request.key.ns != ns(object)) return false;
  const auto labels = LabelSelector::parse(request.query.get("labelSelector").value_or(""));
  const auto fields = FieldSelector::parse(request.query.get("fieldSelector").value_or(""));
  return labels->matches(object) && fields->matches(object);
}

Result<Object> FakeKube::get(const Request& request) const {
  const auto found = objects_.find({request.type.resource, request.key});
  if (found == objects_.end()) return fail(fake_error(404, "NotFound", request));
  return found->second;
}

Result<Object> FakeKube::list(const Request& request) const {
  auto items = json::Value::empty_array();
  for (const auto& [place, object] : objects_) {
    if (place.first == request.type.resource && selected(request, object)) items.push_back(object);
  }
  return json::object({{"kind", request.type.kind + "List"},
                       {"apiVersion", request.type.api_version()},
                       {"metadata", json::object({{"resourceVersion", std::to_string(version_)}})},
                       {"items", std::move(items)}});
}

Result<Object> FakeKube::write(const Request& request) {
  const bool status = request.subresource == "status";
  const Place place{request.type.resource, request.key};
  if (request.verb == Verb::kCreate) {
    Object object = TRY(json::parse(request.body));
    const Place created{request.type.resource, key(object)};
    if (objects_.contains(created)) {
      return fail(api_error(409, "AlreadyExists", request.type, created.second));
    }
    return put(request.type, std::move(object));
  }
  const auto found = objects_.find(place);
  if (found == objects_.end()) return fail(fake_error(404, "NotFound", request));
  if (request.verb == Verb::kPatch) return patch(request, found->second, status);
  Object next = TRY(json::parse(request.body));
  if (!resource_version(next).empty() && resource_version(next) != resource_version(found->second)) {
    return fail(fake_error(409, "Conflict", request));
  }
  return replace(place, found->second, std::move(next), status);
}

Result<Object> FakeKube::patch(const Request& request, Object current, bool status) {
  const auto body = TRY(json::parse(request.body));
  Object next = current;
  if (request.content_type == "application/merge-patch+json") {
    json::apply_merge_patch(next, body);
  } else if (request.content_type == "application/json-patch+json") {
    TRY(json::apply_patch(next, body));
  } else {
    return fail(Code::kUnsupported, "this server knows no " + request.content_type);
  }
  if (resource_version(next) != resource_version(current) || uid(next) != uid(current)) {
    return fail(fake_error(409, "Conflict", request));
  }
  return replace({request.type.resource, request.key}, current, std::move(next), status);
}

Result<Object> FakeKube::replace(const Place& place, const Object& current, Object next, bool status) {
  const bool separate =
      std::find(without_status.begin(), without_status.end(), place.first) == without_status.end();
  if (status && !separate) return fail(Code::kNotFound, "the server could not find the requested resource");
  Object result = status ? current : std::move(next);
  if (separate) {
    const Object& source = status ? next : current;
    if (const auto* content = source.find("status"); content != nullptr) {
      result.set("status", *content);
    } else {
      result.erase("status");
    }
  }
  result["metadata"].set("resourceVersion", resource_version(current));
  if (result == current) return result;
  const auto content = [](const Object& object) { return without(without(object, "status"), "metadata"); };
  if (content(result) != content(current)) result["metadata"].set("generation", generation(current) + 1);
  const auto* finalizers = result.find("metadata")->find_array("finalizers");
  if (is_deleting(result) && (finalizers == nullptr || finalizers->empty())) {
    auto last = store(place, std::move(result), EventType::kDeleted);
    objects_.erase(place);
    return last;
  }
  return store(place, std::move(result), EventType::kModified);
}

Result<Object> FakeKube::remove(const Request& request) {
  const Place place{request.type.resource, request.key};
  const auto found = objects_.find(place);
  if (found == objects_.end()) return fail(fake_error(404, "NotFound", request));
  if (!request.body.empty()) {
    const auto options = TRY(json::parse(request.body));
    const auto* expected = options.find_object("preconditions");
    const auto differs = [&](const char* member, std::string_view actual) {
      const auto wanted = expected != nullptr ? expected->find_string(member) : std::nullopt;
      return wanted && *wanted != actual;
    };
    if (differs("uid", uid(found->second)) || differs("resourceVersion", resource_version(found->second))) {
      return fail(fake_error(409, "Conflict", request));
    }
  }
  Object last = found->second;
  erase(request.type, request.key);
  return last;
}

Object& FakeKube::store(const Place& place, Object object, EventType event) {
  object["metadata"].set("resourceVersion", std::to_string(++version_));
  changes_.push_back({version_, place.first, event, object});
  changed_.wake_all();
  return objects_[place] = std::move(object);
}

Object FakeKube::put(const ResourceType& type, Object object) {
  const Place place{type.resource, key(object)};
  const auto found = objects_.find(place);
  object.set("apiVersion", type.api_version());
  object.set("kind", type.kind);
  auto& metadata = object["metadata"];
  if (found == objects_.end()) {
    metadata.set("uid", "uid-" + std::to_string(next_uid_++));
    metadata.set("generation", 1);
    return store(place, std::move(object), EventType::kAdded);
  }
  for (const char* kept : {"uid", "generation"})
    metadata.set(kept, *found->second.find("metadata")->find(kept));
  return store(place, std::move(object), EventType::kModified);
}

void FakeKube::erase(const ResourceType& type, const Key& key) {
  const Place place{type.resource, key};
  const auto found = objects_.find(place);
  CHECK(found != objects_.end());
  Object last = found->second;
  const auto* finalizers = last.find("metadata")->find_array("finalizers");
  if (finalizers != nullptr && !finalizers->empty()) {
    if (is_deleting(last)) return;
    last["metadata"].set("deletionTimestamp", "2026-01-01T00:00:00Z");
    store(place, std::move(last), EventType::kModified);
    return;
  }
  store(place, std::move(last), EventType::kDeleted);
  objects_.erase(place);
}

const Object& FakeKube::at(const ResourceType& type, const Key& key) const {
  const auto found = objects_.find({type.resource, key});
  CHECK(found != objects_.end());
  return found->second;
}

bool FakeKube::has(const ResourceType& type, const Key& key) const {
  return objects_.contains({type.resource, key});
}

std::vector<Object> FakeKube::all(const ResourceType& type) const {
  std::vector<Object> objects;
  for (const auto& [place, object] : objects_) {
    if (place.first == type.resource) objects.push_back(object);
  }
  return objects;
}

}  // namespace klutch::kube
