// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/negotiation.h"

#include <gtest/gtest.h>

#include "apiserver/endpoints/endpoints_testing.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using Encoding = Representation::Encoding;
using Shape = Representation::Shape;

constexpr auto kOne = "/apis/ex.io/v1/namespaces/n/widgets/a";
constexpr auto kMany = "/apis/ex.io/v1/namespaces/n/widgets";
constexpr auto kWatch = "/apis/ex.io/v1/namespaces/n/widgets?watch=1";

Result<Representation> negotiate_for(std::string target, std::string accept, std::string agent = "kubectl") {
  http::Headers headers{{"User-Agent", agent}};
  if (!accept.empty()) headers.add("Accept", accept);
  TestRequest request(widgets(), std::move(target), headers);
  return negotiate(request);
}

TEST(Negotiation, ChoosesTheBestOfWhatIsAccepted) {
  struct Case {
    const char* reason;
    std::string target;
    std::string accept;
    std::string key;
    Encoding encoding = Encoding::kJson;
  };
  const Case cases[] = {
      {"nothing said", kOne, "", "object"},
      {"anything", kOne, "*/*", "object"},
      {"any application", kOne, "application/*", "object"},
      {"a lone asterisk", kOne, "*", "object"},
      {"YAML", kOne, "application/yaml", "object/yaml", Encoding::kYaml},
      {"quality decides", kOne, "application/json;q=0.5, application/yaml;q=0.9", "object/yaml",
       Encoding::kYaml},
      {"a named type before a wildcard", kOne, "*/*, application/yaml;q=0.1", "object/yaml", Encoding::kYaml},
      {"client-go wants protobuf first", kOne, "application/vnd.kubernetes.protobuf,application/json",
       "object"},
      {"protobuf, then anything", kOne, "application/vnd.kubernetes.protobuf, */*", "object"},
      {"kubectl get", kMany,
       "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,"
       "application/json",
       "table/v1/1"},
      {"an old kubectl", kMany, "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json",
       "table/v1beta1/1"},
      {"a table of a version to come", kMany, "application/json;as=Table;v=v2;g=meta.k8s.io,application/json",
       "object"},
      {"a table with objects", std::string(kMany) + "?includeObject=Object",
       "application/json;as=Table;v=v1;g=meta.k8s.io", "table/v1/2"},
      {"a table without objects", std::string(kMany) + "?includeObject=None",
       "application/json;as=Table;v=v1;g=meta.k8s.io", "table/v1/0"},
      {"metadata of one", kOne, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
       "metadata/v1"},
      {"metadata of many", kMany, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
       "metadata/v1"},
      {"metadata of a watch", kWatch, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
       "metadata/v1"},
      {"metadata as protobuf or JSON", kWatch,
       "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
       "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
       "metadata/v1"},
      {"a watch that says so", kWatch, "application/json;stream=watch", "object"},
      {"pretty by parameter", kOne, "application/json;pretty=1", "object/pretty"},
      {"pretty by query", std::string(kOne) + "?pretty=true", "", "object/pretty"},
      {"parameters that nobody knows", kOne, "application/json;charset=utf-8", "object"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    const auto form = negotiate_for(c.target, c.accept);
    ASSERT_TRUE(form.has_value()) << form.error().message();
    EXPECT_EQ(form->cache_key(), c.key);
    EXPECT_EQ(form->encoding, c.encoding);
  }
}

TEST(Negotiation, PrintsForPeople) {
  for (const char* agent : {"curl/8.1", "Wget/1.2", "Mozilla/5.0 (X11)"}) {
    EXPECT_TRUE(negotiate_for(kOne, "", agent)->pretty) << agent;
    EXPECT_FALSE(negotiate_for(std::string(kOne) + "?pretty=0", "", agent)->pretty) << agent;
  }
  EXPECT_FALSE(negotiate_for(kOne, "", "Go-http-client/1.1")->pretty);
}

TEST(Negotiation, RefusesWhatItCannotGive) {
  struct Case {
    const char* reason;
    std::string target;
    std::string accept;
    std::string message;
  };
  const std::string types = "only the following media types are accepted: application/json, application/yaml";
  const std::string streams = "only the following media types are accepted: application/json;stream=watch";
  const Case cases[] = {
      {"another type", kOne, "application/xml", types},
      {"protobuf alone", kOne, "application/vnd.kubernetes.protobuf", types},
      {"no media type at all", kOne, "json", types},
      {"an unknown form alone", kOne, "application/json;as=Chart;v=v1;g=meta.k8s.io", types},
      {"a watch as YAML", kWatch, "application/yaml", streams},
      {"a list as an object", kMany, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
       "you requested PartialObjectMetadata, but the requested object is a list (WidgetList)"},
      {"an object as a list", kOne, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
       "you requested PartialObjectMetadataList, but the requested object is not a list (Widget)"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    const auto form = negotiate_for(c.target, c.accept);
    ASSERT_FALSE(form.has_value());
    const auto* status = form.error().detail<kube::Status>();
    ASSERT_NE(status, nullptr);
    EXPECT_EQ(status->http_status, 406);
    EXPECT_EQ(status->reason, "NotAcceptable");
    EXPECT_EQ(status->message, c.message);
  }
  const auto form =
      negotiate_for(std::string(kMany) + "?includeObject=x", "application/json;as=Table;v=v1;g=meta.k8s.io");
  ASSERT_FALSE(form.has_value());
  EXPECT_EQ(form.error().code(), Code::kBadRequest);
  EXPECT_EQ(form.error().message(),
            "Unable to convert to Table as requested: includeObject: Invalid value: \"x\": must be "
            "'Metadata', 'Object', 'None', or empty");
}

TEST(Negotiation, LooksAtABoundedNumberOfAlternatives) {
  std::string accept;
  for (int i = 0; i < 5000; ++i) accept += "a/b" + std::to_string(i) + ";q=0." + std::to_string(i) + ",";
  const auto form = negotiate_for(kOne, accept + "application/json");
  ASSERT_FALSE(form.has_value());
  EXPECT_EQ(form.error().detail<kube::Status>()->http_status, 406);
}

}  // namespace
}  // namespace klutch::apiserver
