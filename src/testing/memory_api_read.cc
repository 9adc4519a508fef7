// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <utility>

#include "base/strings.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/memory_api.h"

namespace klutch::testing {
namespace {

constexpr auto kReason410 = "The resourceVersion for the provided list is too old.";

/// Where a list goes on.
struct Position {
  std::optional<std::uint64_t> revision = {};  ///< none: the present state, though it is another one
  kube::Key after = {};
};

std::string encode_position(const Position& position) {
  auto token =
      json::object({{"v", "meta.k8s.io/v1"}, {"ns", position.after.ns}, {"start", position.after.name}});
  token.set("rv", position.revision ? json::Value(*position.revision) : json::Value(-1));
  return crypto::base64_encode(json::print(token), crypto::Base64::kUrlUnpadded);
}

Result<Position> decode_position(std::string_view token) {
  const auto bad = api_error(400, "BadRequest", "continue key is not valid");
  const auto text = crypto::base64_decode(token, crypto::Base64::kUrlUnpadded);
  if (!text) return bad;
  const auto value = json::parse(*text);
  if (!value || !value->find_int("rv") || !value->find_string("start")) return bad;
  Position position;
  if (const auto revision = *value->find_int("rv"); revision >= 0) {
    position.revision = static_cast<std::uint64_t>(revision);
  }
  position.after = {std::string(value->find_string("ns").value_or("")),
                    std::string(*value->find_string("start"))};
  return position;
}

/// 400 for what is no number.
Result<std::optional<std::uint64_t>> read_number(const http::Query& query, std::string_view name) {
  const auto text = query.get(name);
  if (!text || text->empty()) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) {
    return api_error(400, "BadRequest", std::string(name) + ": Invalid value: " + quote(*text));
  }
  return std::optional<std::uint64_t>(value);
}

tl::unexpected<Error> too_large_version(std::uint64_t asked, std::uint64_t current) {
  kube::Status status;
  status.http_status = 504;
  status.reason = "Timeout";
  status.message = "Timeout: Too large resource version: " + std::to_string(asked) +
                   ", current: " + std::to_string(current);
  status.causes = {
      {.reason = "ResourceVersionTooLarge", .message = "Too large resource version", .field = {}}};
  status.retry_after_seconds = 1;
  return fail(status.to_error());
}

/// What of a list has been asked for.
struct ListPlan {
  std::uint64_t revision = 0;
  std::optional<kube::Key> after = {};
  std::size_t limit = 0;
};

Result<ListPlan> plan_list(const MemoryApi& api, const http::Query& query) {
  const auto current = api.store.revision();
  ListPlan plan{.revision = current,
                .limit = static_cast<std::size_t>(TRY(read_number(query, "limit")).value_or(0))};
  const auto asked = TRY(read_number(query, "resourceVersion"));
  const auto match = query.get("resourceVersionMatch").value_or("");
  if (query.get("sendInitialEvents")) {
    return invalid_option("ListOptions", "sendInitialEvents", "sendInitialEvents is forbidden for list");
  }
  if (const auto token = query.get("continue"); token && !token->empty()) {
    if (asked && *asked != 0) {
      return api_error(400, "BadRequest", "specifying resource version is not allowed when using continue");
    }
    const auto position = TRY(decode_position(*token));
    plan.after = position.after;
    if (!position.revision) return plan;
    if (*position.revision < api.store.compacted()) {
      return expired("The provided continue parameter is too old to display a consistent list result.",
                     encode_position({std::nullopt, position.after}));
    }
    plan.revision = *position.revision;
    return plan;
  }
  if (!match.empty() && !asked) {
    return invalid_option("ListOptions", "resourceVersionMatch",
                          "resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  // A page of a version means exactly that version, unless the match says otherwise.
  const bool exact = match == "Exact" || (match.empty() && asked && *asked > 0 && plan.limit > 0);
  if (exact) {
    if (*asked > current) return too_large_version(*asked, current);
    if (*asked < api.store.compacted()) return expired(kReason410);
    plan.revision = *asked;
  } else if (!match.empty() && match != "NotOlderThan") {
    return invalid_option("ListOptions", "resourceVersionMatch",
                          "supported values: \"Exact\", \"NotOlderThan\"");
  } else if (asked && *asked > current) {
    return too_large_version(*asked, current);
  } else if (asked && *asked == 0) {
    plan.limit = 0;  // as the watch cache does
  }
  return plan;
}

std::string list_kind(const ServedType& type, bool metadata_only) {
  return metadata_only ? "PartialObjectMetadataList" : type.type.kind + "List";
}

/// As items of a list, of which those of built-in types do not say what they are.
kube::Object as_item(const ServedType& type, const kube::Object& object, bool metadata_only) {
  auto item = metadata_only ? to_partial(object) : object;
  if (!type.custom && !metadata_only) {
    item.erase("kind");
    item.erase("apiVersion");
  }
  return item;
}

}  // namespace

Result<http::Response> get_object(MemoryApi& api, const http::ServerRequest& request,
                                  const ApiTarget& target) {
  const bool metadata_only = TRY(wants_metadata_only(request.headers));
  const auto object = api.store.find(*target.type, target.key);
  if (!object) return not_found(*target.type, target.key.name);
  return json_response(200, metadata_only ? to_partial(*object) : *object);
}

Result<http::Response> list_objects(MemoryApi& api, const http::ServerRequest& request,
                                    const ApiTarget& target) {
  const bool metadata_only = TRY(wants_metadata_only(request.headers));
  const auto selection = TRY(read_selection(target, request.query));
  const auto plan = TRY(plan_list(api, request.query));
  const auto state = api.store.objects_at(*target.type, plan.revision);
  auto items = json::Value::empty_array();
  auto metadata = json::object({{"resourceVersion", std::to_string(plan.revision)}});
  std::optional<kube::Key> last;
  std::size_t remaining = 0;
  auto at = plan.after ? state.upper_bound(*plan.after) : state.begin();
  for (; at != state.end(); ++at) {
    if (!selection.matches(at->first, *at->second)) continue;
    if (plan.limit != 0 && items.size() == plan.limit) {
      ++remaining;
      continue;
    }
    items.push_back(as_item(*target.type, *at->second, metadata_only));
    last = at->first;
  }
  if (remaining > 0) {
    metadata.set("continue", encode_position({plan.revision, *last}));
    const bool all = selection.labels.selects_everything() && selection.fields.selects_everything();
    if (all) metadata.set("remainingItemCount", remaining);
  } else if (target.type->custom) {
    metadata.set("continue", "");
  }
  const auto version = metadata_only ? std::string("meta.k8s.io/v1") : target.type->type.api_version();
  auto list = json::object({{"kind", list_kind(*target.type, metadata_only)}, {"apiVersion", version}});
  list.set("metadata", std::move(metadata));
  list.set("items", std::move(items));
  return json_response(200, list);
}

namespace {

struct WatchPlan {
  const ServedType* type = nullptr;
  Selection selection = {};
  bool metadata_only = false;
  std::uint64_t revision = 0;  ///< changes after this one
  bool initial = false;        ///< the present state comes first
  bool initial_end = false;    ///< and is ended by a bookmark
  bool too_old = false;
  bool bookmarks = false;
  Duration timeout = std::chrono::minutes(45);
  std::optional<Fault> fault = {};

  [[nodiscard]] bool has(Fault::Kind kind) const { return fault && fault->kind == kind; }
};

Result<WatchPlan> plan_watch(const MemoryApi& api, const http::ServerRequest& request,
                             const ApiTarget& target, const std::optional<Fault>& fault) {
  const auto& query = request.query;
  auto selection = TRY(read_selection(target, query));
  const bool metadata_only = TRY(wants_metadata_only(request.headers));
  WatchPlan plan{
      .type = target.type, .selection = std::move(selection), .metadata_only = metadata_only, .fault = fault};
  plan.bookmarks = query.get("allowWatchBookmarks") == "true" || query.get("allowWatchBookmarks") == "1";
  if (plan.has(Fault::Kind::kNoBookmarks)) plan.bookmarks = false;
  if (const auto seconds = TRY(read_number(query, "timeoutSeconds")); seconds && *seconds > 0) {
    plan.timeout = std::chrono::seconds(*seconds);
  }
  const auto asked = TRY(read_number(query, "resourceVersion"));
  const auto match = query.get("resourceVersionMatch").value_or("");
  const bool ignored = plan.has(Fault::Kind::kIgnoreInitialEvents);
  const auto send_initial = ignored ? std::nullopt : query.get("sendInitialEvents");
  if (send_initial) {
    if (!api.watch_lists) {
      return invalid_option(
          "ListOptions", "sendInitialEvents",
          "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled");
    }
    if (match != "NotOlderThan") {
      return invalid_option("ListOptions", "resourceVersionMatch",
                            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
  } else if (!match.empty() && !ignored) {
    return invalid_option("ListOptions", "resourceVersionMatch",
                          "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  plan.revision = asked.value_or(0);
  if (send_initial == "true") {
    if (plan.revision > api.store.revision()) return too_large_version(plan.revision, api.store.revision());
    plan.initial = plan.initial_end = true;
  } else if (plan.revision == 0 && send_initial != "false") {
    plan.initial = true;
  } else if (plan.revision == 0) {
    plan.revision = api.store.revision();
  } else {
    plan.too_old = plan.revision < api.store.compacted();
  }
  return plan;
}

/// One watch while it lasts.
class Watch {
 public:
  Watch(MemoryApi& api, WatchPlan plan, http::BodyWriter& out)
      : api_(api), plan_(std::move(plan)), out_(out), wishes_(api.bookmark_wishes) {
    ++api_.watches;
  }
  ~Watch() { --api_.watches; }

  Result<> run(Ctx& ctx) {
    if (plan_.too_old) return send_expired(ctx);
    if (plan_.fault && plan_.fault->detail.events == 0 && TRY(misbehave(ctx, "{\"type\":\"ADDED\"}\n")))
      return {};
    if (plan_.initial) TRY(send_initial(ctx));
    const auto end = ctx.now() + plan_.timeout;
    auto next_bookmark = ctx.now() + api_.bookmark_interval;
    while (!ended_) {
      TRY(send_changes(ctx));
      if (ended_) break;
      if (plan_.bookmarks && (ctx.now() >= next_bookmark || wishes_ != api_.bookmark_wishes)) {
        wishes_ = api_.bookmark_wishes;
        next_bookmark = ctx.now() + api_.bookmark_interval;
        TRY(send_bookmark(ctx, false));
      }
      if (ctx.now() >= end) return plan_.bookmarks ? send_bookmark(ctx, false) : Result<>();
      auto limited = ctx.with_deadline(std::min(end, plan_.bookmarks ? next_bookmark : end));
      TRY(api_.store.wait_for_change(limited, plan_.revision));
    }
    return {};
  }

 private:
  Result<> send_initial(Ctx& ctx) {
    plan_.revision = api_.store.revision();
    const auto state = api_.store.objects(*plan_.type);
    for (const auto& [key, object] : state) {
      if (ended_) return {};
      if (plan_.selection.matches(key, *object)) TRY(send(ctx, "ADDED", form(*object)));
    }
    if (plan_.initial_end && !ended_ && !plan_.has(Fault::Kind::kNoBookmarks)) TRY(send_bookmark(ctx, true));
    return {};
  }

  Result<> send_changes(Ctx& ctx) {
    while (!ended_) {
      if (plan_.revision < api_.store.compacted()) return send_expired(ctx);
      const auto* found = api_.store.change_after(plan_.revision);
      if (found == nullptr) return {};
      const auto change = *found;  // the store may forget it while this waits
      plan_.revision = change.revision;
      if (change.type != plan_.type) continue;
      const bool was = change.before && plan_.selection.matches(change.key, *change.before);
      const bool is = change.now && plan_.selection.matches(change.key, *change.now);
      if (is) {
        TRY(send(ctx, was ? "MODIFIED" : "ADDED", form(*change.now)));
      } else if (was) {
        auto last = *change.before;
        last["metadata"].set("resourceVersion", std::to_string(change.revision));
        TRY(send(ctx, "DELETED", form(last)));
      }
    }
    return {};
  }

  Result<> send_expired(Ctx& ctx) {
    const auto error = expired("too old resource version: " + std::to_string(plan_.revision) + " (" +
                               std::to_string(api_.store.compacted()) + ")");
    return send_error(ctx, error.value());
  }

  Result<> send_error(Ctx& ctx, const Error& error) {
    ended_ = true;
    return out_.write(ctx, line("ERROR", kube::Status::from_error(error).to_json()));
  }

  Result<> send_bookmark(Ctx& ctx, bool initial_end) {
    auto metadata = json::object({{"resourceVersion", std::to_string(plan_.revision)}});
    if (initial_end) {
      metadata.set("annotations", json::object({{"k8s.io/initial-events-end", "true"}}));
    }
    const auto& type = plan_.type->type;
    auto object = json::object({{"kind", plan_.metadata_only ? "PartialObjectMetadata" : type.kind.c_str()},
                                {"apiVersion", plan_.metadata_only ? "meta.k8s.io/v1" : type.api_version()}});
    object.set("metadata", std::move(metadata));
    return send(ctx, "BOOKMARK", std::move(object));
  }

  [[nodiscard]] kube::Object form(const kube::Object& object) const {
    return plan_.metadata_only ? to_partial(object) : object;
  }

  static std::string line(std::string_view type, const kube::Object& object) {
    std::string text = "{\"type\":\"" + std::string(type) + "\",\"object\":";
    json::print_to(text, object);
    return text + "}\n";
  }

  Result<> send(Ctx& ctx, std::string_view type, const kube::Object& object) {
    const auto text = line(type, object);
    if (plan_.fault && sent_ == plan_.fault->detail.events) {
      if (TRY(misbehave(ctx, text))) return {};
    }
    ++sent_;
    if (plan_.has(Fault::Kind::kDelayEvents)) TRY(ctx.sleep(plan_.fault->detail.pause));
    TRY(out_.write(ctx, text));
    if (plan_.has(Fault::Kind::kDuplicateEvents)) TRY(out_.write(ctx, text));
    return {};
  }

  /// True if the watch has ended by that.
  Result<bool> misbehave(Ctx& ctx, std::string_view text) {
    const auto& fault = *plan_.fault;
    switch (fault.kind) {
      case Fault::Kind::kWatchEnds: ended_ = true; return true;
      case Fault::Kind::kWatchCut:
        TRY(out_.write(ctx, text.substr(0, text.size() / 2)));
        return fail(Code::kUnavailable, "the connection is broken on purpose");
      case Fault::Kind::kWatchError:
        ended_ = true;
        TRY(out_.write(ctx, error_event(fault.detail.status)));
        return true;
      case Fault::Kind::kWatchStall:
        ended_ = true;
        TRY(ctx.sleep(plan_.timeout));
        return true;
      default: return false;
    }
  }

  MemoryApi& api_;
  WatchPlan plan_;
  http::BodyWriter& out_;
  std::size_t wishes_;
  std::size_t sent_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<http::Response> watch_objects(MemoryApi& api, const http::ServerRequest& request,
                                     const ApiTarget& target, const std::optional<Fault>& fault) {
  http::Response response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache, private");
  response.stream = [&api, plan = TRY(plan_watch(api, request, target, fault))](
                        Ctx& ctx, http::BodyWriter& out) mutable -> Result<> {
    auto result = Watch(api, std::move(plan), out).run(ctx);
    if (!result && is(result.error(), Code::kCancelled)) return {};  // the server stops: end in order
    return result;
  };
  return response;
}

}  // namespace klutch::testing
