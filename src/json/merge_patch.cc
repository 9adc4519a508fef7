// SPDX-License-Identifier: Apache-2.0
#include "json/merge_patch.h"

#include <string>

#include "json/frame_stack.h"
#include "json/pointer.h"

namespace klutch::json {
namespace {

struct ApplyFrame {
  Value* target;
  const Value* patch;
  std::size_t next;
};

/// Does what `patch` says to `target` itself; true when the members of an object patch remain to be done.
bool begin_apply(Value& target, const Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return false;
  }
  if (!target.is_object()) target = Value::empty_object();
  if (!target.empty()) {
    target.erase_if([&patch](const Member& member) {
      const Value* change = patch.find(member.key());
      return change != nullptr && change->is_null();
    });
  }
  return !patch.empty();
}

struct MakeFrame {
  const Value* from;
  const Value* to;
  Value* patch;
  std::size_t next;
};

/// The state of one make_merge_patch(): a walk over the members of `to` that are objects on both sides or
/// new.
class Maker {
 public:
  Result<Value> make(const Value& from, const Value& to) {
    if (!to.is_object()) return to;
    Value patch;
    TRY(open(from, to, patch));
    while (!frames_.empty()) {
      MakeFrame& frame = frames_.top();
      if (frame.next == frame.to->size()) {
        close();
      } else {
        TRY(next_member(frame));
      }
    }
    return patch;
  }

 private:
  static const Value& nothing() {
    static const Value kNothing;
    return kNothing;
  }

  /// Starts the patch of an object: everything that must go is known at once.
  Result<> open(const Value& from, const Value& to, Value& patch) {
    patch = Value::empty_object();
    if (from.is_object()) {
      for (const auto& [key, value] : from.members()) {
        if (!to.contains(key)) patch.set(key, nullptr);
      }
    }
    frames_.push({&from, &to, &patch, 0});
    return {};
  }

  Result<> next_member(MakeFrame& frame) {
    const Member& member = frame.to->members()[frame.next++];
    const Value* old = frame.from->find(member.key());
    const Value& now = member.value();
    if (now.is_object()) {
      path_.push(member.key());
      return open(old == nullptr ? nothing() : *old, now, (*frame.patch)[member.key()]);
    }
    if (old != nullptr && *old == now) return {};
    if (now.is_null()) {
      return fail(Code::kUnsupported,
                  "a merge patch cannot set \"" + path_.push(member.key()).to_string() + "\" to null");
    }
    frame.patch->set(member.key(), now);
    return {};
  }

  /// Drops the patch of a member that did not change; an object that is new stays, even when it is empty.
  void close() {
    const MakeFrame done = frames_.top();
    frames_.pop();
    if (frames_.empty()) return;
    if (done.patch->empty() && done.from->is_object()) frames_.top().patch->erase(path_.back());
    path_.pop();
  }

  detail::FrameStack<MakeFrame> frames_;
  Pointer path_;
};

}  // namespace

void apply_merge_patch(Value& target, const Value& patch) {
  if (!begin_apply(target, patch)) return;
  detail::FrameStack<ApplyFrame> open;
  open.push({&target, &patch, 0});
  while (!open.empty()) {
    ApplyFrame& frame = open.top();
    if (frame.next == frame.patch->size()) {
      open.pop();
      continue;
    }
    const Member& change = frame.patch->members()[frame.next++];
    if (change.value().is_null()) continue;
    Value& member = (*frame.target)[change.key()];
    if (begin_apply(member, change.value())) open.push({&member, &change.value(), 0});
  }
}

Result<Value> make_merge_patch(const Value& from, const Value& to) {
  return Maker().make(from, to);
}

}  // namespace klutch::json
