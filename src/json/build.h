// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "json/value.h"

// Writes JSON values down as nested lists, for tests and for callers that know the shape. Values given as
// temporaries are moved, not copied, whatever the nesting. Stateless; cannot fail.
//
//   json::object({{"a", 1}, {"b", json::array({1, "two", nullptr})}})

namespace klutch::json {

/// One argument of object(): {"key", value}.
struct Field {
  template <class T>
    requires std::convertible_to<T, Value>
  Field(std::string_view name, T&& content) : key(name), value(std::forward<T>(content)) {}
  std::string_view key;
  mutable Value value;  ///< Moved out of the initializer list.
};

/// One argument of array().
struct Item {
  template <class T>
    requires(std::convertible_to<T, Value> && !std::same_as<std::remove_cvref_t<T>, Item>)
  Item(T&& content) : value(std::forward<T>(content)) {}
  mutable Value value;  ///< Moved out of the initializer list.
};

/// object({{"a", 1}, {"b", array({1, 2})}}). A key that is named twice keeps the last value.
Value object(std::initializer_list<Field> fields = {});
/// array({1, "two", nullptr}).
Value array(std::initializer_list<Item> items = {});

}  // namespace klutch::json
