// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "apiserver/access/access.h"
#include "apiserver/access/authenticator.h"
#include "apiserver/access/service_account_tokens.h"
#include "apiserver/registry/registry.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/verbs/verbs.h"

namespace klutch::apiserver {

/// What the built-in resources of this server need besides their facts. All must outlive them.
struct BuiltinParts {
  Storage& storage;
  Registry& registry;
  Verbs& verbs;
  const Access& access;
  Authenticator& authenticator;
  const ServiceAccountTokens& tokens;
  SchemaPool& schemas;
  const Clock& clock;
};

/// The built-in resources with their tables, reviews, tokens and evictions.
std::vector<ServedPtr> served_builtins(const BuiltinParts& parts);

/// Who has a say in every change, in this order.
std::vector<std::shared_ptr<const Admission>> server_admission(Storage& storage, const Access& access);

}  // namespace klutch::apiserver
