// SPDX-License-Identifier: Apache-2.0
// Any text as an Accept header: a bounded list of alternatives that have a type, each of which is taken for
// what it names.
#include <cstdint>
#include <string_view>

#include "apiserver/endpoints/accept.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto clauses = klutch::apiserver::parse_accept(text);
  CHECK(clauses.size() <= 64);
  for (const auto& clause : clauses) {
    CHECK(!clause.subtype.empty());
    CHECK(clause.accepts(clause.type, clause.subtype));
    for (const auto& [name, value] : clause.parameters) {
      CHECK(name != "q");
      CHECK(clause.parameter(name).size() <= text.size());
    }
  }
  return 0;
}
