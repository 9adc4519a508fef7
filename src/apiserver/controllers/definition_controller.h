// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "apiserver/controllers/controller.h"
#include "apiserver/custom/naming.h"

namespace klutch::apiserver {

/// Accepts the names of CustomResourceDefinitions and establishes them, which is what makes the registry
/// serve them; deletes all objects of those that are being deleted, then lets them go.
class DefinitionController final : public Controller {
 public:
  /// `schemas` must outlive it.
  explicit DefinitionController(SchemaPool& schemas) : schemas_(schemas) {}

  [[nodiscard]] std::string_view name() const override { return "definitions"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  static Result<std::optional<Duration>> finalize(Ctx& ctx, ControllerAccess& access, json::Value definition);
  Result<std::optional<Duration>> establish(Ctx& ctx, ControllerAccess& access,
                                            const json::Value& definition);
  [[nodiscard]] UsedNames used_by_others(ControllerAccess& access, const json::Value& definition) const;
  void note(const json::Value& definition, const Enqueue& enqueue);
  /// Those of the same group whose names are not all accepted: only they care about names of others.
  void enqueue_waiting(std::string_view definition_name, const Enqueue& enqueue) const;

  SchemaPool& schemas_;
  /// The names that each definition has been given. A definition's own name is also the type of its objects
  /// in the store.
  std::map<std::string, UsedNames, std::less<>> names_ = {};
  std::set<std::string, std::less<>> waiting_ = {};
  /// Those that are being deleted: the end of one of their objects brings work.
  std::set<std::string, std::less<>> ending_ = {};
};

}  // namespace klutch::apiserver
