// SPDX-License-Identifier: Apache-2.0
// Lists: what Kubernetes added first (sum, min, isSorted ...), cel-go's own extension, and sets.
#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "apiserver/cel/arithmetic.h"
#include "apiserver/cel/functions.h"

namespace klutch::apiserver::cel {
namespace {

/// More elements than an expression may cost.
constexpr std::int64_t kMaxRange = 1'000'000;

Value not_comparable(const Value& element) {
  return element.is_error() ? element : Value::no_such_overload();
}

Value is_sorted(Arguments a) {
  Value previous;
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    Value next = a[0].element(i);
    if (!is_comparable(next.kind())) return not_comparable(next);
    if (i > 0) {
      const Value order = compare(previous, next);
      if (order.kind() == Kind::kInt && order.as_int() == 1) return Value::boolean(false);
    }
    previous = std::move(next);
  }
  return Value::boolean(true);
}

Value sum_from(Value sum, const Value& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    sum = add(sum, list.element(i));
    if (sum.is_error()) break;
  }
  return sum;
}
Value sum_ints(Arguments a) {
  return sum_from(Value::integer(0), a[0]);
}
Value sum_uints(Arguments a) {
  return sum_from(Value::uinteger(0), a[0]);
}
Value sum_doubles(Arguments a) {
  return sum_from(Value::real(0), a[0]);
}
Value sum_durations(Arguments a) {
  return sum_from(Value::duration(0), a[0]);
}

/// The first element that no other is preferred to: the order `better` against the best so far.
Value best_of(const Value& list, std::int64_t better, std::string_view name) {
  if (list.size() == 0) return Value::error(std::string(name) + " called on empty list");
  Value best;
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value next = list.element(i);
    if (!is_comparable(next.kind())) return not_comparable(next);
    if (i > 0) {
      const Value order = compare(best, next);
      if (order.kind() != Kind::kInt || order.as_int() != better) continue;
    }
    best = std::move(next);
  }
  return best;
}
Value min_of(Arguments a) {
  return best_of(a[0], 1, "min");
}
Value max_of(Arguments a) {
  return best_of(a[0], -1, "max");
}

Value list_index_of(Arguments a) {
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    if (equal_values(a[0].element(i), a[1]).is_bool(true))
      return Value::integer(static_cast<std::int64_t>(i));
  }
  return Value::integer(-1);
}

Value list_last_index_of(Arguments a) {
  for (std::size_t i = a[0].size(); i > 0; --i) {
    if (equal_values(a[0].element(i - 1), a[1]).is_bool(true)) {
      return Value::integer(static_cast<std::int64_t>(i - 1));
    }
  }
  return Value::integer(-1);
}

// cel-go's extension.

Value list_slice(Arguments a) {
  const std::int64_t start = a[1].as_int();
  const std::int64_t end = a[2].as_int();
  const std::string call = "cannot slice(" + std::to_string(start) + ", " + std::to_string(end) + "), ";
  if (start < 0 || end < 0) return Value::error(call + "negative indexes not supported");
  if (start > end) return Value::error(call + "start index must be less than or equal to end index");
  if (a[0].size() < static_cast<std::uint64_t>(end)) {
    return Value::error(call + "list is length " + std::to_string(a[0].size()));
  }
  std::vector<Value> elements;
  for (std::int64_t i = start; i < end; ++i) elements.push_back(a[0].element(static_cast<std::size_t>(i)));
  return Value::list(elements);
}

/// As deep as values are nested, which is bounded.
void flatten_into(std::vector<Value>& elements, const Value& list, std::int64_t levels) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    Value element = list.element(i);
    if (element.kind() == Kind::kList && levels > 0) {
      flatten_into(elements, element, levels - 1);
    } else {
      elements.push_back(std::move(element));
    }
  }
}

Value flatten_to(const Value& list, std::int64_t levels) {
  if (levels < 0) return Value::error("level must be non-negative");
  std::vector<Value> elements;
  flatten_into(elements, list, levels);
  return Value::list(elements);
}

Value list_flatten(Arguments a) {
  if (a[0].kind() != Kind::kList) {
    return Value::error("no such overload: " + std::string(a[0].type_name()) + ".flatten()");
  }
  return flatten_to(a[0], 1);
}

Value list_flatten_levels(Arguments a) {
  if (a[0].kind() != Kind::kList || a[1].kind() != Kind::kInt) {
    return Value::error("no such overload: " + std::string(a[0].type_name()) + ".flatten(" +
                        std::string(a[1].type_name()) + ")");
  }
  return flatten_to(a[0], a[1].as_int());
}

/// Sorts by merging, which is safe for an order that is none, as that of NaN; std::sort is not.
template <class Before>
void merge_sort(std::vector<std::size_t>& places, Before before) {
  std::vector<std::size_t> merged(places.size());
  for (std::size_t width = 1; width < places.size(); width *= 2) {
    for (std::size_t begin = 0; begin < places.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, places.size());
      const std::size_t end = std::min(begin + 2 * width, places.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t i = begin; i < end; ++i) {
        const bool takes_right = left == middle || (right < end && before(places[right], places[left]));
        merged[i] = takes_right ? places[right++] : places[left++];
      }
    }
    places.swap(merged);
  }
}

