// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/endpoints/reading.h"

// What get, list and watch share. Private to src/apiserver/endpoints.

namespace klutch::apiserver {

/// How long a read waits for a version that is yet to come.
inline constexpr Duration kRevisionWait = std::chrono::seconds(3);

/// `resourceVersion: Invalid value: "x": ...`, from the error of parse_revision().
std::string revision_problem(const Error& error, std::string_view text);
/// A Status 410, reason Expired.
Error resource_expired(std::string_view message);
/// Until the store has that version. After kRevisionWait kTimeout, carrying a Status 504 with cause
/// ResourceVersionTooLarge.
Result<> wait_for_revision(Ctx& ctx, const Storage& storage, Revision revision);
/// Which namespace a list or watch is about; empty: all. A watch of the Namespace "a" is authorized in "a",
/// but that is not where it is stored.
std::string listed_namespace(const ApiRequest& request);
/// From the query and, for watches in the old style, the name in the path.
Result<ObjectFilter> read_filter(const ApiRequest& request);

}  // namespace klutch::apiserver
