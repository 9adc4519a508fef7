// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "json/value.h"

// The schema of a custom kind as OpenAPI v3 documents publish it. Pure. Private to this library.

namespace klutch::apiserver {

struct PublishedKind {
  std::string group = {};
  std::string version = {};
  std::string kind = {};
};

/// `version`: an entry of spec.versions. apiVersion, kind and metadata are added, here and in embedded
/// objects; metadata refers to #/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta. Without
/// a schema, any object.
json::Value published_schema(const json::Value& version, const PublishedKind& kind);

}  // namespace klutch::apiserver
