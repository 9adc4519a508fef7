// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/protobuf.h"

#include <rapidcheck/gtest.h>

#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

using json::Value;

/// Without what Go writes for empty structs and times, which says nothing.
Value without_empty(const Value& value) {
  if (value.is_array()) {
    auto list = Value::empty_array();
    for (const auto& item : value.elements()) list.push_back(without_empty(item));
    return list;
  }
  if (!value.is_object()) return value;
  auto object = Value::empty_object();
  for (const auto& [name, member] : value.members()) {
    auto kept = without_empty(member);
    if (!kept.is_null() && !(kept.is_object() && kept.empty())) object.set(name, std::move(kept));
  }
  return object;
}

TEST(Protobuf, ReadsWhatKubernetesWrites) {
  for (const auto& row : testing::read_table("src/apiserver/builtin/testdata/protobuf.tsv", 3)) {
    const auto decoded = decode_kubernetes_protobuf(crypto::base64_decode(row[1]).value());
    ASSERT_TRUE(decoded.has_value()) << row[0] << ": " << decoded.error().message();
    EXPECT_EQ(without_empty(*decoded), without_empty(json::parse(row[2]).value())) << row[0];
  }
}

std::string envelope(std::string_view api_version, std::string_view kind, std::string_view raw) {
  const auto field = [](char tag, std::string_view bytes) {
    return std::string{tag, static_cast<char>(bytes.size())} + std::string(bytes);
  };
  return std::string("k8s\0", 4) + field('\x0a', field('\x0a', api_version) + field('\x12', kind)) +
         field('\x12', raw);
}

TEST(Protobuf, SaysWhatItCannotRead) {
  struct Case {
    std::string body;
    Code code;
    const char* reason;
  };
  const Case cases[] = {
      {"{}", Code::kBadRequest, "JSON is no protobuf"},
      {std::string("k8s\0\xff", 5), Code::kBadRequest, "a number that does not end"},
      {envelope("ex.io/v1", "Widget", ""), Code::kUnsupported, "custom types have no protobuf form"},
      {envelope("v1", "Secret", "\x0a\x05x"), Code::kBadRequest, "a field longer than what is left"},
      {envelope("v1", "Secret", "\x0b"), Code::kBadRequest, "groups"},
      {envelope("v1", "Secret", std::string("\x18\x01", 2)), Code::kBadRequest,
       "a number in the place of a text"},
      {envelope("v1", "Secret", std::string("\x00\x01", 2)), Code::kBadRequest, "field number 0"},
  };
  for (const auto& test : cases) {
    const auto decoded = decode_kubernetes_protobuf(test.body);
    ASSERT_FALSE(decoded.has_value()) << test.reason;
    EXPECT_EQ(decoded.error().code(), test.code) << test.reason << ": " << decoded.error().message();
  }
}

TEST(Protobuf, LeavesOutFieldsOfALaterVersion) {
  const auto decoded =
      decode_kubernetes_protobuf(envelope("v1", "ConfigMap", std::string("\xf8\x06\x01", 3)));
  EXPECT_EQ(decoded.value(), json::object({{"apiVersion", "v1"}, {"kind", "ConfigMap"}}));
}

TEST(Protobuf, IsNotNestedWithoutEnd) {
  // A schema whose `not` holds a schema whose `not` ...
  std::string raw;
  for (int i = 0; i < 2000; ++i) {
    std::string size;
    for (auto left = raw.size();; left >>= 7U) {
      size += static_cast<char>((left & 0x7fU) | (left > 0x7f ? 0x80U : 0U));
      if (left <= 0x7f) break;
    }
    raw = std::string("\xe2\x01", 2) + size + raw;
  }
  const auto* schema = BuiltinFacts::get().find_message("apiextensions.v1.JSONSchemaProps");
  ASSERT_EQ(schema->find("not")->number, 28U);
  EXPECT_EQ(decode_message(raw, *schema).error().code(), Code::kTooLarge);
}

RC_GTEST_PROP(ProtobufProperty, AnyBytesAreReadOrRefused, ()) {
  static const auto rows = testing::read_table("src/apiserver/builtin/testdata/protobuf.tsv", 3);
  auto body = crypto::base64_decode(rows[*rc::gen::inRange<std::size_t>(0, rows.size())][1]).value();
  const auto changes = *rc::gen::inRange(1, 8);
  for (int i = 0; i < changes; ++i) {
    body[*rc::gen::inRange<std::size_t>(4, body.size())] = static_cast<char>(*rc::gen::inRange(0, 256));
  }
  static_cast<void>(decode_kubernetes_protobuf(body));
}

}  // namespace
}  // namespace klutch::apiserver
