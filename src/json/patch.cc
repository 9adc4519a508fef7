// SPDX-License-Identifier: Apache-2.0
#include "json/patch.h"

#include <optional>
#include <string>
#include <string_view>

#include "json/frame_stack.h"
#include "json/pointer.h"

namespace klutch::json {
namespace {

enum class Op { kAdd, kRemove, kReplace, kMove, kCopy, kTest };

std::optional<Op> op_named(std::string_view name) {
  if (name == "add") return Op::kAdd;
  if (name == "remove") return Op::kRemove;
  if (name == "replace") return Op::kReplace;
  if (name == "move") return Op::kMove;
  if (name == "copy") return Op::kCopy;
  if (name == "test") return Op::kTest;
  return std::nullopt;
}

/// One operation, understood but not yet tried.
struct Operation {
  Op op;
  Pointer path;
  Pointer from;                  // of move and copy
  const Value* value = nullptr;  // of add, replace and test
};

/// Text of the patch for an error message; a hostile one may be long.
std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 200;
  if (text.size() <= kShown) return "\"" + std::string(text) + "\"";
  return "\"" + std::string(text.substr(0, kShown)) + "...\"";
}

std::string quoted(const Pointer& path) {
  return quoted(path.to_string());
}

Result<Pointer> read_pointer(const Value& operation, std::string_view key) {
  const auto text = operation.find_string(key);
  if (!text) return fail(Code::kBadRequest, "\"" + std::string(key) + "\" must be a string");
  return Pointer::parse(*text).map_error(
      [](const Error& error) { return error.with_code(Code::kBadRequest); });
}

Result<Operation> read_operation(const Value& json) {
  if (!json.is_object()) return fail(Code::kBadRequest, "it must be an object");
  const auto name = json.find_string("op");
  if (!name) return fail(Code::kBadRequest, "\"op\" must be a string");
  const auto op = op_named(*name);
  if (!op) return fail(Code::kBadRequest, "there is no operation " + quoted(*name));
  Operation result{*op, TRY(read_pointer(json, "path")), {}, json.find("value")};
  if (*op == Op::kMove || *op == Op::kCopy) result.from = TRY(read_pointer(json, "from"));
  const bool takes_value = *op == Op::kAdd || *op == Op::kReplace || *op == Op::kTest;
  if (takes_value && result.value == nullptr) return fail(Code::kBadRequest, "\"value\" is missing");
  return result;
}

bool deeper_than(const Value& root, std::size_t limit) {
  struct Frame {
    const Value* container;
    std::size_t next;
  };
  detail::FrameStack<Frame> open;
  if (root.is_array() || root.is_object()) open.push({&root, 0});
  while (!open.empty()) {
    if (open.size() > limit) return true;
    Frame& frame = open.top();
    if (frame.next == frame.container->size()) {
      open.pop();
      continue;
    }
    const std::size_t i = frame.next++;
    const Value& child =
        frame.container->is_object() ? frame.container->members()[i].value() : frame.container->at(i);
    if (child.is_array() || child.is_object()) open.push({&child, 0});
  }
  return false;
}

/// A document under change, and how much of the limits is left.
class Patcher {
 public:
  Patcher(Value document, const PatchLimits& limits)
      : document_(std::move(document)),
        copies_left_(limits.max_copied_bytes),
        shifts_left_(limits.max_shifted_bytes) {}

  [[nodiscard]] Value& document() { return document_; }

  Result<> apply(const Operation& operation) {
    switch (operation.op) {
      case Op::kAdd: return add(operation.path, *operation.value);
      case Op::kRemove: TRY(remove(operation.path)); return {};
      case Op::kReplace: *TRY(locate(operation.path)) = *operation.value; return {};
      case Op::kMove: return move(operation.from, operation.path);
      case Op::kCopy: return copy(operation.from, operation.path);
      case Op::kTest: return test(operation.path, *operation.value);
    }
    return {};
  }

