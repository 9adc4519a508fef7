# shellcheck shell=bash
# Prints a CRD: widgets_crd.sh GROUP. Names of CRDs are of the whole cluster, so each transcript has a group of its own,
# and only one of them has short names. That one, crd.example.com, comes first of them: bare "widgets" mean its.
[[ $1 == crd.* ]] && names=', shortNames: [wd], categories: [gadgets]'
cat <<YAML
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.$1
spec:
  group: $1
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList$names}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    additionalPrinterColumns:
    - {name: Size, type: string, jsonPath: .spec.size, description: How large it is}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    selectableFields:
    - {jsonPath: .spec.color}
    schema:
      openAPIV3Schema:
        type: object
        description: A widget is a thing of some size.
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [size]
            x-kubernetes-validations:
            - rule: "self.replicas <= 5 || self.size == 'large'"
              message: only large widgets come in more than five
            properties:
              size: {type: string, enum: [small, large], description: small or large.}
              color: {type: string, default: green, pattern: '^[a-z]+$', maxLength: 10}
              replicas: {type: integer, minimum: 0, maximum: 100, default: 1}
              serial:
                type: string
                x-kubernetes-validations:
                - {rule: self == oldSelf, message: the serial number stays as it is}
              port: {x-kubernetes-int-or-string: true}
              ports:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string}
                    number: {type: integer, format: int32, minimum: 1}
              tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
              extra: {type: object, x-kubernetes-preserve-unknown-fields: true}
          status:
            type: object
            properties:
              replicas: {type: integer}
              selector: {type: string}
              conditions:
                type: array
                items:
                  type: object
                  properties: {type: {type: string}, status: {type: string}, reason: {type: string}}
YAML
