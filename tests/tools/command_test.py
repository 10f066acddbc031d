"""The millrace command as people use it: the tutorial, exit statuses, counts, bad inputs, signals.

Reads the path of the command from MILLRACE and that of the shared folder from MILLRACE_SHARED.
"""
import gzip
import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

COMMAND = os.environ["MILLRACE"]
SHARED = Path(os.environ.get("MILLRACE_SHARED", ""))

TUTORIAL_RULES = {
    "Rules": [
        {
            "Name": "S3StepFunctions",
            "State": "ENABLED",
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventSource": ["s3.amazonaws.com"],
                    "eventName": ["PutObject"],
                    "requestParameters": {"bucketName": ["username-sfn-tutorial"]},
                },
            },
            "Targets": [{"Id": "1", "Arn": "arn:aws:states:us-east-2:123456789012:stateMachine:Helloworld"}],
        }
    ]
}
S3_RULES = {"Name": "s3", "EventPattern": {"source": ["aws.s3"]}, "Targets": TUTORIAL_RULES["Rules"][0]["Targets"]}


def record(number, **members):
    return {
        "eventVersion": "1.08",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "eventID": f"event-{number}",
        "eventTime": "2024-01-01T00:00:00Z",
        "eventType": "AwsApiCall",
        "eventCategory": "Data",
        **members,
    }


def shared(path):
    found = SHARED / path
    if not found.exists():
        raise unittest.SkipTest(f"skipped: {found} missing")
    return str(found)


class CommandTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self.directory = Path(self._directory.name)
        self.rules = self.write("rules.json", json.dumps(S3_RULES))

    def write(self, name, content):
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run_command(self, *arguments, status=0, stdin=b""):
        done = subprocess.run([COMMAND, *map(str, arguments)], input=stdin, capture_output=True, timeout=120, cwd=self.directory)
        self.assertEqual(done.returncode, status, done.stderr.decode(errors="replace"))
        return done

    def replay(self, *arguments, status=0, rules=None, stdin=b""):
        """Replays and returns the summary; every record must be accounted for."""
        done = self.run_command("replay", "--rules", rules or self.rules, "--json", *arguments, status=status, stdin=stdin)
        summary = json.loads(done.stdout.splitlines()[-1])
        counted = summary["routed"] + sum(summary["not_delivered"].values()) + sum(summary["bad"].values())
        self.assertEqual(summary["records"], counted, summary)
        self.assertEqual(summary["schema"], 1)
        self.assertEqual(summary["starts"], summary["started"] + summary["duplicates"] + summary["failed"])
        return summary


