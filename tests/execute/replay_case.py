"""What the tests of the executor share: the command in a clean environment, rules, logs, summaries.

Each test file runs as `python3 FILE MILLRACE_BINARY [SHARED_DIR] [unittest's options]`, or with MILLRACE and
MILLRACE_SHARED in the environment.
"""
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

import fault_server

COMMAND = os.environ.get("MILLRACE", "")
SHARED = Path(os.environ.get("MILLRACE_SHARED", "/nonexistent"))
KEYS = {"AWS_ACCESS_KEY_ID": fault_server.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": fault_server.SECRET_KEY}
MACHINE = "arn:aws:states:us-east-2:123456789012:stateMachine:Helloworld"
SUMMARY_MEMBERS = ("records", "routed", "not_delivered", "bad", "matches", "starts", "started", "duplicates", "failed",
                   "failures")
START_MEMBERS = ["stateMachineArn", "name", "rule", "target", "eventId", "eventTime", "input"]
DEAD_LETTER_MEMBERS = ["RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS",
                       *START_MEMBERS]
# The sanitizers' own, so that a sanitized build is tested as it is meant to be.
ENVIRONMENT_KEPT = re.compile(r"PATH|LANG|TMPDIR|(A|L|T|UB)SAN_OPTIONS|GCOV_.*|LLVM_PROFILE_FILE")


def main():
    global COMMAND, SHARED
    arguments = sys.argv[1:]
    if arguments and not arguments[0].startswith("-") and Path(arguments[0]).is_file():
        COMMAND = arguments.pop(0)
    if arguments and Path(arguments[0]).is_dir():
        SHARED = Path(arguments.pop(0))
    if not COMMAND:
        sys.exit(f"usage: {sys.argv[0]} MILLRACE_BINARY [SHARED_DIR] [unittest's options]")
    COMMAND = str(Path(COMMAND).resolve())
    unittest.main(module="__main__", argv=[sys.argv[0], *arguments])


def record(number, **members):
    return {"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "PutObject",
            "eventID": f"00000000-0000-4000-8000-{number:012d}", "eventTime": "2024-01-01T00:00:00Z",
            "awsRegion": "us-east-2", "recipientAccountId": "123456789012", "eventType": "AwsApiCall",
            "eventCategory": "Data", "requestParameters": {"bucketName": "b", "key": f"key-{number}"}, **members}


def records(count, first=0):
    return "".join(json.dumps(record(number)) + "\n" for number in range(first, first + count))


def rule(name="s3", pattern=None, arn=MACHINE, target_id="1", **members):
    """A rule with one target; `members` are the target's."""
    return {"Name": name, "EventPattern": pattern or {"source": ["aws.s3"]}, "Targets": [{"Id": target_id, "Arn": arn, **members}]}


class ReplayCase(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self.directory = Path(self._directory.name)
        self.home = self.directory / "home"
        self.home.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if ENVIRONMENT_KEPT.fullmatch(name)}
        self.environment.update(HOME=str(self.home), AWS_EC2_METADATA_DISABLED="true")

    def write(self, name, content):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def write_rules(self, *rules, name="rules.json"):
        return self.write(name, json.dumps({"Rules": list(rules)}))

    def command(self, *arguments):
        return [COMMAND, *map(str, arguments)]

    def run_command(self, *arguments, status=0, timeout=60, stdin=b"", **options):
        """Runs to the end. `status` is the exit status expected, or several."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=timeout, cwd=self.directory,
                              env=self.environment, **options)
        self.assert_status(done, status)
        return done

    def assert_status(self, done, status):
        expected = status if isinstance(status, tuple) else (status,)
        error = done.stderr.decode(errors="replace")
        self.assertIn(done.returncode, expected, f"{' '.join(map(str, done.args))}\n{error[-2000:]}")
        for sanitizer in ("Sanitizer:", "runtime error:"):
            self.assertNotIn(sanitizer, error)

    def refused(self, *arguments, message="", **options):
        """A run that ends before its first start, with status 4 and a message in which `message` (a pattern) is found."""
        done = self.run_command(*arguments, status=4, **options)
        self.assertRegex(done.stderr.decode(errors="replace"), message)
        return done

    def summary(self, done):
        """The summary of a run, whose counts must add up."""
        lines = done.stdout.splitlines()
        self.assertTrue(lines, f"no summary\n{done.stderr.decode(errors='replace')[-2000:]}")
        summary = json.loads(lines[-1])
        self.assertEqual(summary["schema"], 1)
        missing = [member for member in SUMMARY_MEMBERS if member not in summary]
        self.assertEqual(missing, [], summary)
        counted = summary["routed"] + sum(summary["not_delivered"].values()) + sum(summary["bad"].values())
        self.assertEqual(summary["records"], counted, summary)
        ended = summary["started"] + summary["duplicates"] + summary["failed"] + summary.get("abandoned", 0)
        self.assertEqual(summary["starts"], ended, summary)
        self.assertEqual(summary["failed"], sum(summary["failures"].values()), summary)
        if done.returncode != 130:
            self.assertEqual(summary.get("abandoned", 0), 0, summary)
        return summary

    def replay(self, rules, *arguments, status=0, **options):
        return self.summary(self.run_command("replay", "--rules", rules, *arguments, "--json", status=status, **options))

    def ndjson(self, path):
        return [json.loads(line) for line in Path(path).read_bytes().splitlines()]

    def dead_letters(self, path):
        """Dead letters, with their members checked."""
        letters = self.ndjson(path)
        for letter in letters:
            kept = ["inputText" if member == "input" and "inputText" in letter else member for member in DEAD_LETTER_MEMBERS
                    if member != "EXHAUSTED_RETRY_CONDITION" or member in letter]
            kept += [member for member in ("deadLetterArn", "retryPolicy") if member in letter]
            self.assertEqual(list(letter), kept)
            self.assertIn(letter.get("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts"),
                          ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"))
            self.assertEqual(letter["TARGET_ARN"], letter["stateMachineArn"])
            self.assertTrue(letter["ERROR_MESSAGE"], letter)
            self.assertRegex(letter["name"], r"\A[0-9A-Za-z_-]{1,80}\Z")
            letter["RETRY_ATTEMPTS"] = int(letter["RETRY_ATTEMPTS"])
        return letters

    def rows(self, path, query="SELECT * FROM executions ORDER BY name"):
        """Rows of a store as dicts, by an SQLite that is not the command's own."""
        with closing(sqlite3.connect(path)) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(query)]

    def assert_store_is_whole(self, path):
        with closing(sqlite3.connect(path)) as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone()[0], "ok")


class Running:
    """A command that is still running; stopped at the end of the block."""

    def __init__(self, case, *arguments, stdin=None):
        self.case, self.stdin = case, stdin
        self.arguments = case.command(*arguments)

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdin=self.stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=self.case.directory, env=self.case.environment)
        return self

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self, timeout):
        stdout, stderr = self.process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(self.arguments, self.process.returncode, stdout, stderr)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
