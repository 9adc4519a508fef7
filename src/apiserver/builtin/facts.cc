// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/facts.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_map>

#include "base/check.h"

namespace klutch::embedded {
extern const std::string_view kBuiltinFacts;
}  // namespace klutch::embedded

namespace klutch::apiserver {
namespace {

using Words = std::vector<std::string_view>;

Words split_words(std::string_view text, char separator) {
  Words words;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// The value of "name=value", or nothing.
std::optional<std::string_view> value_of(std::string_view word, std::string_view name) {
  if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != '=') return std::nullopt;
  return word.substr(name.size() + 1);
}

std::optional<FieldFacts::Type> scalar_type(std::string_view word) {
  using Scalar = FieldFacts::Type;
  static constexpr std::pair<std::string_view, Scalar> kTypes[] = {
      {"string", Scalar::kString}, {"bool", Scalar::kBool},     {"int32", Scalar::kInt32},
      {"int64", Scalar::kInt64},   {"double", Scalar::kDouble}, {"bytes", Scalar::kBytes},
  };
  for (const auto& [name, type] : kTypes) {
    if (name == word) return type;
  }
  return std::nullopt;
}

/// "core.v1" of v1, "rbac.v1" of rbac.authorization.k8s.io/v1: the first part of a message's name.
std::string package_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return "core." + std::string(api_version);
  const auto group = api_version.substr(0, slash);
  return std::string(group.substr(0, group.find('.'))) + "." + std::string(api_version.substr(slash + 1));
}

}  // namespace

/// Reads the lines of facts.txt; a line that it does not understand is a mistake of ours, so it aborts.
class BuiltinFacts::Reader {
 public:
  explicit Reader(BuiltinFacts& facts) : facts_(facts) {}

  void read(std::string_view text) {
    for (const auto line : split_words(text, '\n')) {
      const auto words = split_words(line, ' ');
      switch (line.front()) {
        case 'R': read_resource(words); break;
        case 'M': read_message(words); break;
        case 'F': read_field(words); break;
        default: CHECK(line.front() == '#');
      }
    }
    for (auto& [name, message] : by_name_) {
      facts_.messages_.push_back(std::move(message));
    }
    std::ranges::sort(facts_.messages_, {}, [](const auto& message) { return message->name; });
  }

 private:
  /// Also for messages that are named before they are described, or never are: those are the special ones.
  MessageFacts* message(std::string_view name) {
    auto& slot = by_name_[name];
    if (slot == nullptr) {
      slot = std::make_unique<MessageFacts>();
      slot->name = name;
      slot->special = true;
    }
    return slot.get();
  }

  void read_message(const Words& words) {
    current_ = message(words.at(1));
    current_->special = false;
    current_->atomic_map = words.size() > 2;
  }

  void read_field(const Words& words) {
    FieldFacts field;
    field.name = words.at(1);
    const auto number = words.at(2);
    CHECK(std::from_chars(number.data(), number.data() + number.size(), field.number).ec == std::errc());
    read_type(words.at(3), field);
    for (std::size_t i = 4; i < words.size(); ++i) read_attribute(words[i], field);
    current_->fields.push_back(std::move(field));
  }

  void read_type(std::string_view word, FieldFacts& field) {
    if (word.starts_with("[]")) {
      field.shape = FieldFacts::Shape::kList;
      word.remove_prefix(2);
    } else if (word.starts_with("{}")) {
      field.shape = FieldFacts::Shape::kMap;
      word.remove_prefix(2);
    } else if (word.starts_with("^")) {
      field.inlined = true;
      word.remove_prefix(1);
    }
    if (const auto scalar = scalar_type(word)) {
      field.type = *scalar;
    } else {
      field.type = FieldFacts::Type::kMessage;
      field.message = message(word);
    }
  }

