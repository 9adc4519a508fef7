#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/apiserver/builtin/facts.txt: what our API server has to know about the built-in kinds of Kubernetes.

  tools/builtin/make_facts.py [--check]     needs go, which fetches the published modules; --check compares only

Taken from the modules k8s.io/kubernetes (api/openapi-spec, api/discovery), k8s.io/api, k8s.io/apimachinery,
k8s.io/apiextensions-apiserver and k8s.io/kube-aggregator of one release: names, protobuf numbers, types, defaults, list
and map types, merge keys, resources with their verbs. Descriptions are left out.

Lines of the result (see src/apiserver/builtin/README.md):
  R group/version resource Kind singular scope [short=a,b] [categories=a] [verbs=a,b] [sub=name:Kind:verbs]...
  M message [map=atomic]
  F json-name number type [required] [ptr] [keep] [list=set|map:key,key] [patch=merge,retainKeys:key] [map=atomic]
    [default=JSON]
    [null] [go=type]
    ptr: zero is a value, absence is another; keep: written to JSON even if zero; null: written to JSON as null if absent;
    go: the Go type where it is not the one that follows from the type here
    type: string bool int32 int64 double bytes any, a message name, [] before a list, {} before a map; ^ before a
    message whose fields stand in the place of the field
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

KUBERNETES = "v1.34.4"
STAGING = "v0.34.4"
ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / "src" / "apiserver" / "builtin" / "facts.txt"

GROUP_VERSIONS = [
    "v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1", "coordination.k8s.io/v1",
    "authentication.k8s.io/v1", "authorization.k8s.io/v1", "events.k8s.io/v1", "discovery.k8s.io/v1",
    "admissionregistration.k8s.io/v1", "networking.k8s.io/v1", "policy/v1", "autoscaling/v1", "autoscaling/v2",
    "storage.k8s.io/v1", "scheduling.k8s.io/v1", "node.k8s.io/v1", "apiregistration.k8s.io/v1",
    "certificates.k8s.io/v1",
]
DEFAULT_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
# Kinds that no resource is made of but requests carry.
EXTRA_MESSAGES = ["meta.v1.DeleteOptions", "meta.v1.Status", "meta.v1.ObjectMeta", "meta.v1.ListMeta",
                  "autoscaling.v1.Scale", "policy.v1.Eviction", "authentication.v1.TokenRequest", "meta.v1.LabelSelector"]
# Written in JSON as something else than an object of their fields; the codec knows each by name.
SPECIAL = {
    "meta.v1.Time", "meta.v1.MicroTime", "meta.v1.Duration", "meta.v1.FieldsV1", "api.resource.Quantity",
    "util.intstr.IntOrString", "runtime.RawExtension", "apiextensions.v1.JSON", "apiextensions.v1.JSONSchemaPropsOrArray",
    "apiextensions.v1.JSONSchemaPropsOrBool", "apiextensions.v1.JSONSchemaPropsOrStringArray",
    "authentication.v1.ExtraValue", "authorization.v1.ExtraValue", "certificates.v1.ExtraValue", "meta.v1.Verbs",
}
# Structs of Go that are written to JSON as null when they are zero.
NULL_STRUCTS = {"meta.v1.Time", "meta.v1.MicroTime", "runtime.RawExtension", "meta.v1.FieldsV1"}
SCALARS = {"string", "bool", "int32", "int64", "double", "bytes"}


def download(module, version):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "mod", "init", "facts"], cwd=folder, check=True, capture_output=True)
        answer = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], cwd=folder, check=True,
                                capture_output=True, text=True).stdout
    return pathlib.Path(json.loads(answer)["Dir"])


def short_name(full):
    """io.k8s.api.core.v1.Pod or k8s.io.api.core.v1.Pod -> core.v1.Pod"""
    name = full.replace("k8s.io.", "io.k8s.", 1) if full.startswith("k8s.io.") else full
    name = name.replace("apiextensions_apiserver", "apiextensions-apiserver").replace("kube_aggregator", "kube-aggregator")
    for prefix in ("io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.",
                   "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis.", "io.k8s.api."):
        if name.startswith(prefix):
            return name[len(prefix):]
    return name


class Message:
    def __init__(self):
        self.fields = []  # (name, number, repeated, type, map value type)


def read_protos(folders):
    messages = {}
    for folder in folders:
        for path in sorted(folder.rglob("generated.proto")):
            read_proto(path, messages)
    return messages


