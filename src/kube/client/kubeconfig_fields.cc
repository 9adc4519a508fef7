// SPDX-License-Identifier: Apache-2.0
#include "kube/client/kubeconfig_fields.h"

#include <algorithm>

#include "base/secret.h"
#include "crypto/base64.h"

namespace klutch::kube {
namespace {

bool is_all(const json::Value& list, bool (json::Value::*is_kind)() const) {
  const auto elements = list.elements();
  return std::all_of(elements.begin(), elements.end(),
                     [&](const json::Value& element) { return (element.*is_kind)(); });
}

bool is_texts(const json::Value& value) {
  return value.is_array() && is_all(value, &json::Value::is_string);
}

bool is_text_lists(const json::Value& value) {
  if (!value.is_object()) return false;
  const auto members = value.members();
  return std::all_of(members.begin(), members.end(),
                     [](const json::Member& member) { return is_texts(member.value()); });
}

bool has_form(const json::Value& value, FieldForm form) {
  switch (form) {
    case FieldForm::kText: return value.is_string();
    case FieldForm::kFlag: return value.is_bool();
    case FieldForm::kTexts: return is_texts(value);
    case FieldForm::kObject: return value.is_object();
    case FieldForm::kObjects: return value.is_array() && is_all(value, &json::Value::is_object);
    case FieldForm::kTextLists: return is_text_lists(value);
  }
  return false;
}

bool is_list(FieldForm form) {
  return form == FieldForm::kTexts || form == FieldForm::kObjects;
}

std::string_view describe_form(FieldForm form) {
  switch (form) {
    case FieldForm::kText: return "a string";
    case FieldForm::kFlag: return "true or false";
    case FieldForm::kTexts: return "a list of strings";
    case FieldForm::kObject: return "an object";
    case FieldForm::kObjects: return "a list of objects";
    case FieldForm::kTextLists: return "an object of lists of strings";
  }
  return "something else";
}

}  // namespace

Result<> check_fields(const json::Value& object, std::span<const FieldRule> rules, const std::string& where) {
  for (const auto& rule : rules) {
    const auto* value = object.find(rule.name);
    if (value == nullptr || value->is_null() || has_form(*value, rule.form)) continue;
    auto message =
        where + ": " + std::string(rule.name) + " must be " + std::string(describe_form(rule.form));
    // A list or object of the right kind has something wrong inside.
    const bool wrong_inside = is_list(rule.form) ? value->is_array() : value->is_object();
    if (!wrong_inside || rule.form == FieldForm::kText || rule.form == FieldForm::kFlag) {
      message += ", not " + std::string(json::kind_name(value->kind()));
    }
    if (rule.form == FieldForm::kText && (value->is_number() || value->is_bool())) message += "; quote it";
    return fail(Code::kInvalid, message);
  }
  return {};
}

std::string text_field(const json::Value& object, std::string_view name) {
  return std::string(object.find_string(name).value_or(""));
}

bool flag_field(const json::Value& object, std::string_view name) {
  return object.find_bool(name).value_or(false);
}

std::vector<std::string> texts_field(const json::Value& object, std::string_view name) {
  std::vector<std::string> texts;
  const auto* list = object.find_array(name);
  if (list == nullptr) return texts;
  for (const auto& element : list->elements()) texts.emplace_back(element.as_string());
  return texts;
}

Result<std::string> base64_field(const json::Value& object, std::string_view name, const std::string& where) {
  auto text = text_field(object, name);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  auto decoded = crypto::base64_decode(text);
  wipe_string(text);
  return decoded.map_error(context(where + ": " + std::string(name) + " is no Base64"));
}

void set_or_remove(json::Value& object, std::string_view name, json::Value value) {
  const bool empty = value.is_null() || (value.is_bool() && !value.as_bool()) ||
                     (value.is_string() && value.as_string().empty()) ||
                     ((value.is_array() || value.is_object()) && value.empty());
  if (!empty) {
    object.set(name, std::move(value));
  } else if (object.is_object()) {
    object.erase(name);
  }
}

}  // namespace klutch::kube
