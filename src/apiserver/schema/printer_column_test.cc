// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/printer_column.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

TEST(PrinterColumn, ShowsWhatIsOfItsType) {
  struct Row {
    std::string_view type;
    std::string_view path;
    json::Value cell;
    std::string_view reason;
  };
  const Row rows[] = {
      {"string", ".s", "x", "text as it is"},
      {"string", ".n", "1.5e+06", "a number as Go prints it"},
      {"string", ".o", R"({"a":[1,"b"]})", "an object as JSON"},
      {"string", ".nil", "<no value>", "null is there, but has no value"},
      {"string", ".missing", nullptr, "nothing"},
      {"integer", ".i", 3, "an integer"},
      {"integer", ".f", 2, "a number without its fraction"},
      {"integer", ".s", nullptr, "no text among integers"},
      {"number", ".i", 3.0, "a number"},
      {"boolean", ".b", true, "a truth"},
      {"boolean", ".s", nullptr, "no text among truths"},
      {"date", ".t", "5m3s", "an age"},
      {"date", ".s", "<invalid>", "no time"},
      {"date", ".empty", "<unknown>", "an empty time"},
      {"date", ".i", nullptr, "no number among times"},
      {"string", ".list[9]", nullptr, "out of bounds is nothing"},
  };
  const json::Value object = json::parse(R"({"s":"x","n":1500000.0,"o":{"a":[1,"b"]},"nil":null,"i":3,"f":2.9,
    "b":true,"t":"2024-01-01T00:00:00Z","empty":"","list":[1]})")
                                 .value();
  const Time now = parse_rfc3339("2024-01-01T00:05:03Z").value();
  for (const Row& row : rows) {
    const auto column = PrinterColumn::parse(row.type, row.path);
    ASSERT_TRUE(column) << row.reason;
    EXPECT_EQ(column->cell(object, now), row.cell) << row.reason;
  }
  EXPECT_EQ(PrinterColumn::parse("string", ".a[").error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace klutch::apiserver
