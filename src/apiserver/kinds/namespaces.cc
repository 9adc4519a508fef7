// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "apiserver/kinds/builtin_behavior.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"
#include "kube/api/object.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kKubernetes = "kubernetes";
constexpr std::string_view kNameLabel = "kubernetes.io/metadata.name";
constexpr std::string_view kProtected[] = {"default", "kube-public", "kube-system"};

void set_name_label(Value& object) {
  const std::string name(kube::name(object));
  if (!name.empty()) kube::set_label(object, kNameLabel, name);
}

void prepare_namespace(Value& object, Time /*now*/) {
  object_in(object, "status").set("phase", "Active");
  auto& finalizers = object_in(object, "spec")["finalizers"];
  if (!finalizers.is_array()) finalizers = Value::empty_array();
  const bool has = std::ranges::any_of(finalizers.elements(), [](const Value& each) {
    return each.is_string() && each.as_string() == kKubernetes;
  });
  if (!has) finalizers.push_back(kKubernetes);
  set_name_label(object);
}

void prepare_namespace_update(Value& object, const Value& old) {
  const Value finalizers = value_at(old, {"spec", "finalizers"});
  auto& spec = object_in(object, "spec");
  if (finalizers.is_array()) {
    spec.set("finalizers", finalizers);
  } else {
    spec.erase("finalizers");
  }
  set_name_label(object);
}

void check_namespace_finalizers(FieldErrors& errors, const Value& object, bool indexed) {
  const FieldPath path = FieldPath("spec").child("finalizers");
  const auto finalizers = list_at(object, {"spec", "finalizers"});
  for (std::size_t i = 0; i < finalizers.size(); ++i) {
    const auto name = finalizers[i].is_string() ? finalizers[i].as_string() : std::string_view();
    const auto at = indexed ? path.index(i) : path;
    add_problems(errors, at, name, check_qualified_name(name));
    const bool is_standard = name == kKubernetes || name == "orphan" || name == "foregroundDeletion";
    if (name.find('/') == std::string_view::npos && !is_standard) {
      errors.push_back(FieldError::invalid(
          at, name, "name is neither a standard finalizer name nor is it fully qualified"));
    }
  }
}

FieldErrors validate_namespace(const Value& object) {
  FieldErrors errors;
  check_namespace_finalizers(errors, object, false);
  return errors;
}

FieldErrors validate_namespace_status(const Value& object, const Value& /*old*/) {
  FieldErrors errors;
  const FieldPath path = FieldPath("status").child("Phase");
  const auto phase = text_at(object, {"status", "phase"});
  const bool deleting = kube::is_deleting(object);
  if (!deleting && phase != "Active") {
    errors.push_back(
        FieldError::invalid(path, phase, "may only be 'Active' if `deletionTimestamp` is empty"));
  } else if (deleting && phase != "Terminating") {
    errors.push_back(
        FieldError::invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"));
  }
  return errors;
}

KindRules namespace_rules() {
  KindRules rules;
  rules.name = NameRule::kDnsLabel;
  rules.prepare_create = prepare_namespace;
  rules.prepare_update = prepare_namespace_update;
  rules.validate = validate_namespace;
  rules.validate_status = validate_namespace_status;
  rules.selectable = {{"status.phase", {"status", "phase"}}, {"name", {"metadata", "name"}}};
  return rules;
}

/// A namespace lives until its spec.finalizers are gone, which only its subresource "finalize" removes.
class NamespaceBehavior final : public BuiltinBehavior {
 public:
  explicit NamespaceBehavior(const ResourceFacts& resource) : BuiltinBehavior(resource, namespace_rules()) {}

  void prepare_update(Value& object, const Value& old, std::string_view subresource,
                      Time now) const override {
    BuiltinBehavior::prepare_update(object, old, subresource, now);
    if (subresource == "finalize") {
      copy_field(old, object, "status");
      set_name_label(object);
    }
  }

  [[nodiscard]] FieldErrors validate_update(const Value& object, const Value& old,
                                            std::string_view subresource) const override {
    auto errors = BuiltinBehavior::validate_update(object, old, subresource);
    if (subresource == "finalize") check_namespace_finalizers(errors, object, true);
    return errors;
  }

  [[nodiscard]] Result<> may_delete(const Value& object) const override {
    const auto name = kube::name(object);
    if (std::ranges::find(kProtected, name) == std::end(kProtected)) return {};
    auto status = std::make_shared<kube::Status>();
    status->http_status = 403;
    status->reason = "Forbidden";
    status->name = name;
    status->kind = "namespaces";
    status->message =
        "namespaces \"" + std::string(name) + "\" is forbidden: this namespace may not be deleted";
    return fail(Error(Code::kForbidden, status->message).with_detail(status));
  }

  void begin_delete(Value& object, Time /*now*/) const override {
    object_in(object, "status").set("phase", "Terminating");
    if (auto* metadata = object.find("metadata")) metadata->erase("deletionGracePeriodSeconds");
  }

  [[nodiscard]] bool is_held(const Value& object) const override {
    return !list_at(object, {"spec", "finalizers"}).empty();
  }
};

}  // namespace

std::shared_ptr<const ResourceBehavior> make_namespace_behavior(const ResourceFacts& facts) {
  return std::make_shared<NamespaceBehavior>(facts);
}

}  // namespace klutch::apiserver
