// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/body.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "apiserver/endpoints/json_syntax.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

http::Headers content_type(std::string_view type) {
  return http::Headers{{"Content-Type", type}};
}

TEST(Body, WithoutContentTypeIsJson) {
  const auto body = decode_body(R"({"a":1})", {}, {});
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->object, json::object({{"a", 1}}));
  EXPECT_TRUE(body->duplicate_fields.empty());
}

TEST(Body, ThatIsEmptyGivesNull) {
  const auto body = decode_body("", content_type("application/json"), {.kind = "Widget"});
  ASSERT_TRUE(body.has_value());
  EXPECT_TRUE(body->object.is_null());
}

TEST(Body, NamesDuplicatesAsFieldPaths) {
  const auto body = decode_body(
      R"({"spec":{"ports":[{},{"x":1,"x":2}],"map":{"0":1,"0":2},"color":"a","color":"b"}})", {}, {});
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->duplicate_fields,
            (std::vector<std::string>{"spec.ports[1].x", "spec.map.0", "spec.color"}));
  EXPECT_EQ(body->object.find("spec")->find_string("color"), "b");

  const auto yaml = decode_body("spec:\n  color: a\n  color: b\n", content_type("application/yaml"), {});
  ASSERT_TRUE(yaml.has_value());
  EXPECT_EQ(yaml->duplicate_fields, std::vector<std::string>{"spec.color"});
}

TEST(Body, InYamlFollowsYaml11AndMayBeJson) {
  const auto headers = content_type("Application/YAML; charset=utf-8");
  EXPECT_EQ(decode_body("a: yes\nb: 010\n", headers, {})->object, json::object({{"a", true}, {"b", 8}}));
  EXPECT_EQ(decode_body(R"({"a":"yes","y":1})", headers, {})->object, json::object({{"a", "yes"}, {"y", 1}}));
  EXPECT_EQ(decode_yaml_body("{a: b}")->object, json::object({{"a", "b"}}));
  EXPECT_EQ(decode_yaml_body("# nothing\n")->object, json::Value());
}

TEST(Body, WithSeveralYamlDocumentsIsRefused) {
  const auto body = decode_yaml_body("a: 1\n---\nb: 2\n");
  ASSERT_FALSE(body.has_value());
  EXPECT_EQ(body.error().code(), Code::kBadRequest);
}

TEST(Body, OfAnotherTypeIsRefusedWithTheListOfAcceptedOnes) {
  struct Case {
    const char* reason;
    std::string type;
    bool protobuf;
    std::string accepted;
  };
  const Case cases[] = {
      {"unknown type", "a/b", false, "application/json, application/yaml"},
      {"unknown type, built-in kind", "a/b", true,
       "application/json, application/yaml, application/vnd.kubernetes.protobuf"},
      {"protobuf for a custom kind", "application/vnd.kubernetes.protobuf", false,
       "application/json, application/yaml"},
  };
  for (const auto& c : cases) {
    for (const std::string_view bytes : {"{}", ""}) {
      SCOPED_TRACE(c.reason);
      const auto body = decode_body(bytes, content_type(c.type), {.protobuf = c.protobuf});
      ASSERT_FALSE(body.has_value());
      const auto* status = body.error().detail<kube::Status>();
      ASSERT_NE(status, nullptr);
      EXPECT_EQ(status->http_status, 415);
      EXPECT_EQ(status->reason, "UnsupportedMediaType");
      EXPECT_EQ(
          status->message,
          "the body of the request was in an unknown format - accepted media types include: " + c.accepted);
    }
  }
}

TEST(Body, InProtobufIsReadForBuiltinKinds) {
  // runtime.Unknown{typeMeta{v1, ConfigMap}, raw: ConfigMap{metadata{name: "a"}}}
  const std::string bytes(
      "k8s\0\x0a\x0f\x0a\x02v1\x12\x09"
      "ConfigMap\x12\x05\x0a\x03\x0a\x01"
      "a\x1a\x00\x22\x00",
      4 + 17 + 7 + 4);
  const auto body =
      decode_body(bytes, content_type("application/vnd.kubernetes.protobuf"), {.protobuf = true});
  ASSERT_TRUE(body.has_value()) << body.error().message();
  EXPECT_EQ(body->object.find_string("kind"), "ConfigMap");
  EXPECT_EQ(body->object.find("metadata")->find_string("name"), "a");

  const auto bad =
      decode_body("k8s", content_type("application/vnd.kubernetes.protobuf"), {.protobuf = true});
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), Code::kBadRequest);
}

TEST(Body, ThatCannotBeReadIsRefusedInGosWords) {
  const auto bad = decode_body(R"({"password": x})", {}, {.kind = "Secret"});
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), Code::kBadRequest);
  EXPECT_EQ(bad.error().message(),
            "the object provided is unrecognized (must be of type Secret): couldn't get version/kind; json "
            "parse error: invalid character 'x' looking for beginning of value");
  const auto list = decode_body("[1]", {}, {.kind = "Widget"});
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().code(), Code::kBadRequest);
  EXPECT_EQ(
      list.error().message(),
      R"(the object provided is unrecognized (must be of type Widget): couldn't get version/kind; json )"
      R"(parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string )"
      R"("json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" })");
  EXPECT_TRUE(decode_body("[1]", {}, {}).has_value());
}

TEST(Body, NestedTooDeeplyIsRefusedInJsonAndYaml) {
  const std::string deep(100'000, '[');
  EXPECT_FALSE(decode_body(deep, {}, {}).has_value());
  EXPECT_FALSE(decode_yaml_body(deep).has_value());
  EXPECT_EQ(go_json_syntax_error(deep), "unexpected end of JSON input");
}

TEST(JsonSyntax, IsDescribedAsGoDescribesIt) {
  const char* const root = std::getenv("KLUTCH_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  std::ifstream file(std::string(root) + "/src/apiserver/endpoints/testdata/json_syntax.txt");
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const auto row = json::parse(line);
    ASSERT_TRUE(row.has_value()) << line;
    EXPECT_EQ(go_json_syntax_error(row->at(0).as_string()), row->at(1).as_string()) << line;
    ++count;
  }
  EXPECT_GT(count, 40);
}

}  // namespace
}  // namespace klutch::apiserver
