// SPDX-License-Identifier: Apache-2.0
// What a client of the API server may send besides its path: the query, Accept, Content-Type, User-Agent (one
// line each) and a body (the rest). Refused, or read to something sane.
#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/endpoints/accept.h"
#include "apiserver/endpoints/body.h"
#include "apiserver/endpoints/json_syntax.h"
#include "apiserver/endpoints/list_options.h"
#include "apiserver/endpoints/options.h"
#include "base/check.h"
#include "base/strings.h"
#include "http/query.h"
#include "json/parse.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void check_manager(const Result<WriteOptions>& options) {
  if (options) CHECK(options->field_manager.size() <= 128);
}

void check_options(const http::Query& query, const http::Headers& headers, std::string_view body) {
  check_manager(read_create_options(query, headers));
  check_manager(read_update_options(query, headers));
  const auto apply = read_patch_options(query, headers, PatchType::kApply);
  check_manager(apply);
  if (apply) CHECK(!apply->field_manager.empty());
  const auto merge = read_patch_options(query, headers, PatchType::kMerge);
  if (merge) CHECK(!merge->force);
  const auto deletion = read_delete_options(query, headers, body);
  // Nobody who asks for a dry run, rightly written or not, deletes anything.
  if (deletion && query.get("dryRun")) CHECK(deletion->dry_run);
  for (const bool watch : {false, true}) {
    const auto options = read_list_options(query, watch);
    if (options && !watch) CHECK(!options->send_initial_events);
  }
}

void check_token(std::string_view text) {
  const auto token = ContinueToken::decode(text);
  if (!token) return;
  const auto again = ContinueToken::decode(token->encode());
  CHECK(again.has_value());
  CHECK(again->after == token->after);
  CHECK(again->revision == token->revision);
}

void check_json(std::string_view body) {
  const auto problem = go_json_syntax_error(body);
  const auto value = json::parse(body);
  if (value) CHECK(problem.empty());
  CHECK(problem.find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = http::Query::parse_form(take_line(text));
  const auto accept = take_line(text);
  http::Headers headers;
  headers.add("Content-Type", take_line(text));
  headers.add("User-Agent", take_line(text));
  for (const AcceptClause& clause : parse_accept(accept)) {
    CHECK(!clause.subtype.empty());
    static_cast<void>(clause.parameter("as"));
  }
  CHECK(parse_accept(accept).size() <= 64);
  CHECK(default_field_manager(headers).size() <= 128);
  for (const bool protobuf : {false, true}) {
    const auto body = decode_body(text, headers, {.protobuf = protobuf, .kind = "Widget"});
    if (body) CHECK(body->object.is_object() || body->object.is_null());
  }
  static_cast<void>(decode_yaml_body(text));
  check_json(text);
  check_token(text);
  if (query) {
    check_options(*query, headers, text);
    check_token(query->get("continue").value_or(""));
  }
  return 0;
}
