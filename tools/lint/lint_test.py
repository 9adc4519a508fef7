#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds each lint a small tree that is right and the same tree with one thing wrong: a lint must be able to fail."""

import pathlib
import tempfile
import unittest

import check_layers
import check_sizes
import check_words

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


class LintCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("src/base/error.h", "#pragma once\n")
        self.write("src/base/CMakeLists.txt", "klutch_library(NAME base HEADERS error.h SOURCES error.cc)\n")
        self.write("src/base/README.md", "# base\n")
        self.write("src/http/client.h", "#pragma once\n#include \"base/error.h\"\n")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SPDX + text if path.suffix in (".h", ".cc") else text, encoding="utf-8")

    def assert_finding(self, lint, part):
        findings = lint.check(self.root)
        self.assertTrue(any(part in f for f in findings), f"expected {part!r} in {findings}")

    def assert_clean(self, lint):
        self.assertEqual([], lint.check(self.root))


class Layers(LintCase):
    def test_a_tree_that_keeps_the_arrows_is_clean(self):
        self.write("src/http/client.cc", '#include "http/client.h"\n#include <boost/beast/core.hpp>\n#include <vector>\n')
        self.write("src/http/client_test.cc", '#include "testing/fiber_test.h"\n#include <gtest/gtest.h>\n')
        self.write("src/testing/fiber_test.h", "#pragma once\n#include \"http/client.h\"\n#include <gtest/gtest.h>\n")
        self.assert_clean(check_layers)

    def test_an_arrow_upwards_is_found(self):
        self.write("src/base/error.cc", '#include "http/client.h"\n')
        self.assert_finding(check_layers, "'base' must not include 'http'")

    def test_siblings_do_not_see_each_other(self):
        self.write("src/json/value.h", "#pragma once\n")
        self.write("src/crypto/hash.cc", '#include "json/value.h"\n')
        self.assert_finding(check_layers, "'crypto' must not include 'json'")

    def test_the_api_server_does_not_see_the_client(self):
        self.write("src/kube/client/client.h", "#pragma once\n")
        self.write("src/apiserver/storage/store.cc", '#include "kube/client/client.h"\n')
        self.assert_finding(check_layers, "'apiserver' must not include 'kube/client'")

    def test_backend_and_konnector_share_only_the_api(self):
        self.write("src/bind/backend/tenant.h", "#pragma once\n")
        self.write("src/bind/konnector/sync.cc", '#include "bind/backend/tenant.h"\n')
        self.assert_finding(check_layers, "'bind/konnector' must not include 'bind/backend'")

    def test_programs_do_not_see_testing(self):
        self.write("src/testing/fake.h", "#pragma once\n")
        self.write("src/http/server.cc", '#include "testing/fake.h"\n')
        self.assert_finding(check_layers, "only tests may include testing/")

    def test_a_library_without_a_row_is_found(self):
        self.write("src/surprise/thing.cc", '#include "base/error.h"\n')
        self.assert_finding(check_layers, "'surprise' has no row")

    def test_third_party_types_stay_out_of_public_headers(self):
        self.write("src/http/CMakeLists.txt", "klutch_library(NAME http HEADERS client.h\n  server.h SOURCES server.cc)\n")
        self.write("src/http/stream.h", "#pragma once\n#include <boost/beast/core.hpp>\n")
        self.assert_clean(check_layers)
        self.write("src/http/server.h", "#pragma once\n#include <boost/beast/core.hpp>\n")
        self.assert_finding(check_layers, "src/http/server.h:3: third-party <boost/beast/core.hpp> in a public header")

    def test_private_headers_stay_in_their_library(self):
        self.write("src/json/CMakeLists.txt", "klutch_library(NAME json HEADERS value.h SOURCES value.cc)\n")
        self.write("src/json/block.h", "#pragma once\n")
        self.write("src/json/value.cc", '#include "json/block.h"\n')
        self.assert_clean(check_layers)
        self.write("src/http/client.cc", '#include "json/block.h"\n')
        self.assert_finding(check_layers, "json/block.h is private to 'json'")

    def test_third_party_stays_in_its_folder(self):
        self.write("src/obs/log.cc", "#include <openssl/evp.h>\n")
        self.assert_finding(check_layers, "<openssl/evp.h> belongs only in")


