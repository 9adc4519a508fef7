// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cel/source.h"
#include "apiserver/cel/value.h"

// The syntax tree of an expression after macros are expanded. Nodes live in one table and name each other by
// index, children before parents; each node has one parent. Names are views into the tree's own storage.
// Internal.

namespace klutch::apiserver::cel {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = static_cast<NodeId>(-1);

enum class NodeKind : std::uint8_t {
  kUnspecified,  ///< Stands where a message was reported.
  kLiteral,
  kIdent,
  kSelect,
  kCall,
  kList,
  kMap,
  kStruct,
  kComprehension,
};

/// Functions that operators stand for.
namespace function {
inline constexpr std::string_view kConditional = "_?_:_";
inline constexpr std::string_view kAnd = "_&&_";
inline constexpr std::string_view kOr = "_||_";
inline constexpr std::string_view kNot = "!_";
inline constexpr std::string_view kEquals = "_==_";
inline constexpr std::string_view kNotEquals = "_!=_";
inline constexpr std::string_view kLess = "_<_";
inline constexpr std::string_view kLessEquals = "_<=_";
inline constexpr std::string_view kGreater = "_>_";
inline constexpr std::string_view kGreaterEquals = "_>=_";
inline constexpr std::string_view kAdd = "_+_";
inline constexpr std::string_view kSubtract = "_-_";
inline constexpr std::string_view kMultiply = "_*_";
inline constexpr std::string_view kDivide = "_/_";
inline constexpr std::string_view kModulo = "_%_";
inline constexpr std::string_view kNegate = "-_";
inline constexpr std::string_view kIndex = "_[_]";
inline constexpr std::string_view kIn = "@in";
inline constexpr std::string_view kOptionalSelect = "_?._";
inline constexpr std::string_view kOptionalIndex = "_[?_]";
inline constexpr std::string_view kNotStrictlyFalse = "@not_strictly_false";
inline constexpr std::string_view kMapInsert = "cel.@mapInsert";
}  // namespace function

/// The variable in which comprehensions gather their result; no text can name it.
inline constexpr std::string_view kAccumulator = "@result";
/// Its name in older versions of CEL, which no variable may have either.
inline constexpr std::string_view kOldAccumulator = "__result__";

/// What few nodes have.
struct NodeExtras {
  /// kList, kMap, kStruct: which elements or entries stand behind '?'; empty when none does.
  std::vector<bool> optional = {};
  /// kStruct: names and positions of the fields.
  std::vector<std::string_view> fields = {};
  std::vector<std::int32_t> field_positions = {};
  /// kComprehension: element or key, value where there are two variables, and what the result gathers in.
  std::string_view variable = {};
  std::string_view second_variable = {};
  std::string_view accumulator = {};
};

struct Node {
  NodeKind kind = NodeKind::kUnspecified;
  bool test_only = false;  ///< kSelect: has(operand.name).
  bool is_method = false;  ///< kCall: children[0] is the target.
  std::int32_t position = kNoPosition;
  std::string_view name = {};  ///< Identifier, field, function, or type of a struct.
  /// kSelect: operand. kCall: target if any, then arguments. kList: elements. kMap: keys and values in turn.
  /// kStruct: values. kComprehension: range, initial value, condition, step, result.
  std::vector<NodeId> children = {};
  Value literal = {};
  /// Of kStruct and kComprehension always, of kList and kMap where something is optional.
  std::shared_ptr<const NodeExtras> extras = {};

  /// Whether element or entry `index` of a list, map or struct stands behind '?'.
  [[nodiscard]] bool is_optional(std::size_t index) const {
    return extras != nullptr && index < extras->optional.size() && extras->optional[index];
  }
  [[nodiscard]] bool has_optional() const { return extras != nullptr && !extras->optional.empty(); }
};

/// Places in Node::children of a comprehension.
enum ComprehensionPart : std::uint8_t { kRange, kInitial, kCondition, kStep, kResult };

class Ast {
 public:
  explicit Ast(std::string_view text) : source_(text) {}
  Ast(const Ast&) = delete;
  Ast& operator=(const Ast&) = delete;

  [[nodiscard]] const Source& source() const noexcept { return source_; }
  [[nodiscard]] const Node& node(NodeId id) const noexcept { return nodes_[id]; }
  [[nodiscard]] Node& node(NodeId id) noexcept { return nodes_[id]; }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] NodeId root() const noexcept { return root_; }
  void set_root(NodeId root) noexcept { root_ = root; }

  NodeId add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<NodeId>(nodes_.size() - 1);
  }
  /// Keeps a name that does not stand in the source.
  std::string_view keep(std::string name) { return names_.emplace_back(std::move(name)); }

 private:
  Source source_;
  std::deque<Node> nodes_;
  std::deque<std::string> names_;
  NodeId root_ = kNoNode;
};

/// The "a.b.c" that a chain of selections spells, or nothing when it is something else.
std::string qualified_name(const Ast& ast, NodeId id);

}  // namespace klutch::apiserver::cel
