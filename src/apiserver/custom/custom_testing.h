// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apiserver/storage/stored_object.h"
#include "json/print.h"
#include "json/value.h"
#include "json/yaml.h"

// Definitions for tests, written as YAML.

namespace klutch::apiserver {

inline json::Value yaml(std::string_view text) {
  return json::parse_yaml(text).value();
}

/// `definition` with the status that it has once it is Established.
inline json::Value established(json::Value definition) {
  json::Value status = yaml("{conditions: [{type: Established, status: 'True'}], storedVersions: [v1]}");
  status.set("acceptedNames", *definition.find("spec")->find("names"));
  definition.set("status", std::move(status));
  return definition;
}

inline StoredPtr stored_definition(const json::Value& definition, Revision revision = 10) {
  const std::string name(*definition.find("metadata")->find_string("name"));
  return std::make_shared<StoredObject>(StoredObject::Fields{.key = {"", name},
                                                             .created = revision,
                                                             .revision = revision,
                                                             .bytes = json::print(definition),
                                                             .labels = {}});
}

/// Two versions with schemas of their own; v1 is stored.
inline constexpr std::string_view kWidgets = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.ex.io}
spec:
  group: ex.io
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList, shortNames: [wd], categories: [ex]}
  conversion: {strategy: None}
  versions:
  - name: v1beta1
    served: true
    storage: false
    deprecated: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              color: {type: string}
              size: {type: integer, minimum: -5}
              onlyBeta: {type: string}
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        description: A widget.
        properties:
          spec:
            type: object
            required: [color]
            properties:
              color: {type: string, enum: [red, green]}
              size: {type: integer, minimum: -5, default: 3}
              port: {x-kubernetes-int-or-string: true}
              ports:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name, protocol]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string}
                    protocol: {type: string, default: TCP}
                    number: {type: integer}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              whole: {type: object, x-kubernetes-map-type: atomic, properties: {a: {type: string}, b: {type: string}}}
              template:
                type: object
                x-kubernetes-embedded-resource: true
                x-kubernetes-preserve-unknown-fields: true
              replicas: {type: integer}
          status:
            type: object
            properties:
              replicas: {type: integer}
              selector: {type: string}
              phase: {type: string, maxLength: 5}
    selectableFields: [{jsonPath: .spec.color}, {jsonPath: .spec.size}]
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color, description: its color}
    - {name: Size, type: integer, jsonPath: .spec.size, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
)";

}  // namespace klutch::apiserver
