#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is compared is what run.py leaves of an output: it must hide what differs from run to run, and nothing else."""

import pathlib
import tempfile
import unittest
from unittest import mock

import run


class Normalising(unittest.TestCase):
    def check(self, text, wanted):
        self.assertEqual(run.normalise(text, "/work/folder"), wanted)

    def test_times_uids_versions_and_tokens(self):
        self.check("at 2026-11-21T14:00:01Z", "at TIME")
        self.check("at 2026-11-21T14:00:01.123456Z", "at TIME")
        self.check('resourceVersion: "12"', 'resourceVersion: "RV"')
        self.check('"resourceVersion":"12"', '"resourceVersion":"RV"')
        self.check("uid: 01234567-89ab-cdef-0123-456789abcdef", "uid: UID")
        self.check("eyJhbGciOiJFUzI1.eyJhdWQiOlsi.c2lnbmF0dXJl_-", "TOKEN")
        self.check("https://127.0.0.1:45277/api", "https://SERVER/api")
        self.check("map-gen-x4kbz", "map-gen-XXXXX")

    def test_ages_keep_the_columns_where_they_are(self):
        self.check("web   5s    nginx", "web   AGE   nginx")
        self.check("web   100s   nginx", "web   AGE    nginx")
        self.check("web   <invalid>\n", "web   AGE\n")

    def test_what_is_no_age_stays(self):
        for text in ("replicas: 3", "image:v1s", "a 1Gi b", "limits 64Mi", "h2 1.5s-2", "generation: 12"):
            self.check(text, text)


class Transcripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        patch = mock.patch.object(run, "TRANSCRIPTS", self.folder)
        patch.start()
        self.addCleanup(patch.stop)

    def read(self, text):
        (self.folder / "some.commands").write_text(text)
        return run.read_transcript(self.folder / "some.commands")

    def test_paragraphs_are_commands_and_comments_steer_them(self):
        read = self.read("# Title.\n# clean: gone\n\nfirst one\n\n# Why.\n# needs 1.24\n# sorted\n# retry: yes\nsecond <<X\na\nX\n")
        self.assertEqual(read.clean, ["gone"])
        self.assertEqual([c.text for c in read.commands], ["first one", "second <<X\na\nX"])
        self.assertEqual((read.commands[1].needs, read.commands[1].sorted, read.commands[1].retry), ((1, 24), True, "yes"))

    def test_a_recording_is_read_as_it_was_written(self):
        read = self.read("one\n\ntwo # of them\n\nthree\n")
        outputs = ["\n\nblank lines\n", "", "$ no command\n[exit 1]\n"]
        run.write_recording("some", run.CURRENT, list(zip(read.commands, outputs)))
        self.assertEqual(run.read_recording("some", run.CURRENT), dict(zip(("one", "two # of them", "three"), outputs)))

    def test_the_old_kubectl_has_a_recording_only_where_it_differs(self):
        read = self.read("one\n\n# needs 1.24\ntwo\n")
        run.write_recording("some", run.CURRENT, [(read.commands[0], "a\n"), (read.commands[1], "b\n")])
        run.write_recording("some", run.OLD, [(read.commands[0], "a\n")])
        self.assertFalse((self.folder / "some.expected-1.20").exists())
        run.write_recording("some", run.OLD, [(read.commands[0], "x\n")])
        self.assertEqual(run.read_recording("some", run.OLD), {"one": "x\n"})


class Differing(unittest.TestCase):
    def allowed(self, entry, expected, actual, command="kubectl get x"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "d.toml")
            path.write_text("[[divergence]]\ntranscript = 'some'\ncommand = 'kubectl get .*'\nreason = 'r'\n" + entry)
            divergences = run.Divergences(path)
            allowed = divergences.allow("some", run.Command(command), expected, actual)
            self.assertEqual([e["reason"] for e in divergences.unused()], [] if allowed else ["r"])
            return allowed

    def test_only_the_lines_named_may_differ(self):
        self.assertTrue(self.allowed("real_only = ['^b']", "a\nb\n", "a\n"))
        self.assertTrue(self.allowed("ours_only = ['^c']", "a\n", "a\nc\n"))
        self.assertFalse(self.allowed("real_only = ['^b']", "a\nb\n", "x\n"))
        self.assertFalse(self.allowed("real_only = ['^b']", "a   1\nb\n", "a 1\n"))
        self.assertTrue(self.allowed("real_only = ['^b']\nspaces = 'any'", "a   1\nb\n", "a 1\n"))

    def test_a_whole_output_may_be_named(self):
        self.assertTrue(self.allowed("ours = \"x\\n\"", "a\n", "x\n"))
        self.assertFalse(self.allowed("ours = \"x\\n\"", "a\n", "y\n"))

    def test_what_is_to_be_made_is_known_by_its_command(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "d.toml")
            path.write_text("[[open]]\ntranscript = 'some'\ncommand = 'kubectl get .*'\nwhat = 'w'\n")
            divergences = run.Divergences(path)
            self.assertTrue(divergences.is_open("some", run.Command("kubectl get x\nmore")))
            self.assertFalse(divergences.is_open("some", run.Command("kubectl delete x")))
            self.assertFalse(divergences.is_open("other", run.Command("kubectl get x")))

    def test_other_commands_are_not_meant(self):
        self.assertFalse(self.allowed("ours = \"x\\n\"", "a\n", "x\n", command="kubectl describe x"))


if __name__ == "__main__":
    unittest.main()
