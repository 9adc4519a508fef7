# SPDX-License-Identifier: Apache-2.0
"""Counts of test cases: how they are added up, read from reports and printed."""

import dataclasses
import pathlib
import re
import xml.etree.ElementTree as ElementTree

LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)  # one line each, for the summary
    skips: list = dataclasses.field(default_factory=list)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips
        return self

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def skip(self, what):
        self.skipped += 1
        self.skips.append(what)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def from_last_line(output):
    """The counts a program printed as its last line, or None."""
    lines = output.strip().splitlines()
    match = LINE.match(lines[-1].strip()) if lines else None
    return Counts(*map(int, match.groups())) if match else None


def from_gtest_xml(path, where):
    """One count per GoogleTest case of a report file."""
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{where}: {case.get('classname')}.{case.get('name')}"
        if case.find("failure") is not None:
            counts.fail(name)
        elif case.get("status") == "notrun" or case.get("result") in ("skipped", "suppressed"):
            counts.skip(name)
        else:
            counts.passed += 1
    return counts


def from_ctest(junit_path, reports, where):
    """Counts of one ctest run: the cases of each GoogleTest program, and one for every other entry.

    A program that fails although all its reported cases passed (a crash, a leak at exit, a time-out) counts as one
    failure more.
    """
    counts = Counts()
    for entry in ElementTree.parse(junit_path).getroot().iter("testcase"):
        name, status = entry.get("name"), entry.get("status")
        report = pathlib.Path(reports) / f"{name}.xml"
        cases = Counts()
        if report.exists():
            try:
                cases = from_gtest_xml(report, f"{where} {name}")
            except ElementTree.ParseError:
                cases.fail(f"{where} {name}: its report is cut off")
        elif status == "run":
            cases.passed = 1
        elif status == "disabled":
            cases.skip(f"{where} {name}: disabled")
        if status not in ("run", "disabled") and cases.failed == 0:
            detail = next((e.get("message") for e in entry if e.get("message")), status)
            cases.fail(f"{where} {name}: the program failed ({detail})")
        counts += cases
    return counts


def close(counts):
    """Prints what failed and what was skipped, then the counted line; returns the exit code."""
    if counts.skips:
        print("\nskipped:")
        for line in counts.skips:
            print(f"  {line}")
    if counts.failures:
        print("\nFAILED:")
        for line in counts.failures:
            print(f"  {line}")
    print(f"\n{counts}", flush=True)
    return 1 if counts.failed else 0
