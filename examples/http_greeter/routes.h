// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "crypto/keys.h"
#include "http/router.h"
#include "jose/jwk.h"

// What the greeter answers. Handlers are plain functions of a request; everything they need is in Greeter.

namespace greeter {

/// Who may ask for /whoami: tokens signed with `key`, issued and meant for `issuer`.
struct Greeter {
  std::string issuer;
  klutch::crypto::PrivateKey key;
  klutch::jose::JwkSet keys;
};

/// A token for `subject` that is good for an hour.
klutch::Result<std::string> make_token(const Greeter& greeter, std::string_view subject);

/// GET /, POST /convert, POST /patch, GET /whoami, GET /keys. `greeter` must outlive the router.
void add_routes(klutch::http::Router& router, const Greeter& greeter);

}  // namespace greeter
