#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include under src/, cmd/ and examples/ against the arrows of ARCHITECTURE.md.

  check_layers.py [ROOT]      exit code 1 and one line per finding

LAYERS says which library may include which, THIRD_PARTY which folder may know which outside library. A header that its
CMakeLists.txt names under HEADERS is public and never shows a third-party type; every other header is private to its
library, apart from the libraries that FRIENDS names.
"""

import pathlib
import re
import sys

import tree

# library -> libraries it may include. A library may always include itself; what is not listed is forbidden.
GROUND = {"base", "async", "json", "crypto"}
HTTP = GROUND | {"jose", "obs"}
KUBE = HTTP | {"http", "kube/api", "kube/client", "kube/runtime"}
LAYERS = {
    "base": set(),
    "async": {"base"},
    "json": {"base"},
    "crypto": {"base"},
    "jose": GROUND,
    "obs": GROUND,
    "sqlite": {"base"},
    "http": HTTP,
    "kube/api": HTTP | {"http"},
    "oidc": HTTP | {"http"},
    "osb": HTTP | {"http"},
    "kube/client": HTTP | {"http", "kube/api"},
    "kube/runtime": HTTP | {"http", "kube/api", "kube/client"},
    "bind/api": KUBE,
    "bind/backend": KUBE | {"bind/api", "oidc"},
    "bind/konnector": KUBE | {"bind/api"},
    "bind/plugin": KUBE | {"bind/api", "oidc", "cli"},
    "composition": KUBE,
    "provider": KUBE | {"osb"},
    "node": KUBE,
    "apiserver": HTTP | {"http", "kube/api", "oidc", "sqlite"},
    "broker": HTTP | {"http", "osb", "sqlite"},
    "cli": {"base"},
    "local": KUBE - {"kube/runtime"} | {"osb", "cli"},
}

# first part of an include path -> folders (under src/) that may use it in a source file; None: anywhere.
THIRD_PARTY = [
    (r"tl/expected\.hpp$", None),
    (r"fmt/", None),
    (r"re2/", None),
    (r"boost/(asio|context)/|boost/asio\.hpp$", {"async", "http"}),
    (r"boost/beast", {"http"}),
    (r"boost/json", {"json", "tests"}),
    (r"boost/url", {"http", "oidc", "kube/api"}),
    (r"boost/system/", {"async", "http", "json"}),
    (r"openssl/", {"crypto", "jose", "http"}),
    (r"yaml\.h$", {"json"}),
    (r"prometheus/", {"obs"}),
    (r"zlib\.h$", {"http"}),
    (r"sqlite3\.h$", {"sqlite"}),
    (r"CLI/", {"cli", "cmd", "examples"}),
    (r"(gtest|gmock|rapidcheck|nlohmann|benchmark)/|rapidcheck\.h$", {"tests"}),
]
# In a header only these may appear; everything else of THIRD_PARTY stays behind the seam.
ALLOWED_IN_HEADERS = re.compile(r"tl/expected\.hpp$")
# private header -> libraries that may include it besides its own.
FRIENDS = {
    "async/asio_bridge.h": {"http"},
    "async/core.h": {"http"},
    "crypto/certificate_access.h": {"http"},
    "crypto/key_access.h": {"jose", "http"},
    "crypto/openssl.h": {"jose", "http"},
}

CMAKE_HEADERS = re.compile(r"\bHEADERS\s+((?:[\w./-]+\.h\s*)+)")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def library_of(path):
    """src/kube/api/x.h -> kube/api; src/json/yaml/x.h -> json; None outside src/."""
    parts = path.parts
    if parts[0] != "src" or len(parts) < 3:
        return None
    for length in (2, 1):
        name = "/".join(parts[1:1 + length])
        if name in LAYERS:
            return name
    return parts[1]


def public_headers(root):
    """Every header that a CMakeLists.txt under src/ names under HEADERS."""
    public = set()
    for path in tree.files(root, {".txt"}):
        if path.name == "CMakeLists.txt" and path.parts[0] == "src":
            for match in CMAKE_HEADERS.finditer("\n".join(tree.read_lines(root, path))):
                public |= {path.parent / name for name in match.group(1).split()}
    return public


def is_test(path):
    return (path.stem.endswith(("_test", "_fuzz", "_bench", "_testing"))
            or path.parts[0] in ("tests", "bench") or "testing" in path.parts)


def check_project_include(path, line_number, text, headers, public):
    where = f"{path}:{line_number}"
    header = pathlib.PurePosixPath("src") / text
    own, other = library_of(path), library_of(header)
    if header not in headers:
        return None  # generated, or the compiler will say so
    if other == "testing":
        return None if is_test(path) else f"{where}: only tests may include testing/ ({text})"
    if own is None or own == "testing" or own == other:
        return None
    if own not in LAYERS:
        return f"{where}: library '{own}' has no row in LAYERS of tools/lint/check_layers.py"
    if other not in LAYERS[own]:
        return f"{where}: '{own}' must not include '{other}' ({text})"
    if header not in public and own not in FRIENDS.get(text, ()) and not is_test(path):
        return f"{where}: {text} is private to '{other}'"
    return None


def check_third_party(path, line_number, text, public):
    where = f"{path}:{line_number}"
    for pattern, folders in THIRD_PARTY:
        if not re.match(pattern, text):
            continue
        if path in public and not ALLOWED_IN_HEADERS.match(text):
            return f"{where}: third-party <{text}> in a public header; keep it behind the source file"
        if folders is None or is_test(path) and "tests" in folders:
            return None
        place = library_of(path) or path.parts[0]
        if place not in folders and path.parts[0] not in folders and not (is_test(path) and place == "testing"):
            return f"{where}: <{text}> belongs only in {', '.join(sorted(folders))}"
        return None
    if text.startswith("boost/") and path in public:
        return f"{where}: Boost <{text}> in a public header; keep it behind the source file"
    return None


def check(root):
    findings = []
    sources = [p for p in tree.files(root, tree.CXX_SUFFIXES) if p.parts[0] in ("src", "cmd", "examples", "tests", "bench")]
    headers, public = {p for p in sources if p.suffix == ".h"}, public_headers(root)
    for path in sources:
        for number, line in enumerate(tree.read_lines(root, path), start=1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, angled = match.groups()
            finding = (check_project_include(path, number, quoted, headers, public) if quoted
                       else check_third_party(path, number, angled, public))
            if finding:
                findings.append(finding)
    return findings


if __name__ == "__main__":
    sys.exit(tree.report("layers", check(tree.root_from_arguments())))
