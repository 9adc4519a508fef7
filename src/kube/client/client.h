// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/ctx.h"
#include "base/result.h"
#include "kube/api/object.h"
#include "kube/api/request.h"
#include "kube/api/watch_event.h"

// Client is how everything in this project reaches a Kubernetes API: verbs on objects, on top of two
// operations that an implementation supplies. HttpClient (http_client.h) is the real one; another may wrap it
// to observe, restrict or break requests. Belongs to one loop; any number of fibers may use it at once.
//
// Errors are those of the API server with its Status attached (kube/api/status.h), or those of http::Client.
// Absence is kNotFound from get_..., and nothing from find_....
//
//   const auto secret = TRY(client.find<kube::Secret>(ctx, {"default", "token"}));

namespace klutch::kube {

/// The events of one watch. Used by one fiber; destroying it ends the watch.
class WatchStream {
 public:
  virtual ~WatchStream() = default;
  /// The next event, or nothing when the server ended the stream in order. Errors: kGone when the resource
  /// version is too old, kUnavailable when the connection broke, kTimeout and kCancelled from `ctx`, others
  /// as the server says.
  virtual Result<std::optional<WatchEvent>> next(Ctx& ctx) = 0;
};

/// A page of a list.
struct ObjectList {
  std::vector<Object> items =
      {};  ///< each with apiVersion and kind, which servers leave out in lists of custom types
  std::string resource_version = {};
  std::string continue_token = {};  ///< empty: the last page
};

/// The answer to a request, with what HTTP says about it.
struct Document {
  Object object = {};
  std::string etag = {};      ///< empty: the server gave none
  bool not_modified = false;  ///< it is what the caller has already; `object` is null
};

class Client {
 public:
  virtual ~Client() = default;

  // --- What an implementation supplies ---

  /// Sends `request` and gives the object of the answer; for a raw request that accepts no JSON, the text as
  /// a string. An answer of 400 or more is an error.
  virtual Result<Object> send(Ctx& ctx, const Request& request) = 0;
  /// The same for documents that seldom change. `etag` is that of the copy the caller has; an implementation
  /// that knows nothing of ETags sends the document again.
  virtual Result<Document> fetch(Ctx& ctx, const Request& request, std::string_view etag = {});
  /// Sends a watch and returns as soon as the server has accepted it. The deadline of `ctx` counts until
  /// then.
  virtual Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) = 0;

  // --- Reading ---

  Result<Object> get(Ctx& ctx, const ResourceType& type, const Key& key, const GetOptions& options = {});
  /// Nothing if the server says that this object does not exist. A type that the server does not know is an
  /// error.
  Result<std::optional<Object>> find(Ctx& ctx, const ResourceType& type, const Key& key,
                                     const GetOptions& options = {});
  /// One page, as large as `options` asks for.
  Result<ObjectList> list_page(Ctx& ctx, const ResourceType& type, const ListOptions& options = {});
  /// All pages; `limit` is the size of a page, 500 if 0. When the continue token expires between pages,
  /// starts over once without paging.
  Result<ObjectList> list(Ctx& ctx, const ResourceType& type, ListOptions options = {});
  Result<std::unique_ptr<WatchStream>> watch(Ctx& ctx, const ResourceType& type,
                                             const WatchOptions& options = {});

  // --- Writing. Each gives the object as the server stored it ---

  Result<Object> create(Ctx& ctx, const ResourceType& type, const Object& object,
                        const WriteOptions& options = {});
  /// Replaces it. With a resourceVersion in the object, kConflict if it changed meanwhile.
  Result<Object> update(Ctx& ctx, const ResourceType& type, const Object& object,
                        const WriteOptions& options = {});
  Result<Object> update_status(Ctx& ctx, const ResourceType& type, const Object& object,
                               WriteOptions options = {});
  Result<Object> patch(Ctx& ctx, const ResourceType& type, const Key& key, PatchType patch_type,
                       const json::Value& patch, const PatchOptions& options = {});
  /// Server-side apply of exactly these fields; `options.field_manager` must be set (CHECK).
  Result<Object> apply(Ctx& ctx, const ResourceType& type, const Object& object, const PatchOptions& options);
  /// True if it existed. It may live on until its finalizers are gone.
  Result<bool> remove(Ctx& ctx, const ResourceType& type, const Key& key, const DeleteOptions& options = {});
  Result<> remove_all(Ctx& ctx, const ResourceType& type, const ListOptions& which,
                      const DeleteOptions& options = {});

  // --- The same for typed views ---

  template <Kind T>
  Result<T> get(Ctx& ctx, const Key& key, const GetOptions& options = {}) {
    return T(TRY(get(ctx, T::type(), key, options)));
  }
  template <Kind T>
  Result<std::optional<T>> find(Ctx& ctx, const Key& key, const GetOptions& options = {}) {
    auto object = TRY(find(ctx, T::type(), key, options));
    if (!object) return std::optional<T>();
    return std::optional<T>(T(*std::move(object)));
  }
  template <Kind T>
  Result<std::vector<T>> list(Ctx& ctx, ListOptions options = {}) {
    auto page = TRY(list(ctx, T::type(), std::move(options)));
    std::vector<T> typed;
    typed.reserve(page.items.size());
    for (auto& item : page.items) typed.emplace_back(std::move(item));
    return typed;
  }
  template <Kind T>
  Result<T> create(Ctx& ctx, const T& object, const WriteOptions& options = {}) {
    return T(TRY(create(ctx, T::type(), object.object(), options)));
  }
  template <Kind T>
  Result<T> update(Ctx& ctx, const T& object, const WriteOptions& options = {}) {
    return T(TRY(update(ctx, T::type(), object.object(), options)));
  }
  template <Kind T>
  Result<T> update_status(Ctx& ctx, const T& object, const WriteOptions& options = {}) {
    return T(TRY(update_status(ctx, T::type(), object.object(), options)));
  }
  template <Kind T>
  Result<T> apply(Ctx& ctx, const T& object, const PatchOptions& options) {
    return T(TRY(apply(ctx, T::type(), object.object(), options)));
  }
  template <Kind T>
  Result<bool> remove(Ctx& ctx, const Key& key, const DeleteOptions& options = {}) {
    return remove(ctx, T::type(), key, options);
  }
};

}  // namespace klutch::kube
