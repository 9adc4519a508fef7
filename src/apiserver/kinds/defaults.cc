// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/defaults.h"

#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

/// What is to be done with a message: its own defaults, those of single fields, and what is below.
struct Plan {
  struct Fixed {
    std::string_view field = {};
    json::Value value = {};
  };
  struct Below {
    const FieldFacts* field = nullptr;
    const Plan* plan = nullptr;
  };
  MessageDefaults defaults = nullptr;
  std::vector<Fixed> fixed = {};
  std::vector<Below> below = {};
  std::vector<const Plan*> inlined = {};
  bool does_something = false;
};

/// Most strings have "" as their default in the published schemas, which says nothing.
bool is_empty_default(std::string_view text) {
  return text.empty() || text == "\"\"" || text == "{}" || text == "0" || text == "false";
}

class Plans {
 public:
  static const Plans& get() {
    static const Plans plans;
    return plans;
  }
  [[nodiscard]] const Plan& of(const MessageFacts& message) const { return plans_.at(&message); }

 private:
  Plans() {
    const auto messages = BuiltinFacts::get().messages();
    for (const auto& message : messages) plans_[message.get()];
    for (const auto& message : messages) fill(plans_.at(message.get()), *message);
    // Whether there is anything to do below: messages may contain themselves.
    for (bool changed = true; changed;) {
      changed = false;
      for (auto& [message, plan] : plans_) {
        if (plan.does_something) continue;
        for (const auto& below : plan.below) plan.does_something |= below.plan->does_something;
        for (const auto* inlined : plan.inlined) plan.does_something |= inlined->does_something;
        changed = changed || plan.does_something;
      }
    }
    for (auto& [message, plan] : plans_) {
      std::erase_if(plan.below, [](const auto& below) { return !below.plan->does_something; });
      std::erase_if(plan.inlined, [](const auto* inlined) { return !inlined->does_something; });
    }
  }

  void fill(Plan& plan, const MessageFacts& message) {
    for (const auto find : {core_defaults, pod_defaults, workload_defaults, other_defaults}) {
      if (plan.defaults == nullptr) plan.defaults = find(message.name);
    }
    for (const FieldFacts& field : message.fields) {
      if (field.type == FieldFacts::Type::kMessage) {
        if (field.message->special) continue;
        const Plan* below = &plans_.at(field.message);
        if (field.inlined) {
          plan.inlined.push_back(below);
        } else {
          plan.below.push_back({&field, below});
        }
      } else if (!is_empty_default(field.default_value)) {
        auto value = json::parse(field.default_value);
        CHECK(value.has_value());
        plan.fixed.push_back({field.name, *std::move(value)});
      }
    }
    plan.does_something = plan.defaults != nullptr || !plan.fixed.empty();
  }

  std::unordered_map<const MessageFacts*, Plan> plans_;
};

bool is_unset(const json::Value* value) {
  return value == nullptr || value->is_null() || (value->is_string() && value->as_string().empty());
}

void carry_out(json::Value& value, const Plan& plan);

void carry_out_below(json::Value& value, const Plan::Below& below) {
  auto* member = value.find(below.field->name);
  if (member == nullptr) return;
  if (below.field->shape == FieldFacts::Shape::kList && member->is_array()) {
    for (auto& element : member->elements()) carry_out(element, *below.plan);
  } else if (below.field->shape == FieldFacts::Shape::kMap && member->is_object()) {
    for (auto& [key, element] : member->members()) carry_out(element, *below.plan);
  } else {
    carry_out(*member, *below.plan);
  }
}

void carry_out(json::Value& value, const Plan& plan) {
  if (!value.is_object()) return;
  if (plan.defaults != nullptr) plan.defaults(value);
  for (const auto& fixed : plan.fixed) {
    if (is_unset(value.find(fixed.field))) value.set(fixed.field, fixed.value);
  }
  for (const auto* inlined : plan.inlined) carry_out(value, *inlined);
  for (const auto& below : plan.below) carry_out_below(value, below);
}

}  // namespace

void set_defaults(json::Value& object, const MessageFacts& message) {
  carry_out(object, Plans::get().of(message));
}

}  // namespace klutch::apiserver