def read_proto(path, messages):
    text = re.sub(r"//[^\n]*", "", path.read_text())
    package = re.search(r"package ([\w.]+);", text).group(1)
    for match in re.finditer(r"message (\w+) \{(.*?)\n\}", text, re.S):
        message = messages.setdefault(short_name(f"{package}.{match.group(1)}"), Message())
        for field in re.finditer(r"(optional|repeated|)\s*(map<string, ([\w.]+)>|\.?[\w.]+) (\w+) = (\d+)", match.group(2)):
            label, kind, map_value, name, number = field.groups()
            kind = map_value or kind
            if kind not in SCALARS:
                kind = short_name(kind.lstrip(".")) if "." in kind else short_name(f"{package}.{kind}")
            message.fields.append((name, int(number), label == "repeated", kind, bool(map_value)))


def proto_name_of(json_name):
    """The field name that the generator of protobuf files makes of a JSON name."""
    name = json_name.lstrip("$")
    return re.sub(r"-(\w)", lambda m: m.group(1).upper(), name)


def read_go_fields(folders):
    """(message, protobuf number) -> (Go type, words after the name in the tag for JSON), from the tags of Go structs."""
    fields = {}
    for folder in folders:
        for proto in sorted(folder.rglob("generated.proto")):
            package = re.search(r"package ([\w.]+);", proto.read_text()).group(1)
            for path in sorted(proto.parent.glob("*.go")):
                if not path.name.endswith("_test.go") and "generated" not in path.name:
                    read_go_file(path, package, fields)
    return fields


def read_go_file(path, package, fields):
    struct = None
    for line in path.read_text().splitlines():
        if match := re.match(r"type (\w+) struct \{", line):
            struct = short_name(f"{package}.{match.group(1)}")
        elif line.startswith("}"):
            struct = None
        elif struct and (match := re.match(r"\t(?:\w+\s+)?(\S+)\s+`json:\"([^\"]*)\".*protobuf:\"\w+,(\d+),", line)):
            fields[struct, int(match.group(3))] = (match.group(1), match.group(2).split(",")[1:])


GO_SCALARS = {"string": "string", "bool": "bool", "int32": "int32", "int64": "int64", "double": "float64", "bytes": "[]uint8"}
GO_WORDS = set(GO_SCALARS.values()) | {"uint8", "byte", "map", "float32", "int", "uint16"}


def go_type_of(text, message):
    """As package reflect prints the type of a field of `message`, or of what it points to."""
    package = message.split(".")[-2]
    text = text.lstrip("*").replace("[]byte", "[]uint8")
    text = re.sub(r"\b(?:metav1|corev1|apiv1|v1|autoscalingv1|rbacv1)\.", "v1.", text)
    return re.sub(r"(?<![.\w])(\w+)(?![\w.])", lambda m: m.group(1) if m.group(1) in GO_WORDS else f"{package}.{m.group(1)}", text)


def plain_go_type(kind, repeated, is_map):
    element = GO_SCALARS.get(kind) or ".".join(kind.split(".")[-2:])
    return ("[]" if repeated else "map[string]" if is_map else "") + element


