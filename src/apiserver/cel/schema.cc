// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/schema.h"

#include <algorithm>
#include <array>
#include <utility>

namespace klutch::apiserver::cel {

namespace {

// Sizes of the JSON texts of values, with quotes where there are any (k8s.io/apiserver/pkg/cel/limits.go).
constexpr std::int64_t kMinStringBytes = 2;
constexpr std::int64_t kMinBooleanBytes = 4;
constexpr std::int64_t kMinNumberBytes = 1;
constexpr std::int64_t kMinDurationBytes = 3;
constexpr std::int64_t kMaxDurationBytes = 32;
constexpr std::int64_t kDateBytes = 12;
constexpr std::int64_t kMinDateTimeBytes = 21;
constexpr std::int64_t kMaxDateTimeBytes = 32;
constexpr std::int64_t kEmptyContainerBytes = 2;

constexpr std::array<std::string_view, 21> kReservedWords = {
    "true",     "false",   "null",      "in",       "as",  "break",  "const",
    "continue", "else",    "for",       "function", "if",  "import", "let",
    "loop",     "package", "namespace", "return",   "var", "void",   "while"};

bool is_reserved(std::string_view word) {
  return std::ranges::find(kReservedWords, word) != kReservedWords.end();
}

bool is_identifier_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::optional<std::string> escape_field_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return std::nullopt;
  if (is_reserved(name)) return "__" + std::string(name) + "__";
  std::string escaped;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      escaped += "__underscores__";
      ++i;
    } else if (name[i] == '.') {
      escaped += "__dot__";
    } else if (name[i] == '-') {
      escaped += "__dash__";
    } else if (name[i] == '/') {
      escaped += "__slash__";
    } else if (is_identifier_char(name[i])) {
      escaped += name[i];
    } else {
      return std::nullopt;
    }
  }
  return escaped;
}

std::optional<std::string> unescape_field_name(std::string_view name) {
  std::string plain;
  for (std::size_t i = 0; i < name.size();) {
    // An escape sequence is __word__ with no underscore inside the word.
    const std::size_t end = name.substr(i, 2) == "__" ? name.find('_', i + 2) : std::string_view::npos;
    if (end == std::string_view::npos || end == i + 2 || name.substr(end, 2) != "__") {
      plain += name[i++];
      continue;
    }
    const std::string_view word = name.substr(i + 2, end - i - 2);
    if (word == "underscores") {
      plain += "__";
    } else if (word == "dot") {
      plain += '.';
    } else if (word == "dash") {
      plain += '-';
    } else if (word == "slash") {
      plain += '/';
    } else if (is_reserved(word) && word.size() + 4 == name.size()) {
      plain += word;
    } else {
      return std::nullopt;
    }
    i = end + 2;
  }
  return plain;
}

const Schema* Schema::find_property(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(fields_, name, {}, &Field::name);
  return found != fields_.end() && found->name == name ? found->schema.get() : nullptr;
}

const Schema* Schema::find_field(std::string_view name) const noexcept {
  for (const Field& field : fields_) {
    if (field.escaped == name && field.schema->is_exposed()) return field.schema.get();
  }
  return nullptr;
}

const Schema* Schema::find_exposed(std::string_view name) const noexcept {
  const Schema* field = find_field(name);
  if (field != nullptr || !is_reserved(name)) return field;
  return find_field("__" + std::string(name) + "__");
}

/// Builds one node. Recursion is as deep as a structural schema, at most kMaxSchemaDepth.
class SchemaBuilder {
 public:
  static std::unique_ptr<const Schema> build(const StructuralSchema& source, bool is_resource,
                                             const std::string& type_name) {
    SchemaBuilder builder(source, is_resource, type_name);
    builder.fill();
    return std::move(builder.schema_);
  }

 private:
  SchemaBuilder(const StructuralSchema& source, bool is_resource, const std::string& type_name)
      : source_(source), is_resource_(is_resource), type_name_(type_name), schema_(new Schema) {}

  void fill() {
    schema_->nullable_ = source_.nullable;
    schema_->preserves_unknown_fields_ = source_.preserve_unknown_fields;
    if (source_.int_or_string) {
      set(Schema::Kind::kIntOrString, Type::dyn(), 1, bounded_text(kMaxRequestBytes - 2));
      return;
    }
    switch (source_.type) {
      case SchemaType::kArray: fill_array(); break;
      case SchemaType::kObject: fill_object(); break;
      case SchemaType::kString: fill_string(); break;
      case SchemaType::kBoolean: set(Schema::Kind::kBoolean, Type::boolean(), kMinBooleanBytes, 0); break;
      case SchemaType::kNumber: set(Schema::Kind::kNumber, Type::real(), kMinNumberBytes, 0); break;
      case SchemaType::kInteger: set(Schema::Kind::kInteger, Type::integer(), kMinNumberBytes, 0); break;
      case SchemaType::kAny:
      case SchemaType::kOther: break;
    }
  }

  void set(Schema::Kind kind, const Type& type, std::int64_t min_size, std::int64_t max_elements) {
    schema_->kind_ = kind;
    schema_->type_ = type;
    schema_->min_serialized_size_ = min_size;
    schema_->max_elements_ = max_elements;
  }

  [[nodiscard]] const ValueLimits* limits() const {
    return source_.details == nullptr ? nullptr : source_.details->limits.get();
  }
  [[nodiscard]] std::int64_t limit(std::optional<std::int64_t> ValueLimits::* which,
                                   std::int64_t otherwise) const {
    if (limits() == nullptr || !(limits()->*which)) return otherwise;
    return std::max<std::int64_t>(*(limits()->*which), 0);
  }