 private:
  Result<Value*> locate(const Pointer& path) {
    if (Value* found = path.find(document_)) return found;
    return fail(Code::kInvalid, "there is nothing at " + quoted(path));
  }

  Result<> add(const Pointer& path, Value value) {
    if (path.empty()) {
      document_ = std::move(value);
      return {};
    }
    const Pointer above = path.parent();
    Value& parent = *TRY(locate(above));
    if (parent.is_object()) {
      parent.set(path.back(), std::move(value));
      return {};
    }
    if (!parent.is_array()) return fail(Code::kInvalid, "what is at " + quoted(above) + " has no members");
    const auto index = path.back() == "-" ? parent.size() : index_of(path.back());
    if (!index || *index > parent.size()) {
      return fail(Code::kInvalid, quoted(path.back()) + " is no place in the array of " +
                                      std::to_string(parent.size()) + " at " + quoted(above));
    }
    TRY(pay_shift((parent.size() - *index) * sizeof(Value)));
    parent.insert_at(*index, std::move(value));
    return {};
  }

  Result<Value> remove(const Pointer& path) {
    if (path.empty()) return fail(Code::kInvalid, "the whole document cannot be removed");
    TRY(locate(path));
    Value& parent = *TRY(locate(path.parent()));
    if (parent.is_object()) {
      TRY(pay_shift(parent.size() * sizeof(Member)));
      return *parent.take(path.back());
    }
    const std::size_t index = *index_of(path.back());
    TRY(pay_shift((parent.size() - index) * sizeof(Value)));
    return parent.take_at(index);
  }

  Result<> move(const Pointer& from, const Pointer& path) {
    TRY(locate(from));
    if (from == path) return {};
    if (from.contains(path)) {
      return fail(Code::kInvalid, "what is at " + quoted(from) + " cannot be moved into itself");
    }
    return add(path, TRY(remove(from)));
  }

  Result<> copy(const Pointer& from, const Pointer& path) {
    const Value& source = *TRY(locate(from));
    const std::size_t bytes = sizeof(Value) + source.heap_bytes();
    if (bytes > copies_left_) return fail(Code::kTooLarge, "the patch copies more than is allowed");
    copies_left_ -= bytes;
    return add(path, Value(source));
  }

  Result<> test(const Pointer& path, const Value& value) {
    if (*TRY(locate(path)) == value) return {};
    return fail(Code::kPreconditionFailed, "the value is another one");
  }

  Result<> pay_shift(std::size_t bytes) {
    if (bytes > shifts_left_) return fail(Code::kTooLarge, "the patch shifts more than is allowed");
    shifts_left_ -= bytes;
    return {};
  }

  Value document_;
  std::size_t copies_left_;
  std::size_t shifts_left_;
};

std::string describe(std::size_t index, const Value& operation) {
  std::string text = "cannot apply operation " + std::to_string(index);
  const auto op = operation.find_string("op");
  const auto path = operation.find_string("path");
  if (op && path && op_named(*op)) text += " (" + std::string(*op) + " " + quoted(*path) + ")";
  return text;
}

}  // namespace

Result<> apply_patch(Value& document, const Value& patch, const PatchLimits& limits) {
  if (!patch.is_array()) return fail(Code::kBadRequest, "a JSON patch must be an array");
  if (patch.size() > limits.max_operations) {
    return fail(Code::kTooLarge, "a JSON patch may have at most " + std::to_string(limits.max_operations) +
                                     " operations, not " + std::to_string(patch.size()));
  }
  Patcher patcher(document, limits);
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const Value& json = patch.at(i);
    const auto done = read_operation(json).and_then(
        [&patcher](const Operation& operation) { return patcher.apply(operation); });
    if (!done) return fail(done.error().with_context(describe(i, json)));
  }
  if (deeper_than(patcher.document(), limits.max_depth)) {
    return fail(Code::kTooLarge,
                "the patched document is nested deeper than " + std::to_string(limits.max_depth));
  }
  document = std::move(patcher.document());
  return {};
}

}  // namespace klutch::json
