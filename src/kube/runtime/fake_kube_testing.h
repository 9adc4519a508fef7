// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/suspension.h"
#include "kube/client/client.h"

// An API server small enough to read, without HTTP, for tests in virtual time: get, list with selectors,
// watch, create, update, merge and JSON patch, delete; resource versions, UIDs, generations, finalizers, the
// status subresource. Requests are recorded and can be delayed or made to fail. Belongs to one loop.

namespace klutch::kube {

class FakeKube final : public Client {
 public:
  Result<Object> send(Ctx& ctx, const Request& request) override;
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override;

  /// Called before every request; may suspend. An error is what the request gives.
  std::function<Result<>(Ctx& ctx, const Request& request)> before = {};
  /// Called after a write took place; an error is what the writer gets nevertheless.
  std::function<Result<>(Ctx& ctx, const Request& request)> after_write = {};
  /// Types whose objects have no status subresource.
  std::vector<std::string> without_status = {};

  /// Stores it as the server's own, without a request. Metadata is filled in.
  Object put(const ResourceType& type, Object object);
  /// Deletes it as another client would.
  void erase(const ResourceType& type, const Key& key);
  /// CHECKs that it exists.
  [[nodiscard]] const Object& at(const ResourceType& type, const Key& key) const;
  [[nodiscard]] bool has(const ResourceType& type, const Key& key) const;
  [[nodiscard]] std::vector<Object> all(const ResourceType& type) const;

  /// Every request but lists and watches, as Request::to_string() has them.
  std::vector<std::string> requests = {};
  /// How many of them write.
  [[nodiscard]] std::size_t writes() const noexcept { return writes_; }

 private:
  struct Change {
    std::uint64_t version;
    std::string resource;
    EventType type;
    Object object;
  };
  using Place = std::pair<std::string, Key>;  // resource, key
  class Stream;

  Result<Object> get(const Request& request) const;
  Result<Object> list(const Request& request) const;
  Result<Object> write(const Request& request);
  Result<Object> patch(const Request& request, Object current, bool status);
  Result<Object> replace(const Place& place, const Object& current, Object next, bool status);
  Result<Object> remove(const Request& request);
  Object& store(const Place& place, Object object, EventType event);
  [[nodiscard]] static bool selected(const Request& request, const Object& object);

  std::map<Place, Object> objects_;
  std::deque<Change> changes_;
  std::uint64_t version_ = 100;  // of the last of changes_, which begin with 101
  std::uint64_t next_uid_ = 1;
  std::size_t writes_ = 0;
  async::WaitList changed_;
};

/// The Error that an API server gives, with its Status.
Error api_error(int http_status, std::string reason, const ResourceType& type, const Key& key);

}  // namespace klutch::kube