  static void read_attribute(std::string_view word, FieldFacts& field) {
    if (word == "required") {
      field.required = true;
    } else if (word == "ptr") {
      field.is_pointer = true;
    } else if (word == "keep") {
      field.keeps_zero = true;
    } else if (word == "null") {
      field.written_null = true;
    } else if (word == "list=set") {
      field.list_type = FieldFacts::ListType::kSet;
    } else if (word == "map=atomic") {
      field.atomic_map = true;
    } else if (const auto type = value_of(word, "go")) {
      field.go_type = *type;
    } else if (const auto keys = value_of(word, "list")) {
      CHECK(keys->starts_with("map:"));
      field.list_type = FieldFacts::ListType::kMap;
      field.list_keys = split_words(keys->substr(4), ',');
    } else if (const auto patch = value_of(word, "patch")) {
      const auto colon = patch->find(':');
      for (const auto strategy : split_words(patch->substr(0, colon), ',')) {
        field.patch_merge = field.patch_merge || strategy == "merge";
        field.patch_retains_keys = field.patch_retains_keys || strategy == "retainKeys";
      }
      field.merge_key = patch->substr(colon + 1);
    } else {
      const auto value = value_of(word, "default");
      CHECK(value.has_value());
      field.default_value = *value;
    }
  }

  void read_resource(const Words& words) {
    ResourceFacts resource;
    const auto slash = words.at(1).find('/');
    const bool has_group = slash != std::string_view::npos;
    resource.type = {.group = has_group ? std::string(words[1].substr(0, slash)) : "",
                     .version = std::string(has_group ? words[1].substr(slash + 1) : words[1]),
                     .resource = std::string(words.at(2)),
                     .kind = std::string(words.at(3)),
                     .namespaced = words.at(5) == "Namespaced"};
    resource.singular = words.at(4);
    resource.verbs = {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
    for (std::size_t i = 6; i < words.size(); ++i) {
      if (const auto name = value_of(words[i], "message")) resource.message = message(*name);
      if (const auto names = value_of(words[i], "short")) resource.short_names = split_words(*names, ',');
      if (const auto names = value_of(words[i], "categories")) resource.categories = split_words(*names, ',');
      if (const auto verbs = value_of(words[i], "verbs")) resource.verbs = split_words(*verbs, ',');
      if (const auto sub = value_of(words[i], "sub")) {
        const auto parts = split_words(*sub, ':');
        resource.subresources.push_back(
            {parts.at(0), parts.at(1), parts.at(2), split_words(parts.at(3), ',')});
      }
    }
    facts_.resources_.push_back(std::move(resource));
  }

  BuiltinFacts& facts_;
  std::unordered_map<std::string_view, std::unique_ptr<MessageFacts>> by_name_;
  MessageFacts* current_ = nullptr;
};

const FieldFacts* MessageFacts::find(std::string_view json_name) const {
  for (const auto& field : fields) {
    if (!field.inlined && field.name == json_name) return &field;
  }
  for (const auto& field : fields) {
    if (!field.inlined) continue;
    if (const auto* found = field.message->find(json_name); found != nullptr) return found;
  }
  return nullptr;
}

const FieldFacts* MessageFacts::find_number(std::uint32_t number) const {
  const auto found = std::ranges::find(fields, number, &FieldFacts::number);
  return found == fields.end() ? nullptr : &*found;
}

BuiltinFacts::BuiltinFacts() {
  Reader(*this).read(embedded::kBuiltinFacts);
}

const BuiltinFacts& BuiltinFacts::get() {
  static const BuiltinFacts facts;
  return facts;
}

const ResourceFacts* BuiltinFacts::find_resource(std::string_view group, std::string_view version,
                                                 std::string_view resource) const {
  const auto found = std::ranges::find_if(resources_, [&](const ResourceFacts& facts) {
    return facts.type.resource == resource && facts.type.version == version && facts.type.group == group;
  });
  return found == resources_.end() ? nullptr : &*found;
}

const MessageFacts* BuiltinFacts::find_message(std::string_view name) const {
  const auto found =
      std::ranges::lower_bound(messages_, name, {}, [](const auto& message) { return message->name; });
  return found != messages_.end() && (*found)->name == name ? found->get() : nullptr;
}

const MessageFacts* BuiltinFacts::message_of(std::string_view api_version, std::string_view kind) const {
  const auto resource = std::ranges::find_if(resources_, [&](const ResourceFacts& facts) {
    return facts.type.kind == kind && facts.type.api_version() == api_version;
  });
  if (resource != resources_.end()) return resource->message;
  if (const auto* found = find_message(package_of(api_version) + "." + std::string(kind)); found != nullptr)
    return found;
  // Options belong to every group: clients send them under the group's own version.
  return find_message("meta.v1." + std::string(kind));
}

}  // namespace klutch::apiserver
