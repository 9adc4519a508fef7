// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/reading.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "apiserver/endpoints/list_options.h"
#include "apiserver/endpoints/negotiation.h"
#include "apiserver/endpoints/options.h"
#include "apiserver/endpoints/read_support.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/verbs/api_errors.h"
#include "apiserver/verbs/scale.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// How often it is looked whether a version is there that has not been made yet.
constexpr Duration kLookAgain = std::chrono::milliseconds(50);

tl::unexpected<Error> bad_revision(const Error& error, std::string_view text) {
  return fail(Code::kBadRequest, "invalid resource version: " + revision_problem(error, text));
}

/// Which state a list is of, and which part of it.
struct ListPlan {
  Revision at = 0;  ///< 0: now
  std::optional<kube::Key> after = {};
  std::size_t limit = 0;
};

Result<ListPlan> plan_continued(const ListOptions& options) {
  const auto token = TRY(ContinueToken::decode(options.continue_token));
  if (!options.resource_version.empty() && options.resource_version != "0") {
    return fail(Code::kBadRequest, "specifying resource version is not allowed when using continue");
  }
  return ListPlan{.at = token.revision.value_or(0), .after = token.after};
}

Result<ListPlan> plan_list(Ctx& ctx, const Storage& storage, const ListOptions& options) {
  const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(options.limit, 0));
  if (!options.continue_token.empty()) {
    auto plan = TRY(plan_continued(options));
    plan.limit = limit;
    return plan;
  }
  const auto asked = parse_revision(options.resource_version);
  if (!asked) return bad_revision(asked.error(), options.resource_version);
  TRY(wait_for_revision(ctx, storage, *asked));
  ListPlan plan{.limit = limit};
  // A page of a version means exactly that version, unless the match says otherwise.
  const bool exact = options.match == ListOptions::Match::kExact ||
                     (options.match == ListOptions::Match::kUnset && limit > 0);
  if (exact) plan.at = *asked;
  // Clients that take any version get all at once, as from a watch cache.
  if (options.resource_version == "0") plan.limit = 0;
  return plan;
}

/// Where history has been lost a list can go on, though not with the state that it began with.
Error expired_list(const ListPlan& plan) {
  if (!plan.after) return resource_expired("The resourceVersion for the provided list is too old.");
  kube::Status status;
  status.http_status = 410;
  status.reason = "Expired";
  status.message =
      "The provided continue parameter is too old to display a consistent list result. You can start a new "
      "list without the continue parameter, or use the continue token in this response to retrieve the "
      "remainder of the results. Continuing with the provided token results in an inconsistent list - "
      "objects that were created, modified, or deleted between the time the first chunk was returned and now "
      "may show up in the list.";
  status.continue_token = ContinueToken{.revision = std::nullopt, .after = *plan.after}.encode();
  std::string message = status.message;
  return Error(Code::kGone, std::move(message))
      .with_detail(std::make_shared<kube::Status>(std::move(status)));
}

ListMetadata metadata_of_page(const Storage::Page& page, bool everything) {
  ListMetadata metadata{.resource_version = std::to_string(page.revision)};
  if (!page.more || page.objects.empty()) return metadata;
  metadata.continue_token =
      ContinueToken{.revision = page.revision, .after = page.objects.back()->key()}.encode();
  // How many of them would be selected nobody knows.
  if (everything) metadata.remaining = static_cast<std::int64_t>(page.remaining);
  return metadata;
}

}  // namespace

Error not_found(const ServedResource& resource, std::string_view name) {
  return object_not_found(resource.description.type.group_resource(), name);
}

std::string revision_problem(const Error& error, std::string_view text) {
  return FieldError::invalid(FieldPath("resourceVersion"), json::Value(text), error.message()).to_string();
}

Error resource_expired(std::string_view message) {
  kube::Status status;
  status.http_status = 410;
  status.reason = "Expired";
  status.message = message;
  return Error(Code::kGone, std::string(message))
      .with_detail(std::make_shared<kube::Status>(std::move(status)));
}

Result<> wait_for_revision(Ctx& ctx, const Storage& storage, Revision revision) {
  const Instant deadline = ctx.now() + kRevisionWait;
  while (storage.revision() < revision) {
    if (ctx.now() >= deadline) {
      kube::Status status;
      status.http_status = 504;
      status.reason = "Timeout";
      status.message = "Timeout: Too large resource version: " + std::to_string(revision) +
                       ", current: " + std::to_string(storage.revision());
      status.causes = {
          {.reason = "ResourceVersionTooLarge", .message = "Too large resource version", .field = {}}};
      status.retry_after_seconds = 1;
      return fail(status.to_error());
    }
    TRY(ctx.sleep(kLookAgain));
  }
  return {};
}

std::string listed_namespace(const ApiRequest& request) {
  return request.type().namespaced ? request.attributes.ns : std::string();
}

Result<ObjectFilter> read_filter(const ApiRequest& request) {
  auto filter = TRY(ObjectFilter::from_query(*request.resource, request.http.query));
  const std::string& name = request.attributes.name;
  if (name.empty() || filter.fields.required_value("metadata.name") == name) return filter;
  if (!filter.fields.selects_everything()) {
    return fail(Code::kBadRequest, "fieldSelector metadata.name doesn't match requested name");
  }
  filter.fields = kube::FieldSelector::exactly("metadata.name", name);
  return filter;
}

Result<http::Response> serve_get(Ctx& ctx, ApiRequest& request, const ReadContext& context) {
  const auto form = TRY(negotiate(request));
  if (read_flag(request.http.query, "export")) {
    return fail(Code::kBadRequest, "the export parameter, deprecated since v1.14, is no longer supported");
  }
  const std::string_view version = request.http.query.get("resourceVersion").value_or("");
  const auto asked = parse_revision(version);
  if (!asked) return bad_revision(asked.error(), version);
  TRY(wait_for_revision(ctx, context.storage, *asked));
  const auto stored = context.storage.get(request.resource->storage_type, request.key());
  if (stored == nullptr) return fail(not_found(*request.resource, request.attributes.name));
  if (request.attributes.subresource == "scale") {
    const ScalePaths* const paths = request.resource->behavior->scale();
    if (paths == nullptr) return fail(not_found(*request.resource, request.attributes.name));
    const auto scale = scale_of(served_object(*request.resource, *stored), *paths);
    return render_object(request, form, scale, 200, context.clock.now());
  }
  return render_stored(request, form, *stored, context.clock.now());
}

Result<http::Response> serve_list(Ctx& ctx, ApiRequest& request, const ReadContext& context) {
  const ServedResource& resource = *request.resource;
  const auto options = TRY(read_list_options(request.http.query, false));
  const auto form = TRY(negotiate(request));
  const auto filter = TRY(read_filter(request));
  auto plan = TRY(plan_list(ctx, context.storage, options));
  Storage::ListRange range{
      .ns = listed_namespace(request), .after = plan.after, .at = plan.at, .limit = plan.limit};
  const bool everything = filter.selects_everything();
  if (!everything) {
    range.filter = [&](const StoredObject& object) { return filter.matches(resource, object); };
  }
  const auto page = context.storage.list(resource.storage_type, range);
  if (!page) {
    if (is(page.error(), Code::kGone)) return fail(expired_list(plan));
    return fail(page.error());
  }
  return render_list(request, form, page->objects, metadata_of_page(*page, everything), context.clock.now());
}

}  // namespace klutch::apiserver
