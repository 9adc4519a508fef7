// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apiserver/endpoints/api_request.h"
#include "base/result.h"

// Which form of an answer a client wants (RFC 9110 §12.5.1 with Kubernetes' parameters `as`, `g`, `v`). Pure
// functions. Where API servers and the RFC differ about wildcards, this does what API servers do.
//
//   const Representation form = TRY(negotiate(request));
//   return render_object(request, form, object, 200, now);

namespace klutch::apiserver {

/// A form of an answer.
struct Representation {
  enum class Shape { kObject, kTable, kMetadata };
  enum class Encoding { kJson, kYaml };
  enum class Include { kNone, kMetadata, kObject };

  Shape shape = Shape::kObject;
  Encoding encoding = Encoding::kJson;
  /// Of the Table or PartialObjectMetadata: "v1" or "v1beta1".
  std::string version = "v1";
  /// What rows of tables carry: `includeObject`.
  Include include = Include::kMetadata;
  bool pretty = false;

  /// Names the form: watchers that want the same share what was made for one of them.
  [[nodiscard]] std::string cache_key() const;
  [[nodiscard]] std::string content_type() const;
};

/// From the headers Accept and User-Agent and the query. kBadRequest for parameters that make no sense;
/// carries a Status 406, naming what there is, when nothing fits.
Result<Representation> negotiate(const ApiRequest& request);

/// For what is no resource, such as a Status: JSON or YAML; JSON if the client accepts neither.
Representation negotiate_plain(const http::ServerRequest& request);

}  // namespace klutch::apiserver
