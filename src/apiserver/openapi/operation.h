// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/openapi/definitions.h"
#include "json/value.h"

// One operation of an OpenAPI document, apart from how the two versions write it down. Private to this
// library.

namespace klutch::apiserver {

struct Operation {
  std::string_view action = {};  ///< x-kubernetes-action: "list"
  std::string id = {};
  std::string_view tag = {};
  std::string description = {};
  std::string_view group = {};
  std::string_view version = {};
  std::string_view kind = {};
  std::span<const std::string_view> query = {};
  std::string body = {};  ///< a definition; empty: none
  bool body_required = true;
  std::span<const std::string_view> body_types = {};    ///< media types
  std::span<const std::string_view> result_types = {};  ///< media types
  std::string result = {};                              ///< a definition
  std::vector<int> success = {200};
};

json::Value render_operation(const Operation& operation, const Definitions& definitions);

/// The parameters of a path: `names` are those in braces.
json::Value render_path_parameters(std::span<const std::string_view> names, Dialect dialect);

/// What operations of v2 refer to.
json::Value shared_parameters();

}  // namespace klutch::apiserver
