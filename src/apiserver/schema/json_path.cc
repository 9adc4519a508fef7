// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/json_path.h"

#include <algorithm>
#include <compare>
#include <optional>

#include "apiserver/schema/go_text.h"
#include "apiserver/schema/json_path_node.h"

namespace klutch::apiserver {
namespace {

using Node = JsonPath::Node;
using NodeList = JsonPath::NodeList;
using Values = std::vector<const json::Value*>;

tl::unexpected<Error> cannot_find(std::string text) {
  return fail(Code::kInvalid, std::move(text));
}

std::string_view go_type_name(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kBool: return "bool";
    case json::Kind::kInt: return "int64";
    case json::Kind::kUint:
    case json::Kind::kDouble: return "float64";
    case json::Kind::kString: return "string";
    case json::Kind::kArray: return "[]interface {}";
    case json::Kind::kObject: return "map[string]interface {}";
    default: return "<nil>";
  }
}

/// Less, equal or greater; values of different types cannot be compared.
Result<std::strong_ordering> compare(const json::Value& a, const json::Value& b, bool equality) {
  const auto is_basic = [](const json::Value& v) { return v.is_bool() || v.is_number() || v.is_string(); };
  if (!is_basic(a) || !is_basic(b)) return cannot_find("invalid type for comparison");
  if (go_type_name(a) != go_type_name(b)) return cannot_find("incompatible types for comparison");
  if (a.is_string()) return a.as_string() <=> b.as_string();
  if (a.is_int()) return a.as_int() <=> b.as_int();
  if (!a.is_bool()) {
    if (a.to_double() == b.to_double()) return std::strong_ordering::equal;
    return a.to_double() < b.to_double() ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  if (!equality) return cannot_find("invalid type for comparison");
  return a.as_bool() <=> b.as_bool();
}

Result<bool> holds(const json::Value& left, std::string_view operation, const json::Value& right) {
  static constexpr std::string_view kOperations[] = {"<", ">", "==", "!=", "<=", ">="};
  if (std::find(std::begin(kOperations), std::end(kOperations), operation) == std::end(kOperations)) {
    return cannot_find("unrecognized filter operator " + std::string(operation));
  }
  const auto order = TRY(compare(left, right, operation == "==" || operation == "!="));
  if (operation == "==") return order == 0;
  if (operation == "!=") return order != 0;
  if (operation == "<") return order < 0;
  if (operation == "<=") return order <= 0;
  return operation == ">" ? order > 0 : order >= 0;
}

class PathWalk {
 public:
  PathWalk(const json::Value& root, JsonPath::Found& found) : root_(root), found_(found) {}

  Result<> run(const NodeList& nodes) {
    for (const Node& node : nodes) found_.groups.push_back(TRY(walk({&root_}, node)));
    return {};
  }

 private:
  Result<> spend(std::size_t values) {
    spent_ += values + 1;
    if (spent_ <= JsonPath::kMaxValues) return {};
    return fail(Code::kTooLarge,
                "the path looks at more than " + std::to_string(JsonPath::kMaxValues) + " values");
  }

  const json::Value* make(json::Value value) { return &found_.made.emplace_back(std::move(value)); }

  Result<Values> walk_list(Values values, const NodeList& nodes) {
    for (const Node& node : nodes) values = TRY(walk(std::move(values), node));
    return values;
  }

  Result<Values> walk(Values input, const Node& node) {
    TRY(spend(input.size()));
    switch (node.kind) {
      case Node::Kind::kList: return walk_list(std::move(input), node.lists.front());
      case Node::Kind::kText:
        if (node.value.is_string()) return Values{make(node.value)};
        return Values(input.size(), make(node.value));
      case Node::Kind::kField: return walk_field(input, node.text);
      case Node::Kind::kArray: return walk_array(input, node);
      case Node::Kind::kUnion: return walk_union(input, node);
      case Node::Kind::kFilter: return walk_filter(input, node);
      case Node::Kind::kWildcard: return walk_wildcard(input);
      case Node::Kind::kRecursive: return walk_recursive(input);
      case Node::Kind::kIdentifier: break;
    }
    if (node.text == "range") return cannot_find("range is not supported");
    if (node.text == "end") return cannot_find("not in range, nothing to end");
    return cannot_find("unrecognized identifier " + node.text);
  }

  static Result<Values> walk_field(const Values& input, std::string_view name) {
    Values out;
    for (const json::Value* value : input) {
      if (const json::Value* member = value->find(name)) out.push_back(member);
    }
    return out;
  }

  static tl::unexpected<Error> out_of_bounds(std::int64_t index, std::int64_t length) {
    return cannot_find("array index out of bounds: index " + std::to_string(index) + ", length " +
                       std::to_string(length));
  }

  Result<Values> walk_array(const Values& input, const Node& node) {
    Values out;
    for (const json::Value* value : input) {
      if (value->is_null()) continue;
      if (!value->is_array())
        return cannot_find(std::string(go_type_name(*value)) + " is not array or slice");
      const auto length = static_cast<std::int64_t>(value->size());
      std::int64_t first = node.bounds[0].known ? node.bounds[0].value : 0;
      if (first < 0) first += length;
      std::int64_t end = node.bounds[1].known ? node.bounds[1].value : length;
      if (end < 0 || (end == 0 && node.bounds[1].derived)) end += length;
      if (first == end) return out;
      if (first < 0 || first >= length) return out_of_bounds(first, length);
      if (end < 0 || end > length) return out_of_bounds(end - 1, length);
      if (first > end) {
        return cannot_find("starting index " + std::to_string(first) + " is greater than ending index " +
                           std::to_string(end));
      }
      const std::int64_t step = node.bounds[2].known ? node.bounds[2].value : 1;
      if (step <= 0) return cannot_find("step must be > 0");
      TRY(spend(static_cast<std::size_t>(end - first)));
      for (std::int64_t i = first; i < end; i += std::min(step, end)) {
        out.push_back(&value->at(static_cast<std::size_t>(i)));
      }
    }
    return out;
  }

  Result<Values> walk_union(const Values& input, const Node& node) {
    Values out;
    for (const NodeList& list : node.lists) {
      const Values found = TRY(walk_list(input, list));
      out.insert(out.end(), found.begin(), found.end());
    }
    return out;
  }

  /// The one value of a side of a comparison; nothing if there is none.
  Result<const json::Value*> single(const json::Value* element, const NodeList& nodes) {
    const Values found = TRY(walk_list({element}, nodes));
    if (found.size() > 1) return cannot_find("can only compare one element at a time");
    return found.empty() ? nullptr : found.front();
  }

  Result<bool> passes(const json::Value* element, const Node& node) {
    if (node.lists.size() == 1) {
      const auto found = walk_list({element}, node.lists[0]);
      return found && !found->empty();
    }
    const json::Value* left = TRY(single(element, node.lists[0]));
    if (left == nullptr) return false;
    const json::Value* right = TRY(single(element, node.lists[1]));
    if (right == nullptr) return false;
    return holds(*left, node.text, *right);
  }

  Result<Values> walk_filter(const Values& input, const Node& node) {
    Values out;
    for (const json::Value* value : input) {
      if (!value->is_array())
        return cannot_find(go_plain(*value) + " is not array or slice and cannot be filtered");
      TRY(spend(value->size()));
      for (const json::Value& element : value->elements()) {
        if (TRY(passes(&element, node))) out.push_back(&element);
      }
    }
    return out;
  }

  /// What is directly inside a value: members by name, elements, bytes of a string.
  Values children(const json::Value& value) {
    Values out;
    if (value.is_object()) {
      std::vector<const json::Member*> members;
      for (const json::Member& member : value.members()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](const auto* a, const auto* b) { return a->key() < b->key(); });
      for (const json::Member* member : members) out.push_back(&member->value());
    } else if (value.is_array()) {
      for (const json::Value& element : value.elements()) out.push_back(&element);
    } else if (value.is_string()) {
      for (const char c : value.as_string()) out.push_back(make(static_cast<unsigned char>(c)));
    }
    return out;
  }

  Result<Values> walk_wildcard(const Values& input) {
    Values out;
    for (const json::Value* value : input) {
      TRY(spend(value->is_string() ? value->as_string().size() : value->size()));
      const Values inside = children(*value);
      out.insert(out.end(), inside.begin(), inside.end());
    }
    return out;
  }

  /// All values inside that have something inside themselves, each before its parts. Goes without recursion.
  Result<Values> walk_recursive(const Values& input) {
    Values out;
    Values open(input.rbegin(), input.rend());
    while (!open.empty()) {
      const json::Value* value = open.back();
      open.pop_back();
      if (value->is_string() ? value->as_string().empty() : value->empty()) continue;
      TRY(spend(1 + value->size()));
      out.push_back(value);
      if (value->is_string()) continue;
      const Values inside = children(*value);
      open.insert(open.end(), inside.rbegin(), inside.rend());
    }
    return out;
  }

  const json::Value& root_;
  JsonPath::Found& found_;
  std::size_t spent_ = 0;
};

}  // namespace

Result<JsonPath::Found> JsonPath::find(const json::Value& value) const {
  Found found;
  TRY(PathWalk(value, found).run(*nodes_));
  return found;
}

}  // namespace klutch::apiserver
