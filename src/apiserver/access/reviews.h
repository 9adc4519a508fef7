// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include "apiserver/access/access.h"
#include "apiserver/access/authenticator.h"
#include "apiserver/access/service_account_tokens.h"
#include "apiserver/registry/resource.h"
#include "apiserver/storage/storage.h"
#include "base/clock.h"

// What creating a review or asking for a token does: nothing is stored, the answer is the object with its
// status. The actions belong to ServedResource::actions. Loop thread only.

namespace klutch::apiserver {

/// By type: "tokenreviews.authentication.k8s.io", "selfsubjectreviews.authentication.k8s.io",
/// "subjectaccessreviews.authorization.k8s.io", also "selfsubjectaccessreviews", "localsubjectaccessreviews"
/// and "selfsubjectrulesreviews". `access`, `authenticator` and `clock` must outlive them.
std::map<std::string, Action, std::less<>> review_actions(const Access& access, Authenticator& authenticator,
                                                          const Clock& clock = system_clock());

/// Of serviceaccounts, subresource "token": TokenRequest. kNotFound if the ServiceAccount or what the token
/// shall be bound to is not there; kConflict for another uid; kInvalid for a lifetime below ten minutes.
/// `storage`, `tokens` and `clock` must outlive it.
Action token_request_action(const Storage& storage, const ServiceAccountTokens& tokens,
                            const Clock& clock = system_clock());

}  // namespace klutch::apiserver
