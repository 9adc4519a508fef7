#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/apiserver/auth/bootstrap_policy.txt: the roles and bindings that every cluster of Kubernetes begins with.

  tools/builtin/make_bootstrap_policy.py     needs go, which fetches the published module, and PyYAML

Taken from the lists that k8s.io/kubernetes publishes beside its RBAC authorizer; only what a server without nodes,
scheduler and separate controllers needs. Words of a line are NAME=VALUE, values of lists are separated by commas:
  role NAME [namespace=N] [joins=A] [collects=A]   joins, collects: the label rbac.authorization.k8s.io/aggregate-to-A
    rule verbs=... groups=... resources=... [names=...]     the core group is written core
    rule verbs=... urls=...
  binding NAME role=NAME to=GROUP,...
"""

import json
import pathlib
import subprocess

import yaml

MODULE = "k8s.io/kubernetes@v1.34.4"
ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULT = ROOT / "src/apiserver/auth/bootstrap_policy.txt"
ROLES = {"admin", "cluster-admin", "edit", "extension-apiserver-authentication-reader", "system:aggregate-to-admin",
         "system:aggregate-to-edit", "system:aggregate-to-view", "system:auth-delegator", "system:basic-user",
         "system:discovery", "system:monitoring", "system:public-info-viewer", "system:service-account-issuer-discovery",
         "view"}
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def rule_line(rule):
    words = ["  rule", "verbs=" + ",".join(rule["verbs"])]
    if "nonResourceURLs" in rule:
        return " ".join(words + ["urls=" + ",".join(rule["nonResourceURLs"])])
    words.append("groups=" + ",".join(group or "core" for group in rule["apiGroups"]))
    words.append("resources=" + ",".join(rule["resources"]))
    if "resourceNames" in rule:
        words.append("names=" + ",".join(rule["resourceNames"]))
    return " ".join(words)


def role_lines(role):
    metadata = role["metadata"]
    words = ["role", metadata["name"]]
    if "namespace" in metadata:
        words.append("namespace=" + metadata["namespace"])
    words += ["joins=" + key[len(AGGREGATE):] for key in metadata["labels"] if key.startswith(AGGREGATE)]
    for selector in role.get("aggregationRule", {}).get("clusterRoleSelectors", []):
        words += ["collects=" + key[len(AGGREGATE):] for key in selector["matchLabels"]]
    return [" ".join(words)] + [rule_line(rule) for rule in role.get("rules") or []]


def binding_lines(binding):
    groups = ",".join(subject["name"] for subject in binding["subjects"])
    return [f"binding {binding['metadata']['name']} role={binding['roleRef']['name']} to={groups}"]


def main():
    module = json.loads(subprocess.run(["go", "mod", "download", "-json", MODULE], check=True, capture_output=True,
                                       cwd="/").stdout)
    folder = pathlib.Path(module["Dir"]) / "plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata"
    lines = [f"# Made by tools/builtin/make_bootstrap_policy.py from {MODULE}. Never edit it by hand."]
    for name in ("cluster-roles", "namespace-roles", "cluster-role-bindings"):
        for item in yaml.safe_load((folder / f"{name}.yaml").read_text())["items"]:
            if item["kind"] == "ClusterRoleBinding":
                if item["roleRef"]["name"] in ROLES:
                    lines += binding_lines(item)
            elif item["metadata"]["name"] in ROLES:
                lines += role_lines(item)
    RESULT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