  /// maxLength counts code points, sizes count bytes.
  [[nodiscard]] std::int64_t bounded_text(std::int64_t otherwise) const {
    const std::int64_t code_points = limit(&ValueLimits::max_length, -1);
    return code_points < 0 ? otherwise : std::min(code_points, std::int64_t{1} << 60) * 4;
  }

  void fill_string() {
    const std::string_view format =
        limits() == nullptr ? std::string_view() : std::string_view(limits()->format);
    if (format == "byte") {
      set(Schema::Kind::kBytes, Type::bytes(), kMinStringBytes,
          limit(&ValueLimits::max_length, kMaxRequestBytes - 2));
    } else if (format == "duration") {
      set(Schema::Kind::kDuration, Type::duration(), kMinDurationBytes, kMaxDurationBytes);
    } else if (format == "date") {
      set(Schema::Kind::kDate, Type::timestamp(), kDateBytes, kDateBytes);
    } else if (format == "date-time") {
      set(Schema::Kind::kDateTime, Type::timestamp(), kMinDateTimeBytes, kMaxDateTimeBytes);
    } else {
      set(Schema::Kind::kString, Type::string(), kMinStringBytes, bounded_text(longest_allowed_value()));
    }
  }

  [[nodiscard]] std::int64_t longest_allowed_value() const {
    if (source_.details == nullptr || source_.details->allowed.empty()) return kMaxRequestBytes - 2;
    std::size_t longest = 0;
    for (const json::Value& value : source_.details->allowed) {
      if (value.is_string()) longest = std::max(longest, value.as_string().size());
    }
    return static_cast<std::int64_t>(longest);
  }

  void fill_array() {
    schema_->kind_ = Schema::Kind::kArray;
    if (source_.list_type == ListType::kSet) schema_->list_type_ = Schema::ListType::kSet;
    if (source_.list_type == ListType::kMap) schema_->list_type_ = Schema::ListType::kMap;
    schema_->map_keys_ = source_.list_map_keys();
    if (source_.items == nullptr) return;
    schema_->elements_ = build(*source_.items, source_.items->embedded_resource, type_name_ + ".@idx");
    const Schema& items = *schema_->elements_;
    if (!items.is_exposed()) return;
    set(Schema::Kind::kArray, Type::list(items.type()), kEmptyContainerBytes,
        limit(&ValueLimits::max_items, (kMaxRequestBytes - 2) / (items.min_serialized_size() + 1)));
  }

  void fill_object() {
    const StructuralSchema* additional = source_.additional();
    if (additional == nullptr) {
      fill_fields();
      return;
    }
    schema_->kind_ = Schema::Kind::kMap;
    schema_->elements_ = build(*additional, additional->embedded_resource, type_name_ + ".@elem");
    const Schema& values = *schema_->elements_;
    if (!values.is_exposed()) return;
    // An entry takes at least two quotes, a colon, a comma and, as Kubernetes counts, two bytes more.
    set(Schema::Kind::kMap, Type::map(Type::string(), values.type()), kEmptyContainerBytes,
        limit(&ValueLimits::max_properties, (kMaxRequestBytes - 2) / (values.min_serialized_size() + 6)));
  }

  void fill_fields() {
    set(Schema::Kind::kObject, Type::object(type_name_, schema_.get()), kEmptyContainerBytes, 0);
    const bool adds_metadata = is_resource_ && !describes_metadata();
    for (const SchemaProperty& property : source_.properties) {
      const std::string_view name = property.key();
      if (adds_metadata && (name == "kind" || name == "apiVersion" || name == "metadata")) continue;
      add_field(name, *property.schema);
    }
    if (adds_metadata) add_resource_fields();
    schema_->has_properties_ = !schema_->fields_.empty();
    std::ranges::sort(schema_->fields_, {}, &Schema::Field::name);
  }

  static bool has_type(const StructuralSchema* schema, SchemaType type) {
    return schema != nullptr && schema->type == type;
  }

  [[nodiscard]] bool describes_metadata() const {
    const StructuralSchema* metadata = source_.find_property("metadata");
    return has_type(source_.find_property("kind"), SchemaType::kString) &&
           has_type(source_.find_property("apiVersion"), SchemaType::kString) &&
           has_type(metadata, SchemaType::kObject) &&
           has_type(metadata->find_property("name"), SchemaType::kString) &&
           has_type(metadata->find_property("generateName"), SchemaType::kString);
  }

  void add_field(std::string_view name, const StructuralSchema& property) {
    Schema::Field field;
    field.name = name;
    field.escaped = escape_field_name(name).value_or("");
    field.schema = build(property, property.embedded_resource, type_name_ + '.' + field.escaped);
    const auto& details = source_.details;
    field.required =
        details != nullptr && std::ranges::find(details->required, name) != details->required.end();
    if (field.schema->is_exposed() && field.required && property.default_value() == nullptr) {
      schema_->min_serialized_size_ +=
          static_cast<std::int64_t>(name.size()) + field.schema->min_serialized_size() + 4;
    }
    schema_->fields_.push_back(std::move(field));
  }

  void add_resource_fields() {
    const auto text = std::make_shared<StructuralSchema>();
    text->type = SchemaType::kString;
    StructuralSchema metadata;
    metadata.type = SchemaType::kObject;
    metadata.properties.push_back({.name = "generateName", .schema = text});
    metadata.properties.push_back({.name = "name", .schema = text});
    add_field("apiVersion", *text);
    add_field("kind", *text);
    add_field("metadata", metadata);
  }

  const StructuralSchema& source_;
  const bool is_resource_;
  const std::string& type_name_;
  std::unique_ptr<Schema> schema_;
};

std::shared_ptr<const Schema> Schema::from_structural(const StructuralSchema& schema,
                                                      const Options& options) {
  return SchemaBuilder::build(schema, options.resource_root, options.type_name);
}

}  // namespace klutch::apiserver::cel
