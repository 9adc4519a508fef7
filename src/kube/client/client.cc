// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client.h"

#include <iterator>

#include "base/check.h"
#include "kube/api/status.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kDefaultPage = 500;
/// More pages than this are no list but a server that has lost its way.
constexpr std::size_t kMaxPages = 20'000;
constexpr std::string_view kMetadataKind = "PartialObjectMetadata";
constexpr std::string_view kMetadataApiVersion = "meta.k8s.io/v1";

/// Whether the server speaks of this very object, and not of its type or namespace.
bool is_absence_of(const Error& error, const Key& key) {
  if (!is(error, Code::kNotFound)) return false;
  const auto* status = error.detail<Status>();
  return status != nullptr && status->name == key.name;
}

void name_kind(Object& item, const ResourceType& type, bool metadata_only) {
  if (!item.is_object()) return;
  if (kind(item).empty()) item.set("kind", metadata_only ? kMetadataKind : std::string_view(type.kind));
  if (!api_version(item).empty()) return;
  if (metadata_only) {
    item.set("apiVersion", kMetadataApiVersion);
  } else {
    item.set("apiVersion", type.api_version());
  }
}

Result<ObjectList> read_list(Object&& answer, const ResourceType& type, bool metadata_only) {
  ObjectList list;
  if (const auto* metadata = answer.find_object("metadata")) {
    list.resource_version = metadata->find_string("resourceVersion").value_or("");
    list.continue_token = metadata->find_string("continue").value_or("");
  }
  auto* items = answer.find("items");
  if (items == nullptr) {
    return fail(Code::kInternal, "cannot list " + type.to_string() + ": the server sent a " +
                                     std::string(kind(answer)) + " without items");
  }
  if (items->is_null()) return list;
  if (!items->is_array()) {
    return fail(Code::kInternal, "cannot list " + type.to_string() + ": the items are no array");
  }
  list.items.reserve(items->size());
  for (auto& item : items->elements()) {
    name_kind(item, type, metadata_only);
    list.items.push_back(std::move(item));
  }
  return list;
}

}  // namespace

Result<Document> Client::fetch(Ctx& ctx, const Request& request, std::string_view /*etag*/) {
  return Document{.object = TRY(send(ctx, request))};
}

Result<Object> Client::get(Ctx& ctx, const ResourceType& type, const Key& key, const GetOptions& options) {
  return send(ctx, get_request(type, key, options));
}

Result<std::optional<Object>> Client::find(Ctx& ctx, const ResourceType& type, const Key& key,
                                           const GetOptions& options) {
  auto object = get(ctx, type, key, options);
  if (object) return std::optional<Object>(*std::move(object));
  if (is_absence_of(object.error(), key)) return std::optional<Object>();
  return fail(object.error());
}

Result<ObjectList> Client::list_page(Ctx& ctx, const ResourceType& type, const ListOptions& options) {
  return read_list(TRY(send(ctx, list_request(type, options))), type, options.metadata_only);
}

Result<ObjectList> Client::list(Ctx& ctx, const ResourceType& type, ListOptions options) {
  if (options.limit == 0) options.limit = kDefaultPage;
  const auto first = options;
  ObjectList all;
  for (std::size_t pages = 0; pages < kMaxPages; ++pages) {
    auto page = list_page(ctx, type, options);
    if (!page && is(page.error(), Code::kGone) && pages > 0) {
      // What was read so far belongs to a state the server has forgotten.
      options = first;
      options.limit = 0;
      options.continue_token.clear();
      return list_page(ctx, type, options);
    }
    if (!page) return fail(page.error());
    all.resource_version = std::move(page->resource_version);
    if (all.items.empty()) {
      all.items = std::move(page->items);
    } else {
      all.items.insert(all.items.end(), std::make_move_iterator(page->items.begin()),
                       std::make_move_iterator(page->items.end()));
    }
    if (page->continue_token.empty()) return all;
    options.continue_token = std::move(page->continue_token);
    // The token says which version it is; a server refuses both.
    options.resource_version.clear();
    options.resource_version_match.clear();
  }
  return fail(Code::kTooLarge,
              "cannot list " + type.to_string() + ": more than " + std::to_string(kMaxPages) + " pages");
}

Result<std::unique_ptr<WatchStream>> Client::watch(Ctx& ctx, const ResourceType& type,
                                                   const WatchOptions& options) {
  return open(ctx, watch_request(type, options));
}

Result<Object> Client::create(Ctx& ctx, const ResourceType& type, const Object& object,
                              const WriteOptions& options) {
  return send(ctx, create_request(type, object, options));
}

Result<Object> Client::update(Ctx& ctx, const ResourceType& type, const Object& object,
                              const WriteOptions& options) {
  return send(ctx, update_request(type, object, options));
}

Result<Object> Client::update_status(Ctx& ctx, const ResourceType& type, const Object& object,
                                     WriteOptions options) {
  options.subresource = "status";
  return update(ctx, type, object, options);
}

Result<Object> Client::patch(Ctx& ctx, const ResourceType& type, const Key& key, PatchType patch_type,
                             const json::Value& patch, const PatchOptions& options) {
  return send(ctx, patch_request(type, key, patch_type, patch, options));
}

Result<Object> Client::apply(Ctx& ctx, const ResourceType& type, const Object& object,
                             const PatchOptions& options) {
  CHECK(!options.field_manager.empty());
  return patch(ctx, type, key(object), PatchType::kApply, object, options);
}

Result<bool> Client::remove(Ctx& ctx, const ResourceType& type, const Key& key,
                            const DeleteOptions& options) {
  const auto answer = send(ctx, delete_request(type, key, options));
  if (answer) return true;
  if (is_absence_of(answer.error(), key)) return false;
  return fail(answer.error());
}

Result<> Client::remove_all(Ctx& ctx, const ResourceType& type, const ListOptions& which,
                            const DeleteOptions& options) {
  TRY(send(ctx, delete_collection_request(type, which, options)));
  return {};
}

}  // namespace klutch::kube