Value sorted_by(const Value& list, const Value& keys) {
  if (list.size() != keys.size()) {
    return Value::error(
        "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got " +
        std::to_string(list.size()) + " and " + std::to_string(keys.size()) + " elements respectively");
  }
  if (list.size() == 0) return list;
  std::vector<Value> order;
  for (std::size_t i = 0; i < keys.size(); ++i) order.push_back(keys.element(i));
  if (!is_comparable(order[0].kind())) return Value::error("list elements must be comparable");
  for (const Value& key : order) {
    if (key.kind() != order[0].kind()) return Value::error("list elements must have the same type");
  }
  std::vector<std::size_t> places(order.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  merge_sort(places, [&order](std::size_t left, std::size_t right) {
    const Value compared = compare(order[left], order[right]);
    return compared.kind() == Kind::kInt && compared.as_int() == -1;
  });
  std::vector<Value> sorted;
  for (const std::size_t place : places) sorted.push_back(list.element(place));
  return Value::list(sorted);
}

Value list_sort(Arguments a) {
  return sorted_by(a[0], a[0]);
}

Value list_sort_by(Arguments a) {
  if (a[1].kind() != Kind::kList) return Value::no_such_overload();
  return sorted_by(a[0], a[1]);
}

Value list_range(Arguments a) {
  if (a[0].as_int() > kMaxRange) return Value::error("operation cancelled: range is too large");
  std::vector<Value> numbers;
  for (std::int64_t i = 0; i < a[0].as_int(); ++i) numbers.push_back(Value::integer(i));
  return Value::list(numbers);
}

Value list_reverse(Arguments a) {
  std::vector<Value> reversed;
  for (std::size_t i = a[0].size(); i > 0; --i) reversed.push_back(a[0].element(i - 1));
  return Value::list(reversed);
}

Value list_distinct(Arguments a) {
  std::vector<Value> distinct;
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    Value element = a[0].element(i);
    const bool known = std::ranges::any_of(
        distinct, [&element](const Value& other) { return equal_values(other, element).is_bool(true); });
    if (!known) distinct.push_back(std::move(element));
  }
  return Value::list(distinct);
}

// Sets.

Value contains_all(const Value& list, const Value& sublist) {
  for (std::size_t i = 0; i < sublist.size(); ++i) {
    Value found = contains(list, sublist.element(i));
    if (!found.is_bool(true)) return found;
  }
  return Value::boolean(true);
}

Value sets_contains(Arguments a) {
  return contains_all(a[0], a[1]);
}

Value sets_equivalent(Arguments a) {
  Value first = contains_all(a[0], a[1]);
  return first.is_bool(true) ? contains_all(a[1], a[0]) : first;
}

