#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The counting is what a green run rests on: it must see failures, crashes, skips and missing reports."""

import pathlib
import tempfile
import unittest

import counts

GTEST = """<testsuites><testsuite name="S">
  <testcase name="Good" status="run" result="completed" classname="S"/>
  <testcase name="Off" status="notrun" result="suppressed" classname="S"/>
  <testcase name="Skipped" status="run" result="skipped" classname="S"><skipped message="no"/></testcase>
  {more}
</testsuite></testsuites>"""
BAD = '<testcase name="Bad" status="run" result="completed" classname="S"><failure message="x"/></testcase>'


class Counting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.reports = pathlib.Path(folder.name)

    def count(self, *entries):
        junit = self.reports / "ctest.junit"
        junit.write_text("<testsuite>" + "".join(entries) + "</testsuite>")
        return counts.from_ctest(junit, self.reports, "dev")

    def report(self, more=""):
        (self.reports / "a_test.xml").write_text(GTEST.format(more=more))

    def test_cases_of_a_program_are_counted_one_by_one(self):
        self.report()
        self.assertEqual("1 passed, 0 failed, 2 skipped", str(self.count('<testcase name="a_test" status="run"/>')))

    def test_a_failed_case_is_counted_and_named(self):
        self.report(BAD)
        result = self.count('<testcase name="a_test" status="fail"><failure message=""/></testcase>')
        self.assertEqual("1 passed, 1 failed, 2 skipped", str(result))
        self.assertEqual(["dev a_test: S.Bad"], result.failures)

    def test_a_program_that_dies_after_its_report_is_a_failure(self):
        self.report()
        result = self.count('<testcase name="a_test" status="fail"><failure message="SEGFAULT"/></testcase>')
        self.assertEqual(1, result.failed)

    def test_a_program_that_dies_without_a_report_is_a_failure(self):
        self.assertEqual(1, self.count('<testcase name="a_test" status="fail"><failure message=""/></testcase>').failed)

    def test_a_broken_report_is_a_failure(self):
        (self.reports / "a_test.xml").write_text("<testsuites><testsuite>")
        self.assertEqual(1, self.count('<testcase name="a_test" status="run"/>').failed)

    def test_other_entries_count_one_each(self):
        self.assertEqual("2 passed, 0 failed, 0 skipped",
                         str(self.count('<testcase name="lint" status="run"/>', '<testcase name="fuzz" status="run"/>')))

    def test_an_entry_that_did_not_run_is_a_failure(self):
        result = self.count('<testcase name="lint" status="notrun"><skipped message="no such program"/></testcase>')
        self.assertEqual("0 passed, 1 failed, 0 skipped", str(result))

    def test_the_last_line_is_read_exactly(self):
        self.assertEqual("3 passed, 1 failed, 2 skipped", str(counts.from_last_line("x\n3 passed, 1 failed, 2 skipped\n")))
        for text in ("", "3 passed, 1 failed", "3 passed, 1 failed, 2 skipped\nmore", "all: 3 passed, 1 failed, 2 skipped"):
            self.assertIsNone(counts.from_last_line(text), text)


if __name__ == "__main__":
    unittest.main()
