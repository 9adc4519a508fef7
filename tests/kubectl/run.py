#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs transcripts of kubectl commands against a server and compares what they print with what was recorded.

  tests/kubectl/run.py --kubectl PROGRAM [--kubeconfig FILE] [--helm PROGRAM] [--record] [--real] [-v] [TRANSCRIPT...]

A transcript is a file transcripts/NAME.commands: paragraphs of bash, each a command of its own, run in a namespace and a
folder that belong to the transcript. NAME.expected holds what kubectl 1.34 prints with a real kube-apiserver;
NAME.expected-1.20 the same for kubectl 1.20, where it differs. --record writes them: only ever with a real server.

Lines of comment that mean something:
  # with helm           at the top: it needs Helm 3, which --helm names; without, the transcript is left out
  # clean: COMMAND      run quietly before the first and after the last command (for objects outside the namespace)
  # needs 1.24          before a command: left out with an older kubectl
  # sorted              before a command: the order of its lines is not fixed
  # retry: TEXT         before a command: repeated until its output has TEXT, for what a controller does in its own time

What no two runs have in common (times, uids, versions, tokens, addresses) is replaced on both sides: normalise().
How klutch-apiserver differs on purpose is written in divergences.toml, each with a reason, and what is still to be made
there, which counts as skipped; --real leaves that file out.
The last line is `N passed, N failed, N skipped`, counted in commands. Exit code 77: this kubectl has no recordings.
"""

import argparse
import concurrent.futures
import dataclasses
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TRANSCRIPTS = HERE / "transcripts"
CANNOT_RUN = 77
CURRENT, OLD = (1, 34), (1, 20)
COMMAND_LIMIT = 90  # seconds
RETRY_LIMIT = 30


@dataclasses.dataclass
class Command:
    text: str
    needs: tuple = (0, 0)
    sorted: bool = False
    retry: str = ""

    def header(self):
        return f"$ {self.text}\n"


@dataclasses.dataclass
class Transcript:
    name: str
    commands: list
    clean: list
    tool: str = ""


def read_transcript(path):
    commands, clean, tool = [], [], ""
    for paragraph in re.split(r"\n\s*\n", path.read_text()):
        command = Command("")
        lines = []
        for line in paragraph.strip("\n").split("\n"):
            if not lines and line.startswith("#"):
                word = line[1:].strip()
                if word.startswith("clean: "):
                    clean.append(word[7:])
                elif word.startswith("with "):
                    tool = word[5:]
                elif word.startswith("needs "):
                    command.needs = tuple(int(n) for n in word.split()[1].split("."))
                elif word == "sorted":
                    command.sorted = True
                elif word.startswith("retry: "):
                    command.retry = word[7:]
            else:
                lines.append(line)
        command.text = "\n".join(lines)
        if lines and command.text:
            commands.append(command)
    return Transcript(path.stem, commands, clean, tool)


# --- what no two runs have in common --------------------------------------------------------------------------------

def same_width(word):
    """Replaces a cell of a table by `word` and keeps the columns where they are."""
    def replace(match):
        cell, padding = match.group(1), match.group(2)
        if len(padding) < 2:
            return word + padding
        return word + " " * max(1, len(cell) + len(padding) - len(word))
    return replace


RULES = [
    (re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"), "TOKEN"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "TIME"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d ([+-]\d{4}|\w+)"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000( UTC)?"), "TIME"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}"), "TIME"),
    (re.compile(r"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w.]+:\d+)\]", re.M), r"\1 \2]"),
    # kubectl ends its own watch, and whether client-go then finds it too short is a race inside of it.
    (re.compile(r'(?m)^I reflector.go:\d+\] "Warning: watch ended with error".* err="very short watch: .*\n'), ""),
    (re.compile(r'(resourceVersion\\?"?: ?\\?")\d+'), r'\1RV'),
    (re.compile(r"(Resource Version: +)\d+"), r"\1RV"),
    (re.compile(r"(https?)://(127\.0\.0\.1|localhost|\[::1\]):\d+"), r"\1://SERVER"),
    (re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d+"), "SERVER"),
    (re.compile(r"\b(10\.\d+\.\d+\.\d+)( *)"), same_width("IP")),
    (re.compile(r"(?<![\w:.-])(\d{1,3}[smh]|\d+m\d+s|<invalid>)( *)(?![\w.-])"), same_width("AGE")),
    # Names of generateName: every prefix in the transcripts ends in "gen-".
    (re.compile(r"gen-[bcdfghjklmnpqrstvwxz2456789]{5}\b"), "gen-XXXXX"),
    (re.compile(r"(?m)[ \t]+$"), ""),
]


def normalise(text, work):
    text = text.replace(str(work), "WORK")
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return re.sub(r"/tmp/[\w./-]*", "/tmp/PATH", text)


# --- one transcript ---------------------------------------------------------------------------------------------------

class Runner:
    def __init__(self, options, version):
        self.options = options
        self.version = version

    def environment(self, work):
        return {"PATH": f"{work}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(work / "home"), "LC_ALL": "C",
                "TZ": "UTC", "KUBECONFIG": str(work / "kubeconfig"), "KUBE_EDITOR": "false"}

    def run_command(self, text, work):
        try:
            done = subprocess.run(["bash", "-c", text], cwd=work, env=self.environment(work), check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, errors="replace", timeout=COMMAND_LIMIT)
        except subprocess.TimeoutExpired as late:
            out = late.output or b""
            out = out.decode(errors="replace") if isinstance(out, bytes) else out
            return f"{out}[no end after {COMMAND_LIMIT} s]\n", 124
        return done.stdout, done.returncode

    def prepare(self, transcript, work):
        (work / "bin").mkdir()
        (work / "home").mkdir()
        (work / "bin" / "kubectl").symlink_to(self.options.kubectl)
        if transcript.tool:
            (work / "bin" / transcript.tool).symlink_to(getattr(self.options, transcript.tool))
        (work / "files").symlink_to(HERE / "files")
        shutil.copy(self.options.kubeconfig, work / "kubeconfig")
        namespace = "t-" + transcript.name.replace("_", "-")
        self.clean_up(transcript, work, namespace, wait=True)
        steps = (f"kubectl config set-context --current --namespace={namespace} >/dev/null && "
                 f"kubectl create namespace {namespace} && for try in $(seq 100); do "
                 f"kubectl get serviceaccount/default configmap/kube-root-ca.crt >/dev/null 2>&1 && exit 0; sleep 0.1; "
                 "done; echo 'no default service account'; exit 1")
        out, code = self.run_command(steps, work)
        if code != 0:
            raise RuntimeError(f"cannot prepare namespace {namespace}: {out.strip()}")
        return namespace

    def clean_up(self, transcript, work, namespace, wait):
        for command in transcript.clean:
            self.run_command(command, work)
        self.run_command(f"kubectl delete namespace {namespace} --ignore-not-found --wait={str(wait).lower()}", work)

    def one(self, command, work):
        limit = time.monotonic() + RETRY_LIMIT
        while True:
            out, code = self.run_command(command.text, work)
            if not command.retry or command.retry in out or time.monotonic() > limit:
                break
            time.sleep(0.2)
        out = normalise(out, work)
        if command.sorted:
            out = "".join(sorted(out.splitlines(keepends=True)))
        if out and not out.endswith("\n"):
            out += "\n"
        return out + (f"[exit {code}]\n" if code else "")

    def run(self, transcript):
        """The commands this kubectl knows, each with what it printed."""
        work = pathlib.Path(tempfile.mkdtemp(prefix="klutch-kubectl-"))
        try:
            namespace = self.prepare(transcript, work)
            known = [c for c in transcript.commands if c.needs <= self.version]
            results = [(c, self.one(c, work)) for c in known]
            self.clean_up(transcript, work, namespace, wait=False)
            return results
        finally:
            shutil.rmtree(work, ignore_errors=True)


# --- recordings ---------------------------------------------------------------------------------------------------------

def expected_path(name, version):
    return TRANSCRIPTS / (f"{name}.expected" if version == CURRENT else f"{name}.expected-{version[0]}.{version[1]}")


def write_recording(name, version, results):
    text = "\n".join(c.header() + out for c, out in results)
    path = expected_path(name, version)
    if version != CURRENT and expected_path(name, CURRENT).exists():
        known = {c.text for c, _ in results}
        current = read_recording(name, CURRENT)
        if {k: v for k, v in current.items() if k in known} == {c.text: out for c, out in results}:
            path.unlink(missing_ok=True)
            return "as 1.34"
    path.write_text(text)
    return "written"


def read_recording(name, version):
    """What is expected of each command. A command stands in a transcript once."""
    path = expected_path(name, version)
    if not path.exists():
        path = expected_path(name, CURRENT)
    if not path.exists():
        return {}
    text, transcript = path.read_text(), read_transcript(TRANSCRIPTS / f"{name}.commands")
    starts = []
    for command in transcript.commands:
        at = 0 if text.startswith(command.header()) else text.find("\n\n" + command.header()) + 2
        if at >= 2 or text.startswith(command.header()):
            starts.append((at, command))
    starts.sort(key=lambda pair: pair[0])
    recording = {}
    for (at, command), following in zip(starts, [*(a for a, _ in starts[1:]), len(text) + 1]):
        recording[command.text] = text[at + len(command.header()):following - 1]
    return recording


class Divergences:
    """divergences.toml: [[open]] transcript, command, what: any output will do, it is counted as skipped.
    [[divergence]] transcript, command (its first line), reason, and what is different:
    real_only / ours_only (regular expressions of lines that only one side prints; what is left must be the same, where
    spaces = "any" lets columns be of other widths) or ours (the whole output). kubectl says with which one alone."""

    def __init__(self, path):
        read = tomllib.loads(path.read_text()) if path.exists() else {}
        self.entries, self.open = read.get("divergence", []), read.get("open", [])
        self.used = set()

    def allow(self, name, command, expected, actual):
        for number, entry in enumerate(self.entries):
            first = command.text.split("\n")[0]
            if entry["transcript"] not in (name, "*") or not re.fullmatch(entry["command"], first):
                continue
            if self.explains(entry, expected, actual):
                self.used.add(number)
                return True
        return False

    def is_open(self, name, command):
        first = command.text.split("\n")[0]
        return any(e["transcript"] == name and re.fullmatch(e["command"], first) for e in self.open)

    def unused(self):
        return [e for number, e in enumerate(self.entries) if number not in self.used and "kubectl" not in e]

    @staticmethod
    def explains(entry, expected, actual):
        if "ours" in entry:
            return actual == entry["ours"]

        def rest(text, patterns):
            lines = [l for l in text.splitlines() if not any(re.search(p, l) for p in patterns)]
            return [" ".join(l.split()) for l in lines] if entry.get("spaces") == "any" else lines

        return rest(expected, entry.get("real_only", [])) == rest(actual, entry.get("ours_only", []))


def difference(expected, actual):
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), "recorded", "got", lineterm="", n=2)
    return "\n".join("    " + line for line in list(lines)[2:82])


# --- all of them ----------------------------------------------------------------------------------------------------------

def kubectl_version(program):
    done = subprocess.run([program, "version", "--client", "-o", "json"], check=False, capture_output=True, text=True)
    match = re.search(r'"gitVersion": *"v(\d+)\.(\d+)', done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else None


def compare(name, results, version, divergences, verbose):
    recording = read_recording(name, version)
    passed, skipped, failures = 0, 0, []
    for command, actual in results:
        expected = recording.get(command.text)
        if expected is None:
            failures.append(f"  $ {command.text}\n    was never recorded (run.py --record)")
        elif expected == actual or (divergences and divergences.allow(name, command, expected, actual)):
            passed += 1
        elif divergences and divergences.is_open(name, command):
            skipped += 1
        else:
            failures.append(f"  $ {command.text}\n{difference(expected, actual)}")
    still_open = f", {skipped} still to be made" if skipped else ""
    print(f"{'FAIL' if failures else 'ok  '} {name}: {passed} of {len(results)} commands{still_open}")
    for text in failures:
        print(text)
    if verbose:
        for command, actual in results:
            print(command.header() + actual)
    sys.stdout.flush()
    return passed, len(failures), skipped


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG"), help="default: $KUBECONFIG")
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--helm", help="Helm 3, for the transcripts that need it")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--real", action="store_true", help="the server is a real one")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=2)
    parser.add_argument("transcripts", nargs="*")
    options = parser.parse_args()
    options.kubectl = shutil.which(options.kubectl) or options.kubectl
    options.kubectl = os.path.realpath(options.kubectl)
    if options.helm:
        options.helm = os.path.realpath(shutil.which(options.helm) or options.helm)
    return options


def main():
    options = arguments()
    version = kubectl_version(options.kubectl)
    if version not in (CURRENT, OLD):
        print(f"there are no recordings for {options.kubectl} of version {version}")
        return CANNOT_RUN
    everything = [read_transcript(path) for path in sorted(TRANSCRIPTS.glob("*.commands"))]
    for transcript in everything:
        twice = {c.text for c in transcript.commands if [d.text for d in transcript.commands].count(c.text) > 1}
        if twice:
            print(f"{transcript.name}: stands there twice: {sorted(twice)[0]}")
            return 2
    chosen = [t for t in everything if not options.transcripts or t.name in options.transcripts]
    chosen = [t for t in chosen if not t.tool or (getattr(options, t.tool) and version == CURRENT)]
    runner = Runner(options, version)
    divergences = None if options.real or options.record else Divergences(HERE / "divergences.toml")
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = [(t, pool.submit(runner.run, t)) for t in chosen]
        for transcript, future in pending:
            try:
                results = future.result()
            except RuntimeError as problem:
                print(f"FAIL {transcript.name}: {problem}")
                failed += len(transcript.commands)
                continue
            if options.record:
                print(f"{write_recording(transcript.name, version, results)}: {transcript.name}", flush=True)
                continue
            good, bad, left = compare(transcript.name, results, version, divergences, options.verbose)
            passed, failed, skipped = passed + good, failed + bad, skipped + left
    if divergences and version == CURRENT and not options.transcripts:
        for entry in divergences.unused():
            print(f"note: divergences.toml explains nothing any more: {entry['transcript']}: {entry['command']}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
