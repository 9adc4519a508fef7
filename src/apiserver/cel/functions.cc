// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/functions.h"

#include <cctype>
#include <string>
#include <utility>

#include "base/check.h"

namespace klutch::apiserver::cel {
namespace {

constexpr int kListsSince = 34;

/// Reads the signatures of OverloadSpec.
class SignatureReader {
 public:
  explicit SignatureReader(std::string_view text) : text_(text) {}

  void read(Overload& overload) {
    overload.is_method = take(".");
    expect("(");
    while (!take(")")) {
      overload.arguments.push_back(type());
      take(", ");
    }
    expect(" -> ");
    overload.result = type();
    CHECK(text_.empty());
    overload.has_parameters = has_parameters_;
  }

 private:
  bool take(std::string_view token) {
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) { CHECK(take(token)); }

  std::string_view word() {
    std::size_t length = 0;
    while (length < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[length])) != 0 ||
                                     text_[length] == '_' || text_[length] == '.')) {
      ++length;
    }
    const std::string_view name = text_.substr(0, length);
    text_.remove_prefix(length);
    return name;
  }

  Type type() {
    const std::string_view name = word();
    if (name == "list") return Type::list(parenthesised());
    if (name == "optional_type") return Type::optional(parenthesised());
    if (name == "type") return Type::type_of(parenthesised());
    if (name == "map") {
      expect("(");
      Type key = type();
      expect(", ");
      Type value = type();
      expect(")");
      return Type::map(std::move(key), std::move(value));
    }
    if (name.size() == 1) {
      has_parameters_ = true;
      return Type::parameter(name);
    }
    return simple(name);
  }

  Type parenthesised() {
    expect("(");
    Type inner = type();
    expect(")");
    return inner;
  }

  static Type simple(std::string_view name) {
    static const std::unordered_map<std::string_view, Type> kTypes = {
        {"bool", Type::boolean()},
        {"bytes", Type::bytes()},
        {"double", Type::real()},
        {"dyn", Type::dyn()},
        {"duration", Type::duration()},
        {"int", Type::integer()},
        {"string", Type::string()},
        {"timestamp", Type::timestamp()},
        {"uint", Type::uinteger()},
        {"net.IP", Type::opaque("net.IP")},
        {"net.CIDR", Type::opaque("net.CIDR")},
    };
    const auto known = kTypes.find(name);
    if (known != kTypes.end()) return known->second;
    CHECK(name.starts_with("kubernetes."));
    return Type::object(name);
  }

  std::string_view text_;
  bool has_parameters_ = false;
};

CallShape shape_of(const OverloadSpec& spec, std::size_t arguments) {
  if (spec.call == nullptr) return CallShape::kNone;
  if (spec.variadic) return CallShape::kVariadic;
  if (arguments == 1) return CallShape::kUnary;
  return arguments == 2 ? CallShape::kBinary : CallShape::kVariadic;
}

}  // namespace

bool is_assignable_at_run_time(const Type& type, const Value& value) {
  if (value.is_error()) return false;
  if (type.is(TypeKind::kDyn) || type.is(TypeKind::kTypeParam)) return true;
  if (type.name() != value.type_name()) return false;
  if (type.is(TypeKind::kList) && value.size() > 0) {
    return is_assignable_at_run_time(type.parameters()[0], value.element(0));
  }
  if (type.is(TypeKind::kMap) && value.size() > 0) {
    const auto first = value.entry(0);
    return first && is_assignable_at_run_time(type.parameters()[0], first->first) &&
           is_assignable_at_run_time(type.parameters()[1], first->second);
  }
  return true;
}

Value no_such_overload_for(std::string_view function, Arguments arguments) {
  std::string types;
  for (const Value& argument : arguments) {
    if (argument.is_error()) return argument;
    if (!types.empty()) types += ", ";
    types += argument.type_name();
  }
  return Value::error("no such overload: " + std::string(function) + '(' + types + ')');
}

bool Overload::accepts(Arguments values) const {
  if (values.size() != arguments.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_assignable_at_run_time(arguments[i], values[i])) return false;
  }
  return true;
}

void FunctionTable::add(std::span<const OverloadSpec> specs) {
  for (const OverloadSpec& spec : specs) {
    Function& function = functions_[spec.function];
    function.name = spec.function;
    Overload overload{.id = spec.id, .arguments = {}, .result = {}, .call = spec.call};
    SignatureReader(spec.signature).read(overload);
    overload.shape = shape_of(spec, overload.arguments.size());
    function.overloads.push_back(std::move(overload));
  }
}

void FunctionTable::add(std::span<const SingletonSpec> specs) {
  for (const SingletonSpec& spec : specs) functions_.at(spec.function).singleton = &spec;
}

// The order is that of Kubernetes: overloads of one function are tried in it.
FunctionTable::FunctionTable(int minor) {
  add(operator_overloads());
  add(comparison_overloads());
  add(conversion_overloads());
  add(operator_singletons());
  add(time_overloads());
  add(url_overloads());
  add(regex_overloads());
  add(kube_list_overloads());
  add(authorizer_overloads());
  add(optional_overloads());
  add(quantity_overloads());
  add(string_overloads());
  add(set_overloads());
  add(ip_overloads());
  add(cidr_overloads());
  add(named_format_overloads());
  add(map_overloads());
  add(semver_overloads());
  if (minor >= kListsSince) {
    add(list_overloads());
    add(list_singletons());
    functions_.at("flatten").is_guarded = false;
  }
  for (const std::string_view unguarded : {"contains", "startsWith", "endsWith"}) {
    functions_.at(unguarded).is_guarded = false;
  }
}

const FunctionTable& FunctionTable::of(int minor) {
  static const FunctionTable kOld(kListsSince - 1);
  static const FunctionTable kNew(kListsSince);
  return minor >= kListsSince ? kNew : kOld;
}

const Function* FunctionTable::find(std::string_view name) const noexcept {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : &found->second;
}

}  // namespace klutch::apiserver::cel