class Tutorial(CommandTest):
    def test_the_tutorials_upload_starts_its_state_machine_with_its_input(self):
        text = Path(shared("spec/s3-tutorial.txt")).read_text()
        expected = json.loads(text[text.rindex('{ "version": "0"') :])
        log = self.write("log.json.gz", gzip.compress(json.dumps({"Records": [expected["detail"]]}).encode()))
        rules = self.write("tutorial.json", json.dumps(TUTORIAL_RULES))
        done = self.run_command("replay", "--rules", rules, log, "--to", "ndjson:-")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 1)
        start = json.loads(lines[0])
        self.assertEqual(list(start), ["stateMachineArn", "name", "rule", "target", "eventId", "eventTime", "input"])
        self.assertEqual(start["stateMachineArn"], "arn:aws:states:us-east-2:123456789012:stateMachine:Helloworld")
        self.assertEqual((start["rule"], start["target"]), ("S3StepFunctions", "1"))
        self.assertEqual(start["eventTime"], expected["time"])
        self.assertRegex(start["name"], r"\A[0-9A-Za-z_-]{1,80}\Z")
        self.assertEqual(start["eventId"], start["input"]["id"])
        self.assertRegex(start["input"]["id"], r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
        start["input"]["id"] = expected["id"]
        self.assertEqual(json.dumps(start["input"]), json.dumps(expected))


class RealData(CommandTest):
    def test_the_same_input_gives_the_same_bytes_at_any_number_of_threads(self):
        inputs = [shared("data/cloudtrail"), shared("data/panther-records.ndjson.gz")]
        rules = shared("rules/sigma-cloudtrail.json")
        outputs, summaries = [], []
        for threads in (1, 2, 8):
            path = self.directory / f"starts-{threads}"
            arguments = ["--threads", threads, "--to", f"ndjson:{path}", "--read-only", "deliver"]
            summary = self.replay(*inputs, *arguments, rules=rules)
            summaries.append({name: value for name, value in summary.items() if "second" not in name})
            outputs.append(path.read_bytes())
        self.assertGreater(len(outputs[0]), 0)
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual(outputs[0], outputs[2])
        self.assertEqual(summaries[0], summaries[1])
        self.assertEqual(summaries[0], summaries[2])
        self.assertEqual(len(outputs[0].splitlines()), summaries[0]["starts"])
        starts = [json.loads(line) for line in outputs[0].splitlines()]
        asked = {(start["rule"], start["target"], start["eventId"]) for start in starts}
        self.assertEqual(len({start["name"] for start in starts}), len(asked))

    def test_match_prints_each_event_of_a_replay_once(self):
        data, rules = shared("data/cloudtrail"), shared("rules/sigma-cloudtrail.json")
        lines = self.run_command("match", "--rules", rules, data).stdout.splitlines()
        verdicts = [json.loads(line) for line in lines]
        summary = self.replay(data, "--read-only", "deliver", "--to", "null", rules=rules)
        self.assertEqual(len(verdicts), summary["records"])
        self.assertEqual(sum(len(verdict["matches"]) for verdict in verdicts), summary["matches"])
        self.assertEqual(sum(bool(verdict["matches"]) for verdict in verdicts), summary["matched_events"])

    def test_the_suites_pass_but_for_the_known_case(self):
        self.assertIn(b" 0 failed", self.run_command("test", shared("conformance/aws-recorded.ndjson")).stdout)
        done = self.run_command("test", shared("conformance/generated.ndjson.gz"), status=1)
        self.assertIn(b" 1 failed", done.stdout)
        self.assertIn(b":4433:", done.stderr)


class BadInputs(CommandTest):
    good = [json.dumps(record(number)) for number in range(3)]

    def check(self, content, routed, bad, *arguments):
        status = 3 if bad else 0
        for threads in (1, 2):
            summary = self.replay(self.write("input", content), "--threads", threads, *arguments, status=status)
            self.assertEqual((summary["routed"], sum(summary["bad"].values())), (routed, bad), summary)

    def test_an_empty_file_has_no_records(self):
        self.check(b"", 0, 0)
        self.check(gzip.compress(b""), 0, 0)
        self.check(b'{"Records":[]}', 0, 0)

    def test_text_that_is_not_json_is_one_bad_record(self):
        self.check("hello", 0, 1)

    def test_a_line_that_is_not_json_costs_itself_only(self):
        self.check("\n".join([self.good[0], "hello", self.good[1], '{"a":', self.good[2]]) + "\n", 3, 2)
        self.check("\n".join(["{hello", *self.good]) + "\n", 3, 1)

    def test_a_truncated_gzip_file_keeps_the_records_before_the_cut(self):
        records = ",".join(json.dumps(record(f"{number * 2654435761:x}")) for number in range(20000))
        packed = gzip.compress(('{"Records":[' + records + "]}").encode())
        summary = self.replay(self.write("input", packed[: len(packed) // 2]), status=3)
        self.assertGreater(summary["routed"], 5000)
        self.assertEqual(sum(summary["bad"].values()), 1)

    def test_a_record_cut_in_the_middle_is_bad(self):
        self.check('{"Records":[' + self.good[0] + "," + self.good[1][:40], 1, 1)

    def test_a_broken_record_in_a_list_costs_itself_only(self):
        self.check('{"Records":[' + ",".join([self.good[0], '{"eventVersion":"1.08","x":"}', self.good[1], self.good[2]]) + "]}", 3, 1)
        self.check('{"Records":[' + ",".join([self.good[0], '{"eventVersion":"1.08","x":[}', self.good[1], self.good[2]]) + "]}", 3, 1)
        self.check('{"Records":[' + ",".join([self.good[0], "17", self.good[1], self.good[2]]) + "]}", 3, 1)

    def test_a_record_over_the_limit_is_bad(self):
        large = json.dumps(record("large", x="x" * 5000))
        self.check("\n".join([self.good[0], large, self.good[1]]), 2, 1, "--max-record", "2k")
        self.check('{"Records":[' + ",".join([self.good[0], large, self.good[1]]) + "]}", 2, 1, "--max-record", "2k")

    def test_a_byte_order_mark_is_skipped(self):
        self.check(b"\xef\xbb\xbf" + "\n".join(self.good).encode(), 3, 0)

    def test_invalid_utf8_costs_one_record(self):
        self.check("\n".join(self.good).encode() + b"\n" + self.good[0].replace("PutObject", "\0").encode().replace(b"\\u0000", b"\xff").replace(b"\0", b"\xff"), 3, 1)

    def test_bad_records_are_kept_on_request_with_their_place(self):
        rejects = self.directory / "rejects"
        path = self.write("input", self.good[0] + "\nhello\n" + self.good[1] + "\n")
        done = self.run_command("replay", "--rules", self.rules, path, "--reject", rejects, status=3)
        lines = [json.loads(line) for line in rejects.read_text().splitlines()]
        self.assertEqual([(line["file"], line["number"], line["offset"], line["text"]) for line in lines], [(path, 2, len(self.good[0]) + 1, "hello")])
        self.assertIn(f"{path}: record 2 at byte {len(self.good[0]) + 1}", done.stderr.decode())

    def test_one_input_that_is_missing_does_not_stop_the_others(self):
        summary = self.replay(self.write("input", "\n".join(self.good)), self.directory / "missing", status=3)
        self.assertEqual(summary["routed"], 3)

    def test_a_directory_is_read_in_order_and_digests_are_left_out(self):
        for name in ("AWSLogs/1/CloudTrail/r/b.json", "AWSLogs/1/CloudTrail/r/a.json.gz", "AWSLogs/1/CloudTrail-Digest/r/d.json"):
            (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
        self.write("AWSLogs/1/CloudTrail/r/b.json", json.dumps({"Records": [record("b")]}))
        self.write("AWSLogs/1/CloudTrail/r/a.json.gz", gzip.compress(json.dumps({"Records": [record("a")]}).encode()))
        self.write("AWSLogs/1/CloudTrail-Digest/r/d.json", json.dumps({"awsAccountId": "1", "logFiles": []}))
        done = self.run_command("match", "--rules", self.rules, self.directory / "AWSLogs")
        self.assertEqual(len(done.stdout.splitlines()), 2)
        done = self.run_command("replay", "--rules", self.rules, self.directory / "AWSLogs", "--to", "ndjson:-")
        ids = [json.loads(line)["input"]["detail"]["eventID"] for line in done.stdout.splitlines()]
        self.assertEqual(ids, ["event-a", "event-b"])


class ExitStatus(CommandTest):
    def setUp(self):
        super().setUp()
        self.input = self.write("input", json.dumps(record(1)))

    def test_0_when_done(self):
        self.replay(self.input)
        self.replay("-", stdin=json.dumps(record(1)).encode())
        self.run_command("--help")

    def test_1_when_a_rule_test_fails(self):
        case = {"name": "n", "rules": {"r0": '{"a":[1]}'}, "event": '{"a":2}', "matches": ["r0"]}
        self.run_command("test", self.write("suite", json.dumps(case)), status=1)

    def test_2_for_wrong_usage(self):
        for arguments in ([], ["nothing"], ["replay"], ["replay", self.input], ["replay", "--rules", self.rules],
                          ["replay", "--rules", self.rules, "--threads", "0", self.input],
                          ["replay", "--rules", self.rules, "--nothing", self.input],
                          ["replay", "--rules", self.rules, "--to", "nowhere", self.input],
                          ["bench", "--rules", self.rules, "--events", self.input, "--seconds", "nan"],
                          ["gen", "rules", "--matches-per-event", "nan"], ["gen", "records", "--seed", "-1"]):
            with self.subTest(arguments=arguments):
                self.run_command(*arguments, status=2)

    def test_3_when_records_were_bad(self):
        self.replay(self.write("bad", "hello"), status=3)
        self.run_command("match", "--rules", self.rules, self.write("bad", "hello"), status=3)

    def test_4_when_it_could_not_run(self):
        refused = self.write("refused.json", '{"Name":"r","EventPattern":{"a":[]}}')
        done = self.run_command("replay", "--rules", refused, self.input, status=4)
        self.assertIn(b"Event pattern is not valid. Reason: Empty arrays are not allowed", done.stderr)
        self.assertEqual(done.stdout, b"")
        self.run_command("replay", "--rules", self.directory / "missing", self.input, status=4)
        self.run_command("replay", "--rules", self.rules, self.directory / "missing", status=4)
        self.run_command("replay", "--rules", self.rules, self.input, "--to", f"ndjson:{self.directory}/missing/file", status=4)
        self.run_command("match", "--rules", self.rules, self.directory / "missing", status=4)
        self.run_command("test", self.directory / "missing", status=4)

    @unittest.skipUnless(Path("/dev/full").exists(), "skipped: /dev/full missing")
    def test_4_when_the_disk_is_full(self):
        done = self.run_command("replay", "--rules", self.rules, self.input, "--to", "ndjson:/dev/full", status=4)
        self.assertIn(b"/dev/full", done.stderr)

    def test_130_with_a_summary_when_interrupted(self):
        process = subprocess.Popen([COMMAND, "replay", "--rules", self.rules, "-", "--json"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.directory)
        line = (json.dumps(record(1)) + "\n").encode()

        def feed():
            try:
                while True:
                    process.stdin.write(line * 1000)
            except (BrokenPipeError, ValueError):
                pass

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        threading.Timer(0.7, process.send_signal, [signal.SIGINT]).start()
        try:
            self.assertEqual(process.wait(timeout=20), 130)
        finally:
            process.kill()
        summary = json.loads(process.stdout.read())
        self.assertGreater(summary["records"], 0)
        self.assertEqual(summary["records"], summary["routed"] + sum(summary["not_delivered"].values()) + sum(summary["bad"].values()))
        feeder.join(timeout=5)
        for stream in (process.stdin, process.stdout, process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def test_130_when_interrupted_while_waiting_for_input(self):
        process = subprocess.Popen([COMMAND, "replay", "--rules", self.rules, "-", "--json"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self.directory)
        threading.Timer(0.5, process.send_signal, [signal.SIGINT]).start()
        try:
            self.assertEqual(process.wait(timeout=10), 130)
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


class Match(CommandTest):
    def test_one_line_an_event_with_rules_in_the_order_of_the_file(self):
        rules = self.write("two.json", json.dumps([{"Name": "z", "EventPattern": {"detail": {"n": [1]}}},
                                                   {"Name": 'a"', "EventPattern": {"detail": {"n": [{"exists": True}]}}}]))
        events = [{"id": f"id-{n}", "detail-type": "T", "source": "s", "detail": {"n": n}} for n in (1, 2)]
        events.append({"id": "id-3", "detail-type": "T", "source": "s", "detail": {}})
        path = self.write("events", "\n".join(map(json.dumps, events)))
        done = self.run_command("match", "--rules", rules, path)
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()],
                         [{"id": "id-1", "matches": ["z", 'a"']}, {"id": "id-2", "matches": ['a"']}, {"id": "id-3", "matches": []}])


class Generated(CommandTest):
    KINDS = ("bucketName", '"prefix"', '"cidr"', "anything-but", "userName")

    def test_rules_are_of_five_kinds_by_the_mix_and_match_as_often_as_asked(self):
        logs = self.write("logs.json", self.run_command("gen", "records", "--count", "3000").stdout)
        for count, mix, share in ((5, (1, 1, 1, 1, 1), 0.1), (1000, (1, 1, 1, 1, 1), 0.1), (1000, (3, 1, 0, 0, 1), 0.5)):
            with self.subTest(count=count, mix=mix):
                made = self.run_command("gen", "rules", "--count", str(count), "--like", logs, "--mix", *map(str, mix),
                                        "--matches-per-event", str(share))
                rules = made.stdout
                self.assertEqual(b"not 0.1: so few of this mix can match no more" in made.stderr, count < 100)
                kinds = [sum(kind in line for line in rules.decode().splitlines()) for kind in self.KINDS]
                self.assertEqual(kinds, [count * weight // sum(mix) for weight in mix])
                if count < 100:  # so few rules cannot match as much of so many tenants
                    continue
                done = self.run_command("bench", "--rules", self.write("rules.ndjson", rules), "--events", logs, "--seconds", "0.01",
                                        "--json")
                self.assertAlmostEqual(json.loads(done.stdout)["matches"] / 3000, share, delta=share / 5)


class Bench(CommandTest):
    def test_what_is_bad_is_counted(self):
        rules = self.write("bench.json", json.dumps([{"Name": "r", "EventPattern": {"detail": {"n": [1]}}}]))
        events = ['{"detail-type":"T","detail":{"n":1}}', "{bad", "{}"]
        done = self.run_command("bench", "--rules", rules, "--events", self.write("events", "\n".join(events)), "--seconds", "0.01",
                                "--json", status=3)
        found = json.loads(done.stdout)
        self.assertEqual((found["events"], found["matches"], found["bad"]), (3, 1, 2))

    def test_where_all_is_bad_it_says_so(self):
        rules = self.write("bench.json", json.dumps([{"Name": "r", "EventPattern": {"detail": {"n": [1]}}}]))
        done = self.run_command("bench", "--rules", rules, "--events", self.write("events", "bad\n"), status=4)
        self.assertIn(b"holds no events; 1 bad, which `millrace match` names", done.stderr)


class SuiteTest(CommandTest):
    def run_suite(self, *cases, status=0):
        return self.run_command("test", self.write("suite", "\n".join(map(json.dumps, cases))), status=status)

    case = {"name": "n", "rules": {"r0": '{"a":[1]}', "r1": '{"a":[]}'}, "event": '{"a":1}', "matches": ["r0"],
            "invalid": {"r1": "Empty arrays are not allowed"}}

    def test_a_case_passes_if_matches_and_refusals_are_as_it_says(self):
        self.assertIn(b"1 passed, 0 failed", self.run_suite(self.case).stdout)
        self.assertIn(b"1 passed, 0 failed", self.run_suite({**self.case, "invalid": {"r1": ""}}).stdout)

    def test_a_case_fails_if_either_differs(self):
        for change in ({"matches": []}, {"invalid": {}}, {"invalid": {"r1": "another reason"}}, {"invalid": {"r0": "", "r1": ""}}, {"event": "{"}):
            with self.subTest(change=change):
                self.assertIn(b"0 passed, 1 failed", self.run_suite({**self.case, **change}, status=1).stdout)

    def test_an_event_that_is_none_matches_nothing(self):
        for event in ("[1]", "", "\ufeff{}", '{"a":1} x'):
            with self.subTest(event=event):
                self.assertIn(b"1 passed", self.run_suite({**self.case, "event": event, "matches": []}).stdout)

    def test_a_reason_may_name_any_character(self):
        case = {"rules": {"r": '{"a":[é]}', "s": '{"a":[{"\\ud83d":1}]}'}, "event": "{}", "matches": []}
        done = self.run_command("test", "--json", self.write("suite", json.dumps(case)), status=1)
        self.assertIn("Unrecognized token 'é'", json.loads(done.stdout)["failures"][0]["what"])

    def test_a_suite_without_cases_proves_nothing(self):
        done = self.run_command("test", self.write("suite", "\n"), status=4)
        self.assertIn(b"holds no cases", done.stderr)

    def test_what_is_no_case_is_named(self):
        done = self.run_command("test", self.write("suite", "hello\n"), status=4)
        self.assertIn(b"suite:1", done.stderr)


if __name__ == "__main__":
    unittest.main()
