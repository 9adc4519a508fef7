// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/kind_rules.h"

namespace klutch::apiserver {

KindRules rules_of(std::string_view resource) {
  for (const auto find : {core_rules, access_rules, workload_rules, job_rules, quota_rules, network_rules,
                          event_rules, other_rules}) {
    if (auto rules = find(resource)) return *std::move(rules);
  }
  return {};
}

}  // namespace klutch::apiserver
