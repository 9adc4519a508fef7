// SPDX-License-Identifier: Apache-2.0
// Bodies in Kubernetes' protobuf: whatever they hold, they are an object that prints and parses, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/builtin/conform.h"
#include "apiserver/builtin/protobuf.h"
#include "base/check.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/object.h"

using namespace klutch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto object = apiserver::decode_kubernetes_protobuf(body);
  if (!object) {
    CHECK(object.error().message().size() < 4096);
    return 0;
  }
  CHECK(apiserver::is_kubernetes_protobuf(body));
  CHECK(object->is_object());
  CHECK(!kube::kind(*object).empty());
  const auto again = json::parse(json::print(*object), {.max_bytes = SIZE_MAX});
  CHECK(again.has_value());
  return 0;
}