class Facts:
    def __init__(self, kubernetes, protos, go_fields):
        self.go_fields = go_fields
        self.swagger = {short_name(name): value for name, value in
                        json.loads((kubernetes / "api/openapi-spec/swagger.json").read_text())["definitions"].items()}
        self.defaults = {}
        for path in sorted((kubernetes / "api/openapi-spec/v3").glob("*.json")):
            schemas = json.loads(path.read_text()).get("components", {}).get("schemas", {})
            for name, schema in schemas.items():
                for field, value in schema.get("properties", {}).items():
                    if value.get("default") not in (None, {}):
                        self.defaults[short_name(name), field] = value["default"]
        self.protos = protos
        self.done = {}

    def add(self, name, holder=None):
        """`holder` has the fields of a message that is not published by itself, because it is always inlined."""
        if name in self.done or name in SPECIAL:
            return
        schema = self.swagger.get(name, self.swagger.get(holder))
        proto = self.protos.get(name)
        if proto is None and schema is None:
            sys.exit(f"make_facts: nothing is known of {name}")
        lines = self.done[name] = []
        if proto is None:
            sys.exit(f"make_facts: {name} has no protobuf message")
        properties = (schema or {}).get("properties", {})
        by_proto_name = {proto_name_of(field).lower(): field for field in properties}
        for proto_field in proto.fields:
            lines.append(self.field_line(name, proto_field, properties, by_proto_name, schema or {}))
            if proto_field[3] not in SCALARS:
                self.add(proto_field[3], name)

    def field_line(self, name, proto_field, properties, by_proto_name, schema):
        field, number, repeated, kind, is_map = proto_field
        if field.lower() not in by_proto_name and kind not in SCALARS and properties:
            return f"F {field} {number} ^{kind}"
        json_name = by_proto_name.get(field.lower(), field)
        words = ["F", json_name, str(number), ("[]" if repeated else "{}" if is_map else "") + kind]
        facts = properties.get(json_name, {})
        if json_name in schema.get("required", []):
            words.append("required")
        go_type, tag = self.go_fields.get((name, number), ("", ["omitempty"]))
        pointer = go_type.startswith("*")
        nullable = pointer or repeated or is_map or kind == "bytes"
        if pointer:
            words.append("ptr")
        elif "omitempty" not in tag and not nullable and kind in SCALARS:
            words.append("keep")
        if nullable and "omitempty" not in tag or kind in NULL_STRUCTS and not nullable and "omitzero" not in tag:
            words.append("null")
        if go_type and go_type_of(go_type, name) != plain_go_type(kind, repeated, is_map):
            words.append("go=" + go_type_of(go_type, name))
        list_type = facts.get("x-kubernetes-list-type")
        if list_type == "map":
            words.append("list=map:" + ",".join(facts["x-kubernetes-list-map-keys"]))
        elif list_type == "set":
            words.append("list=set")
        strategy = facts.get("x-kubernetes-patch-strategy")
        if strategy:
            words.append(f"patch={strategy}:{facts.get('x-kubernetes-patch-merge-key', '')}")
        if facts.get("x-kubernetes-map-type") == "atomic":
            words.append("map=atomic")
        default = self.defaults.get((name, json_name))
        if default or default is not None and "keep" not in words and not pointer:
            words.append("default=" + json.dumps(default, separators=(",", ":")))
        return " ".join(words)

    def message_lines(self):
        for name in sorted(self.done):
            atomic = self.swagger.get(name, {}).get("x-kubernetes-map-type") == "atomic"
            yield f"M {name}" + (" map=atomic" if atomic else "")
            yield from self.done[name]


def kinds_of(swagger):
    """(group, version, kind) -> message"""
    kinds = {}
    for name, schema in swagger.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", []):
            kinds.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
    return kinds


def resource_lines(kubernetes, group_version, kinds, facts):
    file_name = "api__v1.json" if group_version == "v1" else "apis__" + group_version.replace("/", "__") + ".json"
    resources = json.loads((kubernetes / "api/discovery" / file_name).read_text())["resources"]
    group, _, version = group_version.rpartition("/")
    for resource in resources:
        if "/" in resource["name"]:
            continue
        message = kinds[group, version, resource["kind"]]
        facts.add(message)
        words = ["R", group_version, resource["name"], resource["kind"], resource["singularName"],
                 "Namespaced" if resource["namespaced"] else "Cluster", f"message={message}"]
        if resource.get("shortNames"):
            words.append("short=" + ",".join(resource["shortNames"]))
        if resource.get("categories"):
            words.append("categories=" + ",".join(resource["categories"]))
        if sorted(resource["verbs"]) != DEFAULT_VERBS:
            words.append("verbs=" + ",".join(sorted(resource["verbs"])))
        for sub in resources:
            if sub["name"].startswith(resource["name"] + "/"):
                sub_group = sub.get("group", group)
                sub_version = sub.get("version", version)
                sub_gv = f"{sub_group}/{sub_version}" if sub_group else sub_version
                words.append(f"sub={sub['name'].split('/', 1)[1]}:{sub_gv}:{sub['kind']}:{','.join(sorted(sub['verbs']))}")
        yield " ".join(words)


def make():
    kubernetes = download("k8s.io/kubernetes", KUBERNETES)
    modules = [download(f"k8s.io/{name}", STAGING)
               for name in ("api", "apimachinery", "apiextensions-apiserver", "kube-aggregator")]
    facts = Facts(kubernetes, read_protos(modules), read_go_fields(modules))
    kinds = kinds_of(facts.swagger)
    lines = [f"# Facts about Kubernetes {KUBERNETES}, made by tools/builtin/make_facts.py. Do not edit."]
    for group_version in GROUP_VERSIONS:
        lines += resource_lines(kubernetes, group_version, kinds, facts)
    for name in EXTRA_MESSAGES:
        facts.add(name)
    lines += facts.message_lines()
    return "\n".join(lines) + "\n"


def main(arguments):
    text = make()
    if arguments == ["--check"]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET} is not what make_facts.py makes")
        return
    TARGET.write_text(text)
    print(f"{TARGET}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