class Sizes(LintCase):
    def test_small_files_are_clean(self):
        self.assert_clean(check_sizes)

    def test_a_long_header_is_found(self):
        self.write("src/base/long.h", "\n" * 300)
        self.assert_finding(check_sizes, "301 lines, the cap is 300")

    def test_a_long_function_is_found(self):
        self.write("src/base/long.cc", "int f(int a,\n      int b) {\n" + "  ++a;\n" * 70 + "}\n")
        self.assert_finding(check_sizes, "src/base/long.cc:2: function of 73 lines")

    def test_a_long_member_is_found_but_not_its_class(self):
        self.write("src/base/long.cc", "class A {\n" + "  void g();\n" * 80 + "  void f() {\n" + "    g();\n" * 70 + "  }\n};\n")
        findings = check_sizes.check(self.root)
        self.assertEqual(1, len(findings), findings)

    def test_a_long_readme_is_found(self):
        self.write("src/base/README.md", "line\n" * 31)
        self.assert_finding(check_sizes, "31 lines, the cap is 30")

    def test_a_library_without_a_readme_is_found(self):
        (self.root / "src/base/README.md").unlink()
        self.assert_finding(check_sizes, "src/base: a library needs a README.md")

    def test_an_exception_admits_a_file_up_to_its_number(self):
        self.write("src/base/long.h", "\n" * 320)
        self.write(check_sizes.EXCEPTIONS, "src/base/long.h 325 # generated table\n")
        self.assert_clean(check_sizes)
        self.write("src/base/long.h", "\n" * 330)
        self.assert_finding(check_sizes, "its exception allows 325")

    def test_exceptions_only_shrink(self):
        self.write(check_sizes.EXCEPTIONS, "src/base/error.h 400\nsrc/base/gone.h 400\n")
        self.assert_finding(check_sizes, "remove its line")
        self.assert_finding(check_sizes, "gone.h does not exist")
        self.write("src/base/error.h", "\n" * 310)
        self.assert_finding(check_sizes, "lower its exception")


class Words(LintCase):
    def test_plain_code_is_clean_even_when_comments_name_the_banned(self):
        self.write("src/base/plain.cc", '// no co_await here\nconst char* kText = "catch (...)";\n')
        self.assert_clean(check_words)

    def test_banned_constructs_are_found(self):
        for code in ("co_await f();", "try { f(); } catch (...) {}", "std::regex r;", "thread_local int x;",
                     "asio::co_spawn(x, f, asio::detached);", "std::this_thread::sleep_for(1s);", "using namespace std;"):
            with self.subTest(code):
                self.write("src/base/bad.cc", code + "\n")
                self.assert_finding(check_words, "src/base/bad.cc:2")

    def test_banned_names_are_found(self):
        self.write("src/http/string_utils.cc", "")
        self.assert_clean(check_words)
        self.write("src/http/utils.cc", "")
        self.assert_finding(check_words, "'utils' says nothing")

    def test_other_words_for_the_two_clusters_are_found(self):
        self.write("src/http/proxy.cc", "// talks to the upstream cluster\n")
        self.assert_finding(check_words, "say provider cluster")

    def test_a_licence_line_is_asked_for(self):
        (self.root / "src/base/bare.cc").write_text("int x;\n", encoding="utf-8")
        self.assert_finding(check_words, "SPDX")

    def test_a_suppression_without_name_or_reason_is_found(self):
        self.write("src/base/quiet.cc", "int x;  // NOLINT\n")
        self.assert_finding(check_words, "names its check")
        self.write("src/base/quiet.cc", "int x;  // NOLINT(bugprone-x): the peer decides the type\n")
        self.assert_clean(check_words)


if __name__ == "__main__":
    unittest.main()