Value sets_intersects(Arguments a) {
  for (std::size_t i = 0; i < a[0].size(); ++i) {
    if (contains(a[1], a[0].element(i)).is_bool(true)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

constexpr std::array kKubeListFunctions = {
    OverloadSpec{"isSorted", "list_int_is_sorted_bool", ".(list(int)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_uint_is_sorted_bool", ".(list(uint)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_double_is_sorted_bool", ".(list(double)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_bool_is_sorted_bool", ".(list(bool)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_duration_is_sorted_bool", ".(list(duration)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_timestamp_is_sorted_bool", ".(list(timestamp)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_string_is_sorted_bool", ".(list(string)) -> bool", is_sorted},
    OverloadSpec{"isSorted", "list_bytes_is_sorted_bool", ".(list(bytes)) -> bool", is_sorted},
    OverloadSpec{"sum", "list_int_sum_int", ".(list(int)) -> int", sum_ints},
    OverloadSpec{"sum", "list_uint_sum_uint", ".(list(uint)) -> uint", sum_uints},
    OverloadSpec{"sum", "list_double_sum_double", ".(list(double)) -> double", sum_doubles},
    OverloadSpec{"sum", "list_duration_sum_duration", ".(list(duration)) -> duration", sum_durations},
    OverloadSpec{"max", "list_int_max_int", ".(list(int)) -> int", max_of},
    OverloadSpec{"max", "list_uint_max_uint", ".(list(uint)) -> uint", max_of},
    OverloadSpec{"max", "list_double_max_double", ".(list(double)) -> double", max_of},
    OverloadSpec{"max", "list_bool_max_bool", ".(list(bool)) -> bool", max_of},
    OverloadSpec{"max", "list_duration_max_duration", ".(list(duration)) -> duration", max_of},
    OverloadSpec{"max", "list_timestamp_max_timestamp", ".(list(timestamp)) -> timestamp", max_of},
    OverloadSpec{"max", "list_string_max_string", ".(list(string)) -> string", max_of},
    OverloadSpec{"max", "list_bytes_max_bytes", ".(list(bytes)) -> bytes", max_of},
    OverloadSpec{"min", "list_int_min_int", ".(list(int)) -> int", min_of},
    OverloadSpec{"min", "list_uint_min_uint", ".(list(uint)) -> uint", min_of},
    OverloadSpec{"min", "list_double_min_double", ".(list(double)) -> double", min_of},
    OverloadSpec{"min", "list_bool_min_bool", ".(list(bool)) -> bool", min_of},
    OverloadSpec{"min", "list_duration_min_duration", ".(list(duration)) -> duration", min_of},
    OverloadSpec{"min", "list_timestamp_min_timestamp", ".(list(timestamp)) -> timestamp", min_of},
    OverloadSpec{"min", "list_string_min_string", ".(list(string)) -> string", min_of},
    OverloadSpec{"min", "list_bytes_min_bytes", ".(list(bytes)) -> bytes", min_of},
    OverloadSpec{"indexOf", "list_a_index_of_int", ".(list(A), A) -> int", list_index_of},
    OverloadSpec{"lastIndexOf", "list_a_last_index_of_int", ".(list(A), A) -> int", list_last_index_of},
};

constexpr std::string_view kSortBy = "@sortByAssociatedKeys";

constexpr std::array kListFunctions = {
    OverloadSpec{"slice", "list_slice", ".(list(T), int, int) -> list(T)", list_slice},
    OverloadSpec{"flatten", "list_flatten", ".(list(list(T))) -> list(T)", list_flatten},
    OverloadSpec{"flatten", "list_flatten_int", ".(list(dyn), int) -> list(dyn)", list_flatten_levels},
    OverloadSpec{"sort", "list_int_sort", ".(list(int)) -> list(int)"},
    OverloadSpec{"sort", "list_uint_sort", ".(list(uint)) -> list(uint)"},
    OverloadSpec{"sort", "list_double_sort", ".(list(double)) -> list(double)"},
    OverloadSpec{"sort", "list_bool_sort", ".(list(bool)) -> list(bool)"},
    OverloadSpec{"sort", "list_google.protobuf.Duration_sort", ".(list(duration)) -> list(duration)"},
    OverloadSpec{"sort", "list_google.protobuf.Timestamp_sort", ".(list(timestamp)) -> list(timestamp)"},
    OverloadSpec{"sort", "list_string_sort", ".(list(string)) -> list(string)"},
    OverloadSpec{"sort", "list_bytes_sort", ".(list(bytes)) -> list(bytes)"},
    OverloadSpec{kSortBy, "list_int_sortByAssociatedKeys", ".(list(T), list(int)) -> list(T)"},
    OverloadSpec{kSortBy, "list_uint_sortByAssociatedKeys", ".(list(T), list(uint)) -> list(T)"},
    OverloadSpec{kSortBy, "list_double_sortByAssociatedKeys", ".(list(T), list(double)) -> list(T)"},
    OverloadSpec{kSortBy, "list_bool_sortByAssociatedKeys", ".(list(T), list(bool)) -> list(T)"},
    OverloadSpec{kSortBy, "list_google.protobuf.Duration_sortByAssociatedKeys",
                 ".(list(T), list(duration)) -> list(T)"},
    OverloadSpec{kSortBy, "list_google.protobuf.Timestamp_sortByAssociatedKeys",
                 ".(list(T), list(timestamp)) -> list(T)"},
    OverloadSpec{kSortBy, "list_string_sortByAssociatedKeys", ".(list(T), list(string)) -> list(T)"},
    OverloadSpec{kSortBy, "list_bytes_sortByAssociatedKeys", ".(list(T), list(bytes)) -> list(T)"},
    OverloadSpec{"lists.range", "lists_range", "(int) -> list(int)", list_range},
    OverloadSpec{"reverse", "list_reverse", ".(list(T)) -> list(T)", list_reverse},
    OverloadSpec{"distinct", "list_distinct", ".(list(T)) -> list(T)", list_distinct},
};

bool is_list_value(const Value& value) {
  return value.kind() == Kind::kList;
}

constexpr std::array kListSingletons = {
    SingletonSpec{"sort", CallShape::kUnary, list_sort, is_list_value},
    SingletonSpec{kSortBy, CallShape::kBinary, list_sort_by, is_list_value},
};

constexpr std::array kSetFunctions = {
    OverloadSpec{"sets.contains", "list_sets_contains_list", "(list(T), list(T)) -> bool", sets_contains},
    OverloadSpec{"sets.equivalent", "list_sets_equivalent_list", "(list(T), list(T)) -> bool",
                 sets_equivalent},
    OverloadSpec{"sets.intersects", "list_sets_intersects_list", "(list(T), list(T)) -> bool",
                 sets_intersects},
};

}  // namespace

std::span<const OverloadSpec> kube_list_overloads() {
  return kKubeListFunctions;
}

std::span<const OverloadSpec> list_overloads() {
  return kListFunctions;
}

std::span<const SingletonSpec> list_singletons() {
  return kListSingletons;
}

std::span<const OverloadSpec> set_overloads() {
  return kSetFunctions;
}

}  // namespace klutch::apiserver::cel
