"""What `millrace replay` reads, from outside: folders and lists of paths, containers, damage, pace, position, progress.

Everything is asserted through the command: the starts it writes, its summary, its messages, its exit status and its memory.
"""
import base64
import ctypes
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "execute"))
import replay_case
from replay_case import ReplayCase, Running, record, records, rule

MEMORY_MAX_MB = 256
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
ACCOUNTS = ("111111111111", "222222222222")
PROGRESS = re.compile(r"(?P<bytes>[\d.]+ [kMGT]?B), (?P<records>\d+) records \([\d.]+/s\), \d+ matches, \d+ starts, \d+ bad")


def packed(content):
    return gzip.compress(content if isinstance(content, bytes) else content.encode(), 1)


def text_of(*numbers, **members):
    return [json.dumps(record(number, **members)) for number in numbers]


def at(number, time_of_event, **members):
    return json.dumps(record(number, eventTime=time_of_event, **members))


def container(*texts):
    return '{"Records":[' + ",".join(texts) + "]}"


def subscription(*messages, kind="DATA_MESSAGE"):
    events = [{"id": str(number), "timestamp": 1, "message": message} for number, message in enumerate(messages)]
    return json.dumps({"messageType": kind, "owner": "123456789012", "logGroup": "g", "logStream": "s",
                       "subscriptionFilters": ["f"], "logEvents": events})


def lambda_payload(content):
    return b'{"awslogs":{"data":"' + base64.b64encode(content) + b'"}}'


def envelope(number, **members):
    return json.dumps({"version": "0", "id": f"id-{number}", "detail-type": "T", "source": "aws.s3", "account": ACCOUNTS[0],
                       "time": "2024-01-01T00:00:00Z", "region": "r", "resources": [], "detail": record(number), **members})


def digest():
    return json.dumps({"awsAccountId": ACCOUNTS[0], "digestStartTime": "2024-01-01T00:00:00Z", "digestS3Bucket": "b",
                       "digestS3Object": "AWSLogs/x", "logFiles": [{"s3Bucket": "b", "s3Object": "o", "hashValue": "0"}]})


def without_privileges():
    """In the child: root without the capabilities that make it pass by a file's mode."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class IngestCase(ReplayCase):
    def setUp(self):
        super().setUp()
        self.rules = self.write_rules(rule("s3"))

    def read(self, *arguments, status=0, **options):
        """The summary, and the numbers of the records that made a start, in order."""
        summary = self.replay(self.rules, *arguments, "--to", "ndjson:starts", status=status, **options)
        numbers = [int(start["input"]["detail"]["eventID"][-12:]) for start in self.ndjson(self.directory / "starts")]
        return summary, numbers

    def check(self, content, numbers, bad=0, *arguments, **options):
        """The content as a file and on standard input: these records' starts, so many bad."""
        content = content if isinstance(content, bytes) else content.encode()
        status = 3 if bad else 0
        path = self.write("input", content)
        for given in ((path,), ("-",)):
            summary, found = self.read(*given, *arguments, status=status, stdin=content if given == ("-",) else b"", **options)
            self.assertEqual((found, sum(summary["bad"].values())), (list(numbers), bad), (given, summary["bad"]))
        return summary

    def lock(self, path):
        """Nobody may look into this folder any more."""
        self.addCleanup(lambda: os.path.exists(path) and os.chmod(path, 0o755))
        os.chmod(path, 0)

    def log(self, number, account=ACCOUNTS[0], region="us-east-1", day="2024/01/01", trail="CloudTrail", before="logs/AWSLogs/", **members):
        path = f"{before}{account}/{trail}/{region}/{day}/{account}_{trail}_{region}_T0000Z_{number}.json.gz"
        return Path(self.write(path, packed(container(*text_of(number, **members)))))

    def trap(self, *arguments, **members):
        """A file that is bad if it is read, in a folder that cannot be listed."""
        path = self.log(0, *arguments, **members)
        path.write_bytes(b"not a log")
        self.lock(path.parent)
        return path


class Folders(IngestCase):
    def read_locked(self, *arguments, **options):
        return self.read(*arguments, preexec_fn=without_privileges, **options)

    def test_the_options_may_stand_before_the_input(self):
        self.log(1)
        self.log(2, ACCOUNTS[1])
        self.assertEqual(self.read("--account", ACCOUNTS[0], "logs")[1], [1])
        self.assertEqual(self.read("--region", "us-east-1", "logs")[1], [1, 2])
        self.assertEqual(self.read("--account=" + ACCOUNTS[1], "logs")[1], [2])

    def test_filters_that_leave_nothing_are_named(self):
        self.log(1)
        done = self.run_command("replay", "--rules", self.rules, "logs", "--account", ACCOUNTS[1], status=4)
        self.assertIn(b"--account", done.stderr)
        self.assertIn(b"logs", done.stderr)

    def test_other_accounts_and_regions_stay_unopened(self):
        for before in ("logs/AWSLogs/", "logs/AWSLogs/o-exampleorg/", "logs/a/prefix/AWSLogs/", "logs/123456789012/AWSLogs/"):
            with self.subTest(before=before):
                shutil.rmtree(self.directory / "logs", ignore_errors=True)
                self.log(1, before=before)
                self.trap(ACCOUNTS[1], before=before)
                self.trap(region="eu-west-1", before=before)
                arguments = ("logs", "--account", ACCOUNTS[0], "--region", "us-east-1")
                summary, numbers = self.read_locked(*arguments)
                self.assertEqual((numbers, summary["files"]), ([1], 1))
                self.read_locked("logs", status=3)  # the trap works
                for path in (self.directory / "logs").rglob("*"):
                    path.chmod(0o755)

    def test_a_prefix_may_be_named_like_a_part_of_the_layout(self):
        for before in ("logs/CloudTrail/AWSLogs/", "logs/2024/AWSLogs/"):
            with self.subTest(before=before):
                shutil.rmtree(self.directory / "logs", ignore_errors=True)
                self.log(1, before=before)
                self.log(2, ACCOUNTS[1], "eu-west-1", before=before)
                self.assertEqual(self.read("logs", "--region", "us-east-1")[1], [1])
                self.assertEqual(self.read("logs", "--account", ACCOUNTS[1])[1], [2])

    def test_filters_hold_for_a_folder_that_lies_within_the_layout(self):
        self.log(1)
        self.log(2, ACCOUNTS[1])
        self.log(3, region="eu-west-1")
        accounts = [f"logs/AWSLogs/{account}" for account in ACCOUNTS]
        self.assertEqual(self.read(*accounts, "--account", ACCOUNTS[1], status=(0, 3))[1], [2])
        regions = [f"logs/AWSLogs/{ACCOUNTS[0]}/CloudTrail/{region}" for region in ("us-east-1", "eu-west-1")]
        self.assertEqual(self.read(*regions, "--region", "eu-west-1", status=(0, 3))[1], [3])

    def test_a_folder_without_anything_asked_for_holds_nothing_bad(self):
        self.log(1, before="a/AWSLogs/")
        self.log(2, ACCOUNTS[1], before="b/AWSLogs/")
        summary, numbers = self.read("a", "b", "--account", ACCOUNTS[0])
        self.assertEqual((numbers, summary["bad"]), ([1], {}))

    def test_files_unlike_logs_are_passed_over_and_said(self):
        folder = Path(self.log(1)).parent
        for name, text in (("notes.txt", "# not a log"), (".hidden", text_of(2)[0]), (".snapshot/a.json", text_of(2)[0])):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        os.mkfifo(folder / "fifo.json")
        done = self.run_command("replay", "--rules", self.rules, folder, "--to", "ndjson:starts", "--json")
        self.assertEqual((self.summary(done)["files"], self.summary(done)["files_passed_over"]), (1, 2))
        self.assertRegex(done.stderr.decode(), "(notes.txt|fifo).*1 more")
        self.assertEqual(self.read(folder / ".hidden")[1], [2])

    def test_files_that_begin_like_logs_are_read_whatever_their_names(self):
        one, = text_of(1)
        forms = {"stream-1-2024-01-01-00-00-00-0b5d": one, "app.log": "\ufeff \n" + one, "array": f"[{one}]", "000000": packed(one),
                 "export": "2024-01-01T00:00:00.000Z " + one}
        if shutil.which("zstd"):
            forms["frames"] = subprocess.run(["zstd", "-qc"], input=one.encode(), capture_output=True, check=True).stdout
        for name, content in forms.items():
            self.write("logs/" + name, content)
        summary, numbers = self.read("logs")
        self.assertEqual((numbers, summary["files_passed_over"], summary["bad"]), ([1] * len(forms), 0, {}))

    def test_a_failure_is_said_once(self):
        self.log(1)
        done = self.run_command("replay", "--rules", self.rules, "logs", "--account", "999999999999", status=4)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(set(lines)), lines)

    def test_days_before_since_stay_unopened(self):
        self.log(1, day="2024/03/01", eventTime="2024-03-01T12:00:00Z")
        self.log(2, day="2024/03/02", eventTime="2024-03-01T11:59:59Z")
        self.log(3, day="2024/12/31", eventTime="2024-12-31T00:00:00Z")
        self.log(4, day="2025/01/01", eventTime="2024-12-31T23:59:59Z")
        for day in ("2024/02/29", "2023/12/31", "2023/03/02", "2024/01/31"):
            self.trap(day=day)
        summary, numbers = self.read_locked("logs", "--since", "2024-03-01T12:00:00Z")
        self.assertEqual((numbers, summary["not_delivered"]), ([1, 3, 4], {"before_since": 1}))

    def test_days_far_behind_until_stay_unopened_but_not_the_next_one(self):
        self.log(1, day="2023/12/31", eventTime="2023-12-31T23:59:59Z")
        self.log(2, day="2024/01/01", eventTime="2023-12-31T23:59:58Z")  # delivered a day later
        self.log(3, day="2024/01/01", eventTime="2024-01-01T00:00:00Z")
        for day in ("2024/01/31", "2024/02/01", "2025/01/01"):
            self.trap(day=day)
        summary, numbers = self.read_locked("logs", "--until", "2024-01-01")
        self.assertEqual((numbers, summary["not_delivered"]), ([1, 2], {"after_until": 1}))

    def test_whole_years_and_months_stay_unopened(self):
        path = self.log(1, day="2024/06/15", eventTime="2024-06-15T00:00:00Z")
        region = path.parent.parent.parent.parent
        for name in ("2023", "2025", "2024/05", "2024/07"):
            (region / name).mkdir()
            self.lock(region / name)
        self.assertEqual(self.read_locked("logs", "--since", "2024-06-02", "--until", "2024-06-20")[1], [1])

    def test_until_may_be_the_last_day_there_is(self):
        self.log(1)
        for until in ("9999-12-28", "9999-12-31", "9999-12-31T23:59:59Z"):
            with self.subTest(until=until):
                self.assertEqual(self.read("logs", "--until", until)[1], [1])

    def test_insights_are_read_if_asked_for_and_digests_never(self):
        self.log(1)
        self.log(2, trail="CloudTrail-Insight")
        self.log(3, trail="CloudTrail-Digest").write_bytes(packed(digest()))
        self.assertEqual(self.read("logs")[1], [1])
        self.assertEqual(sorted(self.read("logs", "--insights")[1]), [1, 2])

    def test_a_digest_is_known_by_its_content(self):
        good, = text_of(1)
        for content, numbers in ((digest(), []), (json.dumps(json.loads(digest()), indent=1), []), (digest() + "\n" + good, [1]),
                                 (container(good) + digest(), [1]),
                                 ("\ufeff" + digest(), [])):
            with self.subTest(content=content[:40]):
                summary = self.check(content, numbers)
                self.assertEqual(summary["digests_skipped"], 1)
                self.check(packed(content), numbers)

    def test_a_folder_that_cannot_be_listed_is_named_and_costs_itself_only(self):
        self.write("logs/a.json", records(1))
        self.write("logs/closed/b.json", records(1, 1))
        self.write("logs/z.json", records(1, 2))
        self.lock(self.directory / "logs/closed")
        done = self.run_command("replay", "--rules", self.rules, "logs", "--json", "--to", "null", "--reject", "rejects",
                                status=3, preexec_fn=without_privileges)
        self.assertEqual(self.summary(done)["routed"], 2)
        self.assertRegex(done.stderr.decode(), "logs/closed: .*Permission denied")
        self.assertEqual([line["file"] for line in self.ndjson(self.directory / "rejects")], ["logs/closed"])
        done = self.run_command("replay", "--rules", self.rules, "logs/closed", status=4, preexec_fn=without_privileges)
        self.assertIn(b"Permission denied", done.stderr)
        done = self.run_command("replay", "--rules", self.rules, "logs/closed/b.json", status=4, preexec_fn=without_privileges)
        self.assertIn(b"Permission denied", done.stderr)

    def test_a_file_that_cannot_be_opened_is_named(self):
        path = Path(self.write("logs/a.json", records(1)))
        self.write("logs/b.json", records(1, 1))
        self.lock(path)
        done = self.run_command("replay", "--rules", self.rules, "logs", "--json", status=3, preexec_fn=without_privileges)
        self.assertEqual(self.summary(done)["bad"], {"unreadable": 1})
        self.assertRegex(done.stderr.decode(), "logs/a.json: .*Permission denied")

    def test_a_link_to_nowhere_is_named(self):
        self.write("logs/a.json", records(1))
        (self.directory / "logs/b.json.gz").symlink_to("nowhere")
        done = self.run_command("replay", "--rules", self.rules, "logs", "--json", status=3)
        self.assertEqual(self.summary(done)["bad"], {"unreadable": 1})
        self.assertIn(b"logs/b.json.gz", done.stderr)

    def test_links_in_a_circle_do_not_make_a_record_twice(self):
        self.write("logs/a.json", records(1))
        self.write("logs/deep/b.json", records(1, 1))
        (self.directory / "logs/deep/up").symlink_to("..")
        summary, numbers = self.read("logs", status=(0, 3))
        self.assertEqual((sorted(numbers), summary["routed"]), ([0, 1], 2))

    def test_a_file_that_goes_away_after_it_was_listed_is_named(self):
        for number in range(3):
            self.write(f"logs/{number}.json", records(60, 60 * number))
        with Running(self, "replay", "--rules", self.rules, "logs", "--rate", "400", "--json", "--to", "null") as running:
            time.sleep(0.1)
            (self.directory / "logs/2.json").unlink()
            done = running.wait(10)
        self.assert_status(done, 3)
        summary = self.summary(done)
        self.assertEqual((summary["routed"], summary["bad"]), (120, {"unreadable": 1}))
        self.assertIn(b"logs/2.json", done.stderr)

    def test_a_name_is_taken_as_it_is(self):
        for name in ("[a].json", "a: b.json", "*.json"):
            with self.subTest(name=name):
                self.write(name, records(1, 7))
                self.assertEqual(self.read(name)[1], [7])

    def test_what_a_replay_writes_is_not_its_input(self):
        self.write("logs/a.json", records(1) + "junk line\n" * 3000)
        summary = self.replay(self.rules, "logs", "--reject", "logs/z.ndjson", "--to", "null", status=3, timeout=5)
        self.assertEqual(sum(summary["bad"].values()), 3000)


class Times(IngestCase):
    def test_since_is_within_and_until_is_not(self):
        seconds = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", "2024-01-01T00:00:01.5Z", "2024-01-01T00:00:02Z"]
        texts = [at(number, second) for number, second in enumerate(seconds)]
        events = [envelope(number, time=second) for number, second in enumerate(seconds)]
        for given in (texts, events):
            path = self.write("input", "\n".join(given))
            for since, until, numbers in ((None, None, [0, 1, 2, 3]), ("2024-01-01T00:00:01Z", None, [1, 2, 3]),
                                          (None, "2024-01-01T00:00:01", [0]), ("2024-01-01T00:00:01", "2024-01-01T00:00:02", [1, 2]),
                                          ("2024-01-01T00:00:01.5Z", "2024-01-01T00:00:01.50001", [2]), ("2024-01-01T00:00:01.6", None, [3]),
                                          ("2024-01-01", "2024-01-02", [0, 1, 2, 3]), ("2024-01-02", None, []),
                                          (None, "2024-01-01", []), ("2024-01-01T00", "2024-01-01T00:01", [0, 1, 2, 3])):
                with self.subTest(since=since, until=until):
                    arguments = (["--since", since] if since else []) + (["--until", until] if until else [])
                    summary, found = self.read(path, *arguments)
                    self.assertEqual(found, numbers)
                    self.assertEqual(sum(summary["not_delivered"].values()), 4 - len(numbers))

    def test_what_has_no_time_is_not_delivered_and_counted(self):
        path = self.write("input", "\n".join([envelope(1, time=None), at(2, None), at(3, "yesterday"), at(4, 20240101),
                                              at(5, "2024-01-02 12:00:00"), at(6, "2024-01-02T12:00:00+02:00"), at(7, "2024-01-02T12:00:0Z")]))
        summary, numbers = self.read(path, "--since", "2024-01-01")
        self.assertEqual((numbers, summary["records"], summary["not_delivered"]), ([], 7, {"no_time": 7}))

    def test_a_time_that_is_none_is_wrong_usage(self):
        path = self.write("input", records(1))
        for text in ("yesterday", "2024-13-01", "2024-02-30", "2024-01-01T24:00:00Z", "2024-1-1", ""):
            with self.subTest(text=text):
                self.run_command("replay", "--rules", self.rules, path, "--since", text, status=2)

    def test_times_between_which_nothing_lies_are_wrong_usage(self):
        path = self.write("input", records(1))
        for since, until in (("2024-01-02", "2024-01-01"), ("2024-01-01", "2024-01-01T00:00:00Z")):
            done = self.run_command("replay", "--rules", self.rules, path, "--since", since, "--until", until, status=2)
            self.assertIn(b"--since", done.stderr)


class Lists(IngestCase):
    def test_a_list_of_paths_in_every_form(self):
        a, b = self.write("a b.json", records(1)), self.write("b\u00e9.json", records(1, 1))
        for name, content in {"lines": f"{a}\n{b}\n", "no last line end": f"{a}\n{b}", "CRLF": f"{a}\r\n{b}\r\n",
                              "empty lines": f"\n{a}\n\n\n{b}\n", "NUL": f"{a}\0{b}\0", "NUL, not ended": f"{a}\0{b}",
                              "byte order mark": f"\ufeff{a}\r\n{b}\r\n"}.items():
            with self.subTest(name):
                self.assertEqual(self.read("--files-from", self.write("list", content))[1], [0, 1])
                self.assertEqual(self.read("--files-from", "-", stdin=content.encode())[1], [0, 1])

    def test_a_path_may_hold_a_line_end_in_a_list_with_NULs(self):
        path = self.write("a\nb.json", records(1))
        self.assertEqual(self.read("--files-from", self.write("list", f"{path}\0"))[1], [0])

    def test_a_list_stands_behind_the_inputs_that_are_named(self):
        a, b = self.write("a.json", records(1)), self.write("b.json", records(1, 1))
        self.assertEqual(self.read("--files-from", self.write("list", a), b)[1], [1, 0])
        self.assertEqual(self.read("--files-from", self.write("list", ""), b)[1], [1])
        self.assertEqual(self.read("--files-from", self.write("list", a + "\n-\n"), stdin=records(1, 2).encode())[1], [0, 2])

    def test_a_missing_path_is_named_and_costs_itself_only(self):
        a = self.write("a.json", records(1))
        done = self.run_command("replay", "--rules", self.rules, "--files-from", self.write("list", f"gone: x\n{a}\n"), "--json",
                                "--reject", "rejects", status=3)
        self.assertEqual(self.summary(done)["routed"], 1)
        self.assertEqual([line["file"] for line in self.ndjson(self.directory / "rejects")], ["gone: x"])

    def test_a_list_without_a_path_or_that_is_none_ends_with_4(self):
        for content in ("", "\n\r\n", "\0"):
            done = self.run_command("replay", "--rules", self.rules, "--files-from", self.write("list", content), status=4)
            self.assertIn(b"no input", done.stderr)
        for name in ("missing", str(self.directory)):
            done = self.run_command("replay", "--rules", self.rules, "--files-from", name, self.write("a", records(1)), status=4)
            self.assertIn(name.encode(), done.stderr)

    def test_standard_input_cannot_be_the_list_and_an_input(self):
        path = self.write("a.json", records(1))
        done = self.run_command("replay", "--rules", self.rules, "--files-from", "-", "-", stdin=path.encode(), status=(2, 4))
        self.assertTrue(done.stderr)


class Containers(IngestCase):
    def forms(self):
        one, two = text_of(1, 2)
        pretty = json.dumps(record(1), indent=2)
        elements = [{"logStreamName": "s", "timestamp": 1, "message": text, "eventId": "3"} for text in (one, two)]
        return {
            "Records": container(one, two),
            "Records, spaced": "\r\n { \"x\": [ { } ] ,\"Records\" :\n[ " + one + "\t,\n" + two + " ] , \"y\":{\"z\":\"]}\"} } \n",
            "lines": one + "\n" + two + "\n", "lines, CRLF, not ended": one + "\r\n\r\n" + two, "array": f"[{one},\n{two}]",
            "one behind the other": one + two, "pretty": pretty + "\n" + two,
            "subscription": subscription(one, two), "export": json.dumps({"searchedLogStreams": [], "events": [
                {"timestamp": 1, "message": one}, {"timestamp": 2, "message": two, "eventId": "3"}], "nextToken": "t"}),
            "lookup": json.dumps({"Events": [{"EventId": "e", "Resources": [], "CloudTrailEvent": one}, {"CloudTrailEvent": two}]}),
            "lookup, pretty": json.dumps({"Events": [{"CloudTrailEvent": pretty}, {"CloudTrailEvent": two}]}, indent=4),
            "envelopes": envelope(1) + "\n" + envelope(2), "envelopes, array": f"[{envelope(1)},{envelope(2)}]",
            "envelope and record": envelope(1) + "\n" + two, "envelopes in Records": container(envelope(1), two),
            "containers side by side": container(one) + container(two), "containers on lines": container(one) + "\n" + container(two) + "\n",
            "control message first": subscription("CWL CONTROL MESSAGE: ping", kind="CONTROL_MESSAGE") + subscription(one, two),
            "kinds mixed": subscription(one) + container(two),
            "array of containers": f"[{container(one)}, {container(two)}]\n",
            "array of exports": json.dumps([json.loads(subscription(text)) for text in (one, two)], indent=1),
            "elements, array": json.dumps(elements, indent=1), "elements on lines": "\n".join(map(json.dumps, elements)),
            "elements, pretty": "\n".join(json.dumps(element, indent=2) for element in elements),
            "record and element": one + "\n" + json.dumps(elements[1]) + "\n", "element and record": json.dumps(elements[0]) + "\n" + two,
            "lookup, elements on lines": "".join(json.dumps({"EventId": "e", "CloudTrailEvent": text}) + "\n" for text in (one, two)),
            "array of both": f"[{container(one)},{two}]", "containers within lines": one + f"\n[{container(two)}]\n",
            "empty containers": '{"Records":[]}[]\n' + one + "\n" + two}

    def test_every_container_plain_and_packed(self):
        for name, content in self.forms().items():
            for mark in ("", "\ufeff"):
                plain = (mark + content).encode()
                half = len(plain) // 2
                for form, data in (("plain", plain), ("gzip", packed(plain)), ("members", packed(plain[:half]) + packed(plain[half:]))):
                    if mark and form != "plain":
                        continue
                    with self.subTest(name, mark=bool(mark), form=form):
                        summary, numbers = self.read("-", stdin=data)
                        self.assertEqual((numbers, summary["bad"]), ([1, 2], {}))

    @unittest.skipUnless(shutil.which("zstd"), "skipped: the zstd command is missing")
    def test_zstd_with_several_frames(self):
        frame = lambda text: subprocess.run(["zstd", "-qc"], input=text.encode(), capture_output=True, check=True).stdout
        skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
        one, two = text_of(1, 2)
        self.check(frame(one + "\n") + frame(two), [1, 2])
        self.check(frame(container(one, two)[:100]) + frame("") + frame(container(one, two)[100:]), [1, 2])
        self.check(frame(one + "\n") + skippable + frame(two), [1, 2])
        self.check(skippable + frame(one + "\n" + two), [1, 2])
        self.check(frame(one + "\n" + two + "\n")[:-3], [1, 2], 1)
        self.check(frame(one + "\n") + b"junk", [1], 1)
        self.check(frame(one + "\n") + packed(two), [1, 2])
        self.check(packed(one + "\n") + skippable + b"\0" + frame(two), [1, 2])

    @unittest.skipUnless(shutil.which("zstd"), "skipped: the zstd command is missing")
    def test_a_window_that_is_too_large_is_named(self):
        data = subprocess.run(["zstd", "-qc", "--long=30", "--ultra", "-22"], input=text_of(1)[0].encode(), capture_output=True, check=True).stdout
        done = self.run_command("replay", "--rules", self.rules, "-", "--to", "null", stdin=data, status=3)
        self.assertIn(b"128 MiB", done.stderr)

    def test_gzip_padding_empty_members_and_what_follows_them(self):
        one, two = text_of(1, 2)
        self.check(packed(one + "\n") + b"\0" * 700 + packed(two) + b"\0" * 3, [1, 2])
        self.check(packed("") * 40 + packed(one) + packed(""), [1])
        self.check(packed(one + "\n") + b"junk that is no member", [1], 1)
        self.check(b"".join(packed(line + "\n") for line in text_of(*range(500))), range(500))

    def test_files_of_any_length_around_the_readers_own_sizes_are_whole(self):
        line = (text_of(1)[0] + "\n").encode()
        for size in (65536, 131072, 196608, 262144, 393216):
            for more in (-1, 0, 1, 40):
                content = line + b" " * (size + more - 2 * len(line)) + line
                self.write(f"logs/{size}{more}.json", content)
                self.write(f"logs/{size}{more}.gz", packed(content))
        summary, numbers = self.read("logs")
        self.assertEqual(numbers, [1] * 80)

    def test_what_is_no_record_is_counted_whatever_its_size(self):
        for content in (b"{", b"x", b"[", b"17", b"\x1f", b"\x1f\x8b", b"{}", b"null", b'"a"', b'{"Records":null}', b"[17]", b"\xff\xfe{\0}\0",
                        b"hello", b'{"Records":[', b'[{"Records":[]}', b'{"s3ObjectKey":["AWSLogs/x.json.gz"]}'):
            with self.subTest(content=content):
                summary, numbers = self.read("-", stdin=content, status=3)
                self.assertEqual((summary["routed"], sum(summary["bad"].values())), (0, 1))

    def test_what_is_empty_holds_nothing(self):
        for content in (b"", b"\n \t\r\n", b"\xef\xbb\xbf", b"[]", b'{"Records":[]}', packed(b"")):
            with self.subTest(content=content):
                self.assertEqual(self.read("-", stdin=content)[0]["records"], 0)

    def test_notices_of_delivery_are_skipped(self):
        notice = '{"s3Bucket":"b","s3ObjectKey":["AWSLogs/x.json.gz"]}'
        one, two = text_of(1, 2)
        for content, numbers in ((notice, []), (f"{notice}\n{one}\n", [1]), (f"{one}\n{notice}\n{two}\n", [1, 2])):
            with self.subTest(content=content[:60]):
                self.assertEqual(self.check(content, numbers)["notices_skipped"], 1)

    def test_elements_that_are_no_records_cost_themselves_only(self):
        one, two = text_of(1, 2)
        self.check(container(one, "17", two, '"a"', "null", "[]"), [1, 2], 4)
        other_order = [json.dumps(dict(reversed(json.loads(text).items()))) for text in text_of(3, 4)]
        self.check(f"[null, {other_order[0]},-1.5e3 ,[[{{}}],\"]\"],\n{other_order[1]},false]", [3, 4], 4)

    def test_keys_of_containers_may_be_escaped(self):
        one, two = text_of(1, 2)
        self.check(f'{{"\\u0052ecords":[{one},{two}]}}', [1, 2])
        self.check(f'{{"\\u0045vents":[{{"CloudTrailEvent":{json.dumps(one)}}}]}}', [1])
        self.check(json.dumps({"Events": [{"CloudTrailEvent": one}, {"EventId": "x"}, {"CloudTrailEvent": 1}, {"CloudTrailEvent": two}]}), [1, 2], 2)
        self.check(subscription(one, "plain text", "", two), [1, 2], 2)
        self.check(subscription(one, one[:50], two), [1, 2], 1)

    def test_what_stands_around_a_line_is_no_part_of_its_size(self):
        one, two = text_of(1, 2, note="x" * 1000)
        for lines in (one + "\r\n" + two + "\r\n", f"2023-07-10T12:00:00.000Z {one}\n \ufeff{two} \n"):
            self.check(lines, [1, 2], 0, "--max-record", str(len(one)))

    def test_the_largest_record_is_the_largest_allowed(self):
        for length, bad in ((2000, 0), (2001, 1)):
            large = text_of(2, x="x")[0]
            large = large[:-2] + "x" * (length - len(large)) + '"}'
            self.assertEqual(len(large), length)
            one, three = text_of(1, 3)
            numbers = [1, 3] if bad else [1, 2, 3]
            for content in (f"{one}\n{large}\n{three}\n", container(one, large, three), f"[{one},{large},{three}]", one + large + three):
                with self.subTest(length=length, content=content[:10]):
                    self.check(content, numbers, bad, "--max-record", "2000")

    def test_the_parts_in_which_a_pipe_delivers_do_not_matter(self):
        contents = [container(*text_of(1, 2)).encode(), packed(container(*text_of(1, 2))), b"\xef\xbb\xbf" + "\n".join(text_of(1, 2)).encode(),
                    b"\n\n\n\n\n" + lambda_payload(packed(subscription(*text_of(1, 2)))), lambda_payload(packed(subscription(*text_of(1, 2))))]
        for content in contents:
            with self.subTest(content=content[:30]):
                with Running(self, "replay", "--rules", self.rules, "-", "--json", "--to", "null", stdin=subprocess.PIPE) as running:
                    for begin in range(0, 70, 7):
                        running.process.stdin.write(content[begin:begin + 7])
                        running.process.stdin.flush()
                        time.sleep(0.005)
                    running.process.stdin.write(content[70:])
                    done = running.wait(10)
                self.assert_status(done, 0)
                self.assertEqual(self.summary(done)["routed"], 2)


class LambdaPayloads(IngestCase):
    def test_a_payload_is_unpacked_to_what_it_holds(self):
        payload = lambda_payload(packed(subscription(*text_of(1, 2))))
        for name, content in {"plain": payload, "spaced": payload.replace(b":", b" :\r\n\t").replace(b"{", b"{\n "),
                              "pretty": json.dumps(json.loads(payload), indent=4).encode(), "far in": b" \n" * 300 + payload,
                              "byte order mark": b"\xef\xbb\xbf" + payload, 
                              "slashes escaped": payload.replace(b"/", b"\\/"), 
                              "line ends in base64": json.dumps({"awslogs": {"data": base64.encodebytes(packed(subscription(
                                  *text_of(1, 2)))).decode()}}).encode(),
                              "members": lambda_payload(packed(subscription(*text_of(1))) + packed(subscription(*text_of(2))))}.items():
            with self.subTest(name):
                self.check(content, [1, 2])

    def test_a_control_message_holds_nothing(self):
        summary = self.check(lambda_payload(packed(subscription("CWL CONTROL MESSAGE: ping", kind="CONTROL_MESSAGE"))), [])
        self.assertEqual(summary["records"], 0)

    def test_what_follows_a_payload_is_bad_and_not_lost_in_silence(self):
        first, second = (lambda_payload(packed(subscription(*text_of(number)))) for number in (1, 2))
        for behind in (b"\n" + second + b"\n", second, b"\n" + text_of(2)[0].encode(), b"\njunk"):
            with self.subTest(behind=behind[:20]):
                self.check(first + behind, [1], 1)

    def test_a_damaged_payload_is_bad_and_costs_itself_only(self):
        payload = lambda_payload(packed(subscription(*text_of(*range(1, 40)))))
        other = self.write("other.json", records(1, 77))
        for name, content in {"no base64": payload[:60] + b"!" + payload[61:], "cut": payload[:-60], "other bytes": payload[:90] + b"AAAA" + payload[94:],
                              "no gzip": lambda_payload(b"hello, world"), "empty": lambda_payload(b"")}.items():
            with self.subTest(name):
                summary, numbers = self.read(self.write("input", content), other, status=3)
                self.assertEqual(numbers[-1:], [77])
                self.assertEqual(sum(summary["bad"].values()), 1, summary["bad"])


class Stretches(IngestCase):
    """Large files of lines, which workers read themselves, against the same bytes packed, which one thread reads in order."""

    def lines(self, count=18_000):
        return [json.dumps(record(number, note="x" * (number * 7919 % 1500))) for number in range(count)]

    def compare(self, text, bad, *arguments):
        plain, packed_file = self.write("input", text), self.write("input.gz", packed(text))
        found = []
        for path, threads in ((packed_file, 1), (plain, 1), (plain, 2), (plain, 4)):
            summary = self.replay(self.rules, path, "--to", "ndjson:starts", "--reject", "rejects", "--threads", str(threads),
                                  *arguments, status=3 if bad else 0)
            rejects = [{**reject, "file": "", "message": reject["message"].replace(path, "")} for reject in self.ndjson(self.directory / "rejects")]
            counts = {name: summary[name] for name in ("files", "records", "routed", "not_delivered", "bad", "starts", "bytes")}
            found.append((counts, Path(self.directory / "starts").read_bytes(), rejects))
            self.assertEqual(sum(summary["bad"].values()), bad)
            self.assertEqual(summary["records"], summary["routed"] + sum(summary["not_delivered"].values()) + bad)
        for other in found[1:]:
            self.assertEqual(other, found[0])
        return found[0]

    def test_lines_some_of_which_are_bad(self):
        lines = self.lines()
        for number in (100, 5_000, 5_001, 12_345, 17_999):
            lines[number] = lines[number][:-7]
        _, _, rejects = self.compare("\n".join(lines), 5)
        self.assertEqual([reject["number"] for reject in rejects], [101, 5_001, 5_002, 12_346, 18_000])
        offsets = [sum(len(line) + 1 for line in lines[:reject["number"] - 1]) for reject in rejects]
        self.assertEqual([reject["offset"] for reject in rejects], offsets)

    def test_containers_and_records_too_large_among_the_lines(self):
        lines = self.lines()
        lines[3_000] = container(*text_of(100_000, 100_001)).replace("},{", "},\n{")
        lines[9_000] = json.dumps(record(100_002, note="x" * 2_000_000))
        lines[9_001] = container(*text_of(100_003, 100_004))
        lines[15_000] = json.dumps(record(100_005, note="x" * 6_000_000))
        _, starts, rejects = self.compare("\n".join(lines) + "\n", 2)
        self.assertEqual([reject["reason"] for reject in rejects], ["too_large", "too_large"])
        self.assertEqual(starts.count(b"\n"), 18_000 - 2 + 2)


class Damage(IngestCase):
    def test_cut_and_corrupt_files_keep_what_can_be_read_and_the_others_go_on(self):
        good = packed("\n".join(text_of(*range(2000), x="0123456789abcdef" * 8)) + "\n")
        damaged = {"a.gz": good[:len(good) // 2], "b.gz": good[:-1], "c.gz": good[:-6] + b"\0" + good[-5:], "d.gz": good[:3], "e.gz": b"\x1f\x8bjunk",
                   "f.json": container(*text_of(1, 2))[:-300].encode(), "g.json": text_of(1)[0][:100].encode(),
                   "h.json": b"\0" * 5000}
        for name, content in damaged.items():
            with self.subTest(name):
                path = self.write(name, content)
                last = self.write("z.json", records(1, 99))
                done = self.run_command("replay", "--rules", self.rules, path, last, "--to", "ndjson:starts", "--json", status=3)
                summary = self.summary(done)
                self.assertEqual(sum(summary["bad"].values()), 1, summary["bad"])
                self.assertIn(path.encode(), done.stderr)
                self.assertEqual(self.ndjson(self.directory / "starts")[-1]["input"]["detail"]["eventID"][-2:], "99")
                if name in ("b.gz", "c.gz"):
                    self.assertEqual(summary["routed"], 2001)

    def members(self):
        """Three pieces of lines and of containers, packed, and the numbers of the records in each."""
        numbers = [range(begin, begin + 400) for begin in (0, 400, 800)]
        texts = [text_of(*some, x="0123456789abcdef" * 8) for some in numbers]
        packers = [packed]
        if shutil.which("zstd"):
            packers.append(lambda text: subprocess.run(["zstd", "-qc"], input=text.encode(), capture_output=True, check=True).stdout)
        for pack in packers:
            for shape in (lambda some: "\n".join(some) + "\n", lambda some: container(*some), lambda some: f"[{','.join(some)}]"):
                yield [pack(shape(some)) for some in texts], [list(some) for some in numbers]

    def test_members_behind_a_damaged_one_are_read(self):
        for (first, second, third), numbers in self.members():
            middle = len(second) // 2
            for name, damaged in (("cut", second[:middle]), ("overwritten", second[:middle] + b"\xff" * 40 + second[middle + 40:]),
                                  ("checksum", second[:-6] + bytes([second[-6] ^ 1]) + second[-5:]), ("no head", b"\1" + second[1:])):
                with self.subTest(name, kind=first[:2]):
                    path = self.write("input", first + damaged + third)
                    summary = self.replay(self.rules, path, "--to", "ndjson:starts", "--reject", "rejects", status=3)
                    # What stands between the damage and where it shows may be anything.
                    found = [start["input"]["detail"].get("eventID", "")[-6:] for start in self.ndjson(self.directory / "starts")]
                    whole = [[f"{number:06}" for number in some] for some in (numbers[0], numbers[2])]
                    self.assertEqual([found[:400], found[-400:]], whole)
                    self.assertGreaterEqual(summary["bad"].get("corrupt", 0) + summary["bad"].get("truncated", 0), 1)
                    self.assertEqual(len(self.ndjson(self.directory / "rejects")), sum(summary["bad"].values()))

    def test_a_first_member_without_its_head_is_known_by_the_files_name(self):
        (first, second, third), numbers = next(self.members())
        path = self.write("input.gz", b"\1" + first[1:] + second)
        self.assertEqual(self.read(path, status=3)[1], numbers[1])
        self.assertEqual(self.read(self.write("text.gz", text_of(1)[0]))[1], [1])

    def test_damage_without_end_is_given_up(self):
        head = b"\x1f\x8b\x08\0\0\0\0\0\0\3"
        summary, _ = self.read("-", stdin=(head + b"\xff" * 30) * 100_000, status=3)
        self.assertLess(summary["records"], 5000)

    def test_rejects_say_where_and_why(self):
        good = text_of(*range(4))
        broken = ['{"eventVersion":"1.08","x":[}', "hello", '{"a":1}', '{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","b":01}']
        lines = "\n".join([good[0], broken[1], "", good[1], broken[2], broken[3], good[2], broken[0], good[3]])
        array = container(good[0], broken[2], good[1], broken[0], good[2], "17", good[3])
        contents = {"lines.json": lines, "array.json": array, "mark.json": "\ufeff" + lines, "bare.json": f"\n[{broken[2]},{good[0]}]"}
        for name, content in contents.items():
            for form in (content.encode(), packed(content)):
                with self.subTest(name, gzip=form[:1] == b"\x1f"):
                    path = self.write(name, form)
                    summary, _ = self.read(path, "--reject", "rejects", "--strict", status=3)
                    rejects = self.ndjson(self.directory / "rejects")
                    self.assertEqual(len(rejects), sum(summary["bad"].values()))
                    numbers = [reject["number"] for reject in rejects]
                    self.assertEqual(len(numbers), len(set(numbers)))
                    for reject in rejects:
                        self.assertEqual(reject["file"], path)
                        self.assertTrue(reject["reason"] in summary["bad"] and reject["message"] and reject["text"], reject)
                        found = content.encode()[reject["offset"]:]
                        self.assertTrue(found.startswith(reject["text"][:300].encode()), (reject, found[:80]))
                        self.assertTrue(any(found.startswith(text.encode()) for text in [*broken, "17"]), (reject, found[:80]))

    def test_rejects_name_their_own_file_when_sorted(self):
        first = self.write("first", "[" + text_of(1)[0] + ",17]")
        second = self.write("second", text_of(2)[0])
        for arguments in ((), ("--speed", "1000000x"), ("--rate", "1000")):
            self.read(first, second, "--sort", *arguments, "--reject", "rejects", status=3)
            self.assertEqual([reject["file"] for reject in self.ndjson(self.directory / "rejects")], [first])

    def test_rejects_come_in_the_order_of_the_input(self):
        lines = text_of(*range(6))
        lines[1], lines[2], lines[4] = "{]", "x" * 3000, "}"
        self.read(self.write("input", "\n".join(lines)), "--max-record", "2000", "--reject", "rejects", status=3)
        self.assertEqual([reject["number"] for reject in self.ndjson(self.directory / "rejects")], [2, 3, 5])

    def test_standard_input_that_is_closed_is_said(self):
        arguments = ("replay", "--rules", self.rules, "-", "--json")
        for sink in ("null", "ndjson:starts"):
            done = subprocess.run(self.command(*arguments, "--to", sink), capture_output=True, timeout=10, cwd=self.directory,
                                  env=self.environment, preexec_fn=lambda: os.close(0))
            self.assert_status(done, (3, 4))
            self.assertTrue(done.stderr)

    def test_a_closed_standard_output_does_not_end_up_in_the_sinks_file(self):
        path = self.write("input", records(2))
        subprocess.run(self.command("replay", "--rules", self.rules, path, "missing", "--json", "--to", "ndjson:starts"), timeout=10,
                       cwd=self.directory, env=self.environment, preexec_fn=lambda: os.closerange(0, 3))
        self.assertEqual(["input" in start for start in self.ndjson(self.directory / "starts")], [True, True])

    def test_a_pipe_whose_writer_dies_is_cut_short(self):
        content = "\n".join(text_of(*range(3)))
        for data in (content[:-20].encode(), packed(content)[:-9]):
            summary, numbers = self.read("-", stdin=data, status=3)
            self.assertEqual((numbers[:2], sum(summary["bad"].values())), ([0, 1], 1))

    def test_a_file_may_shrink_or_grow_while_it_is_read(self):
        line = text_of(1, x="x" * 200)[0] + "\n"
        for name, change in (("shrinks", lambda file: file.truncate(300000)), ("grows", lambda file: file.write(line.encode() * 3000))):
            with self.subTest(name):
                path = self.write("input.json", line * 6000)
                with Running(self, "replay", "--rules", self.rules, path, "--rate", "12k", "--json", "--to", "null") as running:
                    with open(path, "r+b", buffering=0) as file:
                        file.seek(0, os.SEEK_END)
                        time.sleep(0.2)
                        change(file)
                    done = running.wait(15)
                self.assert_status(done, (0, 3))
                self.assertGreater(self.summary(done)["routed"], 300)

    def test_a_pipe_that_nobody_writes_to_can_be_interrupted(self):
        os.mkfifo(self.directory / "pipe")
        with Running(self, "replay", "--rules", self.rules, "pipe", "--json", "--to", "null") as running:
            time.sleep(0.3)
            running.interrupt()
            done = running.wait(2)
        self.assert_status(done, 130)
        self.summary(done)

    def test_broken_records_within_each_other_cost_no_more_than_their_bytes(self):
        for content in (b'{"eventVersion":[' * 40000, b'{"eventVersion":"1.08","a":[' * 150000, b'[' + b'{"eventVersion":"' * 40000, b'{"Records":[' * 20000, b"{" * 200000):
            with self.subTest(content=content[:17]):
                self.read("-", stdin=content, status=3, timeout=3)


@unittest.skipIf(SANITIZED, "skipped: a sanitizer's memory says nothing")
class Memory(IngestCase):
    """Memory and time do not follow what is in the input."""

    def measure(self, content, *arguments, seconds=10):
        path = self.write("input.gz", content)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
            begin = time.monotonic()
            process = subprocess.Popen(self.command("replay", "--rules", self.rules, path, "--json", "--to", "null", *arguments), stdout=out,
                                       stderr=error, stdin=subprocess.DEVNULL, cwd=self.directory, env=self.environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertLess(time.monotonic() - begin, seconds)
            out.seek(0), error.seek(0)
            done = subprocess.CompletedProcess(process.args, process.returncode, out.read(), error.read())
        self.assert_status(done, (0, 3))
        self.assertLess(usage.ru_maxrss // 1024, MEMORY_MAX_MB)
        return self.summary(done)

    def check_bomb(self, begin, filling, end, routed, bad, times=15, *arguments):
        """300 MB of the filling between a beginning and an end."""
        middle = gzip.compress(filling * (20_000_000 // len(filling)), 6)
        summary = self.measure(packed(begin) + middle * times + packed(end), *arguments)
        self.assertEqual((summary["routed"], sum(summary["bad"].values())), (routed, bad), summary)

    def test_records_that_are_all_bad(self):
        summary = self.measure(packed("{}\n" * 3_000_000), "--reject", "rejects", "--threads", "2", seconds=60)
        self.assertEqual(sum(summary["bad"].values()), 3_000_000)

    def test_records_that_are_all_cut(self):
        cut = text_of(1)[0][:130] + "\n"
        for content in "{\n" * 2_000_000, cut * 150_000, records(1) + cut * 150_000:
            summary = self.measure(packed(content), "--reject", "rejects", "--threads", "2", seconds=60)
            self.assertEqual(sum(summary["bad"].values()) + summary["routed"], content.count("\n"))

    def test_elements_that_are_all_bad(self):
        for begin, element, end in ("[0", ",1", "]"), ('{"logEvents":[{}', ",{}", "]}"):
            summary = self.measure(packed(begin + element * 1_500_000 + end), seconds=60)
            self.assertEqual(sum(summary["bad"].values()), 1_500_001)

    def test_zeros(self):
        self.check_bomb("", b"\0", records(1), 1, 1)

    def test_a_line_of_300_MB(self):
        self.check_bomb(records(1) + '{"eventVersion":"', b"x", '"}\n' + records(1), 2, 1)

    def test_an_element_of_300_MB(self):
        one, = text_of(1)
        self.check_bomb('{"Records":[' + one + ',{"eventVersion":"', b"x", '"},' + one + "]}", 2, 1)

    def test_a_single_object_of_300_MB(self):
        self.check_bomb('{"eventVersion":"', b"x", '"}', 0, 1)

    def test_blanks(self):
        self.check_bomb("", b" ", records(1), 1, 0)

    def test_empty_lines(self):
        self.check_bomb(records(1), b"\n", records(1), 2, 0, 6)

    def test_what_follows_the_records_in_their_object(self):
        one, = text_of(1)
        self.check_bomb(container(one)[:-1] + ',"x":"', b"x", '"}' + one, 2, 0)

    def test_a_member_before_the_records(self):
        self.check_bomb('{"x":"', b"x", '","Records":[' + text_of(1)[0] + "]}", 1, 1)

    def test_control_messages(self):
        self.check_bomb('{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"x"}', b',{"message":"x"}', "]}", 0, 0, 10)

    def test_records_of_one_second_by_event_time(self):
        self.check_bomb("", (text_of(1)[0] + "\n").encode(), "", 20_000_000 // (len(text_of(1)[0]) + 1) * 12, 0, 12, "--speed", "1000x")

    def test_small_records_sorted(self):
        line = b'{"eventSource":"a","eventTime":"2024-01-01T00:00:00Z"}\n'
        self.check_bomb("", line, "", 20_000_000 // len(line) * 4, 0, 4, "--sort")


class Resynchronisation(IngestCase):
    """What is broken costs itself: the records around it are found, in whatever way they are written."""

    def pretty(self, number):
        return json.dumps(record(number), indent=2)

    def sorted(self, number):
        return json.dumps({"awsRegion": "us-east-2", **record(number)}, sort_keys=True)

    def test_records_on_lines_behind_a_cut_array_of_events_are_found(self):
        cut = f"[{envelope(1)},{envelope(2)[:500]}"
        self.check(cut + "\n" + records(5, 10), [1, 10, 11, 12, 13, 14], 2)  # nor does the array end
        self.check(f"[{envelope(1)},{envelope(2)[:-1]},{envelope(3)}]", [1, 3], 1)  # no record, but a broken event's detail

    def test_containers_and_lines_behind_a_container_that_was_cut_behind_a_record(self):
        one, two, three, four = text_of(1, 2, 3, 4)
        lookup = json.dumps({"Events": [{"EventId": "e", "CloudTrailEvent": one}]})
        cut = {"Records": container(one), "array": f"[{one}]", "subscription": subscription(one), "lookup": lookup,
               "control": subscription("x", kind="CONTROL_MESSAGE")}
        rest = {"Records": container(two, three), "subscription": subscription(two, three), "lines": two + "\n" + three,
                "lookup": json.dumps({"Events": [{"CloudTrailEvent": two}, {"CloudTrailEvent": three}]}),
                "line, Records": two + "\n" + container(three)}
        for name, first in cut.items():
            for other, second in rest.items():
                if name == "array" and other != "lookup":
                    continue  # an array of these, which has no end
                for between in ("", "\n"):
                    with self.subTest(cut=name, rest=other, between=between):
                        content = first[:-1 if name == "array" else -2] + between + second + "\n" + four + "\n"
                        numbers = [2, 3, 4] if name == "control" else [1, 2, 3, 4]
                        self.check(content, numbers, 1)

    def test_records_whose_container_has_a_damaged_head_are_found(self):
        texts = text_of(*range(1, 6))
        whole = container(*texts)
        for at in range(12):
            for damage in (whole[at:], whole[:at] + whole[at + 1:], whole[:at] + "z" + whole[at + 1:], whole[:at] + "{" + whole[at + 1:]):
                for content in (damage, damage + "\n", text_of(0)[0] + "\n" + damage + "\n" + text_of(6)[0]):
                    with self.subTest(content=content[:40]):
                        _, numbers = self.read("-", stdin=content.encode(), status=(0, 3))
                        self.assertLessEqual({2, 3, 4, 5}, set(numbers))
                        self.assertEqual(len(numbers), len(set(numbers)))

    def test_wrapped_records_whose_container_has_a_damaged_head_are_found(self):
        texts = text_of(1, 2, 3)
        lookup = json.dumps({"Events": [{"EventId": "e", "CloudTrailEvent": text} for text in texts]}, separators=(",", ":"))
        for whole, end in ((subscription(*texts), "logEvents"), (lookup, "CloudTrail")):
            head = whole.index(end)
            for at in range(1, head, 5):
                for damage in (whole[:at] + whole[at + 1:], whole[:at] + "*" + whole[at + 1:], whole[at:]):
                    with self.subTest(content=damage[:60], at=at):
                        _, numbers = self.read("-", stdin=damage.encode(), status=(0, 3))
                        self.assertLessEqual({2, 3}, set(numbers))
                        self.assertEqual(len(numbers), len(set(numbers)))
        events = [{"logStreamName": "s", "timestamp": 1, "message": text, "eventId": "1"} for text in texts]
        self.check(json.dumps({"events": events}, indent=4)[30:], [2, 3], 1)
        cut = json.dumps({"events": events})[30:-2]
        self.check(cut + "," + text_of(7)[0] + "\n" + container(*text_of(8, 9)), [2, 3, 7, 8, 9], 1)
        self.check(cut + "\n" + container(*text_of(8, 9)) + subscription(*text_of(4, 5)), [2, 3, 8, 9, 4, 5], 1)

    def test_records_in_any_order_of_keys_are_found_behind_a_broken_one(self):
        for first in ("requestID", "sourceIPAddress", "userAgent", "resources", "responseElements", "zone"):
            good = [json.dumps({first: None, **record(number)}) for number in range(1, 5)]
            with self.subTest(first=first):
                self.check(container(good[0], good[1].replace('"eventName"', '"eventName', 1), *good[2:]), [1, 3, 4], 1)

    def test_lookup_documents_on_one_line_behind_a_broken_one(self):
        pages = [json.dumps({"Events": [{"EventId": "e", "CloudTrailEvent": text}]}) for text in text_of(1, 2, 3)]
        self.check(pages[0][:-1] + "|" + pages[1] + pages[2], [1, 2, 3], 1)

    def test_an_element_that_is_broken_among_others_that_are_written_in_other_ways(self):
        for write in (self.pretty, self.sorted, envelope, lambda number: text_of(number)[0].replace("{", "{ ", 1)):
            texts = [write(number) for number in range(6)]
            for broken in (texts[2][:-1] + "x", "12", "{]"):
                self.check(container(*texts[:2], broken, *texts[3:]), [0, 1, 3, 4, 5], 1)

    def test_junk_before_the_records(self):
        for rest in (text_of(1)[0] + "\n" + text_of(2)[0], self.sorted(1) + "\n" + self.sorted(2), container(*text_of(1, 2)),
                     "[" + ",".join(text_of(1, 2)) + "]", subscription(*text_of(1, 2))):
            self.check("# exported by hand\n" + rest + "\n", [1, 2], 1)

    def test_elements_without_their_array_around_a_broken_one(self):
        for indent in (None, 2):
            good = [json.dumps({"id": "1", "timestamp": 1, "message": text}, indent=indent) for text in text_of(*range(5))]
            for broken in (good[2].replace('"message"', '"message'), good[2].replace('"timestamp"', "timestamp"), good[2][:-1]):
                for between, end in (("\n", "\n"), ("", "")):
                    self.check(between.join(good[:2] + [broken] + good[3:]) + end, [0, 1, 3, 4], 1)

    def test_wrapped_elements_and_lines_behind_a_broken_one(self):
        good = subscription(*text_of(1, 2, 3))
        broken = good.replace('{"id": "1"', '12,{"id": "1"')
        self.check(broken + "\n" + subscription(*text_of(4)) + "\n", [1, 2, 3, 4], 1)
        self.check(good[: len(good) // 2] + "\n" + subscription(*text_of(4, 5)) + "\n", [1, 4, 5], 1)

    def test_what_stands_behind_the_array(self):
        one, two, three = text_of(1, 2, 3)
        self.check('{"Records":[' + one + '],"Records":[' + two + '],"next":null}' + three, [1, 2, 3])
        self.check('{"Records":[' + one + "]," + two + "," + three + "]}", [1, 2, 3], 1)
        self.check('{"Records":[' + one + "]]," + two + "]}", [1, 2], 1)

    def test_a_first_line_that_is_broken_takes_no_other_with_it(self):
        self.check('{"eventVersion": broken\n' + "\n".join(text_of(1, 2)) + "\n", [1, 2], 1)

    def test_records_that_were_joined_without_a_line_break(self):
        one, two, three = text_of(1, 2, 3)
        self.check(one + "\n" + two + three + "\n" + one, [1, 2, 3, 1])
        self.check(packed(one + "\n" + two) + packed(three + "\n"), [1, 2, 3])
        self.check(one + two + "\n" + two + three + "\n", [1, 2, 2, 3])

    def test_byte_order_marks_and_containers_where_files_were_joined(self):
        mark, (one, two) = "\ufeff", text_of(1, 2)
        self.check(mark + one + "\n" + mark + two + "\n" + mark + container(one) + "\n" + subscription(two) + "\n" + one, [1, 2, 1, 2, 1])

    def test_lines_that_begin_with_a_time_as_cloudwatch_logs_writes_them(self):
        for before in ("2023-07-10T12:00:00.000Z", "2023-07-10T12:00:00", "2023-07-10T12:00:00.123456+00:00 1_CloudTrail_us-east-1",
                       "2023-07-10T12:00:00.123456+00:00 " + "n" * 512):
            self.check("".join(f"{before} {text}\n" for text in text_of(1, 2)), [1, 2])
        for before in ("2023-07-10T12:00:00 two words", "2023-07-10 12:00", "2023-07-10T12:00:00 " + "n" * 513):
            self.check("".join(f"{before} {text}\n" for text in text_of(1)), [1], 1)  # behind what cannot be read

    def test_an_event_that_is_cut_short_is_not_taken_for_its_detail(self):
        for text in (envelope(2), json.dumps(json.loads(envelope(2)), sort_keys=True)):
            for damage in (text.replace('"detail-type"', '"detail-type', 1), text.replace("[]", "[]}", 1)):
                self.read(self.write("input", "[" + envelope(1) + "," + damage + "," + envelope(3) + "]"), status=3)
                self.assertEqual({start["eventId"] for start in self.ndjson(self.directory / "starts")}, {"id-1", "id-3"})
            for cut in (1, 2, 40, len(text) // 2):
                self.check(text[:-cut], [], 1)
                self.check("[" + envelope(1) + "," + text[:-cut], [1], 1)

    def test_elements_and_events_are_known_by_their_members_too(self):
        events = [json.dumps(json.loads(envelope(number)), sort_keys=True) for number in range(4)]
        summary = self.check("[" + events[0] + ",17," + ",".join(events[1:]) + "]", [0, 1, 2, 3], 1)
        self.assertEqual(summary["records"], 5)
        self.assertEqual({start["eventId"] for start in self.ndjson(self.directory / "starts")}, {f"id-{n}" for n in range(4)})
        for first in ("eventSource", "eventName", "userIdentity", "errorCode", "apiVersion"):
            texts = [json.dumps({first: "x", **record(number), first: record(number).get(first, "x")}) for number in range(3)]
            self.check("[" + texts[0] + ",17," + ",".join(texts[1:]) + "]", [0, 1, 2], 1)
        for order in ("logStreamName timestamp message", "ingestionTime message", "message"):
            elements = [json.dumps({key: text if key == "message" else 1 for key in order.split()}) for text in text_of(1, 2, 3)]
            self.check('{"events":[' + elements[0] + ",17," + ",".join(elements[1:]) + "]}", [1, 2, 3], 1)

    def test_what_lies_within_a_broken_record_is_no_record(self):
        body = {"requestParameters": {"version": "1.2", "body": {"apiVersion": "v1", "errors": [{"errorCode": "x"}]}}}
        one, broken, three = text_of(1, **body)[0], text_of(2, **body)[0][:-1], text_of(3, **body)[0]
        summary = self.check("[" + one + "," + broken + "," + three + "]", [1, 3], 1)
        self.assertEqual(summary["records"], 3)

    def test_containers_of_every_kind_behind_lines(self):
        one, two, three, four = text_of(1, 2, 3, 4)
        pretty = json.dumps({"Records": [record(4)]}, indent=2)
        events = '{"events":[' + json.dumps({"timestamp": 1, "message": two}) + "]}"
        self.check("\n".join([one, events, "[" + three + "]", pretty, one, digest(), two]) + "\n", [1, 2, 3, 4, 1, 2])
        self.check("\n".join([one, json.dumps(record(2), indent=1), three]), [1, 2, 3])

    def layouts(self, *records):
        """A name, and the texts in it: however they are written, one behind the other or in an array."""
        for name, options in (("lines", {}), ("indented", {"indent": 2}), ("member a line", {"separators": (",\n ", ": ")})):
            texts = [json.dumps(one, **options) for one in records]
            yield name, texts, "\n".join
            yield name + ", array", texts, lambda texts: "[" + ",\n".join(texts) + "]"
            yield name + ", Records", texts, lambda texts: container(*texts)

    def test_a_broken_record_costs_itself_only_however_records_are_written(self):
        parts = [record(number, requestParameters={"items": [{"a": {"eventSource": "x"}}, {"b": []}]}) for number in range(9)]
        for name, texts, join in self.layouts(*parts):
            broken = texts[4]
            damages = [broken[:at] + broken[at + 1:] for at, c in enumerate(broken) if c in "}]"]
            damages += [broken.replace('"eventName"', '#eventName"', 1), broken.replace(": [", ": [[", 1)]
            for damage in damages:
                with self.subTest(name, damage=damage):
                    self.check(join(texts[:4] + [damage] + texts[5:]), [0, 1, 2, 3, 5, 6, 7, 8], 1)

    def test_two_broken_records_cost_nothing_between_them(self):
        texts = text_of(*range(300), requestParameters={"x": {}})
        texts[20], texts[250] = texts[20].replace("}", "", 1), texts[250].replace("{}", "{}}", 1)
        numbers = [number for number in range(300) if number != 20]  # the other one ends before the brace that is too many
        self.check(container(*texts), numbers, 2)
        self.check("[" + ",\n".join(texts) + "]", numbers, 2)

    def test_a_record_too_large_is_passed_over_with_what_looks_like_records_in_it(self):
        inner = [record(7), json.loads(envelope(8))] * 40
        for large in (record(1, requestParameters={"items": inner}), json.loads(envelope(1, detail={"events": inner}))):
            for name, texts, join in self.layouts(record(0), large, record(2)):
                with self.subTest(name):
                    summary = self.check(join(texts), [0, 2], 1, "--max-record", "9000")
                    self.assertEqual(summary["bad"], {"too_large": 1})

    def test_hostile_nesting_is_gone_through_in_time(self):
        begin = time.monotonic()
        self.replay(self.rules, self.write("deep", '{"eventVersion":' * 30_000), "--to", "null", status=3)
        self.assertLess(time.monotonic() - begin, 20)


class Outputs(IngestCase):
    def test_an_output_is_not_written_over_what_is_read(self):
        path = self.write("in.ndjson", text_of(1)[0])
        listed = self.write("list", path + "\n")
        for arguments in (("--to", f"ndjson:{path}"), ("--files-from", listed, "--to", f"ndjson:{listed}"), ("--to", "null", "--reject", path), ("--to", "null", "--dead-letters", path),
                          ("--to", f"ndjson:{self.rules}")):
            self.run_command("replay", "--rules", self.rules, path, *arguments, status=2)
        self.assertEqual((Path(path).read_text(), Path(listed).read_text()), (text_of(1)[0], path + "\n"))

    def test_outputs_in_the_folder_that_is_walked_are_left_out(self):
        self.write("in/a.ndjson", text_of(1)[0] + "\nbad\n")
        arguments = ("in", "--to", "ndjson:in/starts.ndjson", "--reject", "in/rejects.ndjson", "--resume")
        self.assertEqual(self.replay(self.rules, *arguments, status=3)["records"], 2)
        self.assertEqual(self.replay(self.rules, *arguments)["records"], 0)

    def test_starts_whose_bad_neighbour_could_not_be_told_are_not_doubled(self):
        path = self.write("input", "".join(f"junk\n{text}\n" for text in text_of(*range(4000))))
        arguments = ("replay", "--rules", self.rules, path, "--to", "ndjson:starts", "--resume", "--reject")
        done = self.run_command(*arguments, "/dev/full", status=4)
        self.assertIn(b"/dev/full", done.stderr)
        self.run_command(*arguments, "rejects", status=3)
        numbers = [int(start["input"]["detail"]["eventID"][-12:]) for start in self.ndjson(self.directory / "starts")]
        self.assertEqual(numbers, list(range(4000)))

    def test_a_torn_line_of_rejects_is_written_again(self):
        path = self.write("input", "junk\n" + records(3))
        self.write("rejects", '{"file":"whole"}\n{"file":"to')
        self.run_command("replay", "--rules", self.rules, path, "--to", "ndjson:starts", "--resume", "--reject", "rejects", status=3)
        self.assertEqual([reject["file"] for reject in self.ndjson(self.directory / "rejects")], ["whole", path])

    def test_rejects_behind_the_position_are_written_again(self):
        lines = [line if number % 3 else "junk" for number, line in enumerate(text_of(*range(30)))]
        first, second = self.write("a", "\n".join(lines)), self.write("b", "\n".join(lines[:20]))
        missing = str(self.directory / "missing")
        replay = ("replay", "--rules", self.rules, "--to", "ndjson:starts", "--resume", "--reject", "rejects")
        self.run_command("replay", "--rules", self.rules, first, missing, second, "--to", "null", "--reject", "expected", status=3)
        expected = self.ndjson(self.directory / "expected")
        self.run_command(*replay, first, status=3)
        # As a run that was killed before it saved its position would leave them.
        (self.directory / "rejects").write_bytes((self.directory / "expected").read_bytes())
        self.run_command(*replay, first, missing, second, status=3)
        key = lambda reject: (reject["file"], reject["number"])
        self.assertEqual(sorted(self.ndjson(self.directory / "rejects"), key=key), sorted(expected, key=key))

    def test_one_file_is_not_written_by_two(self):
        path = self.write("input", records(1))
        for name in ("same", "./same"):
            done = self.run_command("replay", "--rules", self.rules, path, "--to", "ndjson:same", "--reject", name, status=2)
            self.assertIn(b"same: is named for two outputs", done.stderr)

    def test_an_output_that_may_not_grow_or_is_closed_is_said(self):
        path = self.write("input", records(2000))
        for script in (f"ulimit -f 100; exec {replay_case.COMMAND} replay --rules {self.rules} {path} --to ndjson:starts",
                       f"exec {replay_case.COMMAND} replay --rules {self.rules} {path} --to ndjson:- >&-"):
            done = subprocess.run(["bash", "-c", script], cwd=self.directory, env=self.environment, capture_output=True)
            self.assert_status(done, 4)
            self.assertIn(b"cannot be written", done.stderr)

    def test_a_full_disk_for_rejects_and_letters_and_messages(self):
        bad = self.write("bad", "x\n" * 100)
        for arguments in (("--reject", "/dev/full"), ("--dead-letters", "/dev/full")):
            rules = self.write_rules(rule(InputPath="$.nothing"))
            path = bad if "--reject" in arguments else self.write("good", text_of(1)[0])
            done = self.run_command("replay", "--rules", rules, path, "--to", "null", *arguments, status=4)
            self.assertIn(b"/dev/full", done.stderr)
        with open("/dev/full", "wb") as full:
            status = subprocess.run(self.command("replay", "--rules", self.rules, bad, "--to", "null"), stderr=full,
                                    cwd=self.directory).returncode
        self.assertEqual(status, 3)

    def test_a_position_of_what_was_written_over_is_forgotten(self):
        one, two = self.write("one", "\n".join(text_of(*range(20)))), self.write("two", text_of(50)[0])
        self.replay(self.rules, one, "--to", "ndjson:out", "--resume")
        self.replay(self.rules, two, "--to", "ndjson:out")
        self.replay(self.rules, two, "--to", "ndjson:out", "--resume")
        self.assertEqual(len(self.ndjson(self.directory / "out")), 1)


class Changes(IngestCase):
    def test_an_input_that_shrinks_while_it_is_read_is_said_to(self):
        path = self.write("in", "\n".join(text_of(*range(3000))) + "\n")
        with Running(self, "replay", "--rules", self.rules, path, "--to", "null", "--rate", "1000", "--json") as running:
            time.sleep(1)
            os.truncate(path, 0)
            done = running.wait(60)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"shrank", done.stderr)

    def test_a_pipe_that_was_read_to_its_end_is_not_taken_for_the_same_again(self):
        def run(text, *arguments, status):
            return self.run_command("replay", "--rules", self.rules, "-", "--to", "ndjson:out", "--resume", *arguments, stdin=text.encode(),
                                    status=status)
        run(text_of(1)[0], status=0)
        self.assertIn(b"told", run(text_of(2)[0], status=4).stderr)
        run(text_of(2)[0], "--accept-changes", status=0)

    def test_an_input_that_was_begun_must_still_be_there(self):
        path = self.write("in", "\n".join(text_of(*range(3000))) + "\n")
        with Running(self, "replay", "--rules", self.rules, path, "--to", "ndjson:out", "--resume", "--rate", "1000") as running:
            time.sleep(1.5)
            running.interrupt()
            self.assertEqual(running.wait(60).returncode, 130)
        whole = Path(path).read_text()
        Path(path).write_text("\n".join(text_of(*range(5000, 5100))))
        self.run_command("replay", "--rules", self.rules, path, "--to", "ndjson:out", "--resume", status=4)
        Path(path).write_text(whole + text_of(3000)[0] + "\n")
        self.replay(self.rules, path, "--to", "ndjson:out", "--resume")
        names = [start["name"] for start in self.ndjson(self.directory / "out")]
        self.assertEqual((len(names), len(set(names))), (3001, 3001))

    def test_an_input_has_one_position(self):
        path = self.write("in", text_of(1)[0])
        self.run_command("replay", "--rules", self.rules, path, path, "--to", "ndjson:out", "--resume", status=4)

    def test_a_stop_leaves_what_is_bad_on_one_side_of_the_position(self):
        texts = [text if number % 7 else "bad" for number, text in enumerate(text_of(*range(1500)))]
        arguments = (self.write("in", "\n".join(texts) + "\n"), "--to", "ndjson:out", "--resume", "--rate", "700", "--json")
        with Running(self, "replay", "--rules", self.rules, *arguments) as running:
            time.sleep(1.2)
            running.interrupt()
            output = running.wait(60).stdout
        first, second = json.loads(output), self.replay(self.rules, *arguments[:-3], status=3)
        self.assertEqual(first["records"] + second["records"], 1500)
        self.assertEqual(sum(first["bad"].values()) + sum(second["bad"].values()), sum(text == "bad" for text in texts))


class Pace(IngestCase):
    def times(self, *arguments, status=0):
        """When each start came out of the pipe, in seconds since the first, and its record's number."""
        seconds, text = [], b""
        with Running(self, "replay", "--rules", self.rules, "--quiet", "--to", "ndjson:-", *arguments) as running:
            while piece := os.read(running.process.stdout.fileno(), 1 << 20):
                seconds += [time.monotonic()] * piece.count(b"\n")
                text += piece
            self.assert_status(running.wait(5), status)
        numbers = [int(json.loads(line)["input"]["detail"]["eventID"][-12:]) for line in text.splitlines()]
        return [second - seconds[0] for second in seconds], numbers

    def assert_times(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for number, (one, other) in enumerate(zip(found, expected)):
            self.assertTrue(-0.1 < one - other < 0.4, f"record {number} at {one:.3f} s instead of {other:.3f} s")

    def test_a_rate_is_kept_and_even(self):
        found, numbers = self.times(self.write("input", records(200)), self.write("input2", packed(records(200, 200))), "--rate", "200")
        self.assertEqual(numbers, list(range(400)))
        self.assert_times(found, [number / 200 for number in range(400)])
        self.assertTrue(1.6 < found[-1] < 2.4, found[-1])
        bins = [sum(begin <= second < begin + 0.1 for second in found) for begin in (0.1 * number for number in range(20))]
        self.assertGreaterEqual(sum(10 <= count <= 30 for count in bins), 16, bins)

    def test_a_rate_may_be_less_than_one(self):
        self.assertEqual(self.times(self.write("input", records(1)), "--rate", "0.5")[1], [0])

    def test_bad_records_do_not_stop_a_rate(self):
        found, numbers = self.times(self.write("input", "junk\n" + records(50) + "junk\n" + records(50, 50)), "--rate", "200", status=3)
        self.assert_times(found, [number / 200 for number in range(100)])

    def test_event_times_are_played_60_times_as_fast(self):
        texts = [at(number, f"2024-01-01T00:{number // 6 // 60:02}:{number // 6 % 60:02}Z") for number in range(6 * 54)]
        found, _ = self.times(self.write("input", "\n".join(texts)), "--speed", "60x")
        self.assert_times(found, [number / 360 for number in range(6 * 54)])

    def test_records_outside_of_the_times_wanted_take_no_time(self):
        days = [f"2024-01-0{day}T00:00:{second:02}Z" for day in (1, 2, 3) for second in range(0, 60, 6)]
        path = self.write("input", "\n".join(at(number, time) for number, time in enumerate(days)))
        for pace, pause in (("--speed", "60x"), 0.1), (("--rate", "20"), 0.05):
            found, _ = self.times(path, *pace, "--since", "2024-01-02T00:00:00Z", "--until", "2024-01-03T00:00:00Z")
            self.assert_times(found, [number * pause for number in range(10)])

    def test_records_of_a_second_are_spread_over_it(self):
        groups = ((0, 20), (5, 1), (10, 20))
        texts = [at(number, f"2024-01-01T00:00:{second:02}Z") for second, count in groups for number in range(count)]
        found, _ = self.times(self.write("input", "\n".join(texts)), "--speed", "10x")
        self.assert_times(found, [(second + number / count) / 10 for second, count in groups for number in range(count)])
        first = found[:20]
        self.assertGreater(len({int(second * 100) for second in first}), 3, first)

    def test_records_out_of_order_are_played_and_none_is_lost(self):
        seconds = [5, 3, 4, 9, 1, 7]
        texts = [at(number, f"2024-01-01T00:00:{second:02}Z") for number, second in enumerate(seconds)]
        self.assertEqual(self.times(self.write("input", "\n".join(texts)), "--speed", "60x")[1], list(range(6)))
        self.assertEqual(self.times(self.write("input", "\n".join(texts)), "--speed", "60x", "--sort")[1], [4, 1, 2, 0, 5, 3])

    def test_sorting_keeps_every_record_and_goes_over_files(self):
        count, texts = 900, {}
        for number in range(count):
            shuffled = number * 337 % count
            texts.setdefault(shuffled % 3, []).append(at(shuffled, f"2024-01-01T00:{shuffled // 60:02}:{shuffled % 60:02}Z"))
        for file, lines in texts.items():
            self.write(f"logs/{file}.json.gz", packed("\n".join(lines + ["junk"])))
        summary, numbers = self.read("logs", "--sort", status=3)
        self.assertEqual((numbers, summary["bad"]), (list(range(count)), {"not_json": 3}))

    def test_an_event_is_sorted_by_its_own_time(self):
        events = [envelope(number, time=f"2024-01-01T00:00:{number:02}Z", detail=record(number, eventTime=f"2023-01-01T00:00:{59 - number}Z"))
                  for number in (5, 3, 9, 1)]
        self.assertEqual(self.read(self.write("events", "\n".join(events)), "--sort")[1], [1, 3, 5, 9])
        nested = [json.dumps({"eventVersion": "1.08", "requestParameters": {"eventTime": f"2020-01-01T00:00:{59 - number}Z"},
                              **{key: value for key, value in record(number, eventTime=f"2024-01-01T00:00:{number:02}Z").items()
                                 if key not in ("eventVersion", "requestParameters")}}) for number in (5, 3, 9, 1)]
        self.assertEqual(self.read(self.write("nested", "\n".join(nested)), "--sort")[1], [1, 3, 5, 9])

    def test_wrong_paces_are_wrong_usage(self):
        path = self.write("input", records(1))
        for arguments in (["--sort", "--resume", "--to", "ndjson:s"], ["--rate", "5", "--speed", "2x"], ["--rate", "0"], ["--rate", "-1"],
                          ["--speed", "0x"], ["--speed", "60"], ["--speed", "-1x"], ["--speed", "nanx"], ["--speed", "infx"], ["--speed", ""]):
            with self.subTest(arguments=arguments):
                done = self.run_command("replay", "--rules", self.rules, path, *arguments, status=2)
                self.assertTrue(done.stderr)

    def test_an_interrupt_ends_the_wait(self):
        first = self.write("a", records(3000))
        other = self.write("b", at(1, "2025-01-01T00:00:00Z"))
        for arguments in (["--rate", "1"], ["--rate", "300"], ["--speed", "1x"], ["--sort", "--rate", "50"]):
            with self.subTest(arguments=arguments):
                with Running(self, "replay", "--rules", self.rules, first, other, "--json", "--to", "ndjson:starts", *arguments) as running:
                    time.sleep(0.2)
                    running.interrupt()
                    begin = time.monotonic()
                    done = running.wait(5)
                    self.assertLess(time.monotonic() - begin, 1)
                self.assert_status(done, 130)
                summary = self.summary(done)
                self.assertGreater(summary["routed"], 0)
                self.assertEqual(len(self.ndjson(self.directory / "starts")), summary["starts"])


class Position(IngestCase):
    """--resume: what is done is done once, wherever the replay was stopped."""

    def run_until(self, seconds, number, *arguments, status=(0, 130, -9)):
        with Running(self, "replay", "--rules", self.rules, *arguments, "--json", "--quiet", "--to", "ndjson:starts", "--resume") as running:
            time.sleep(seconds)
            if running.process.poll() is None:
                running.process.send_signal(number)
            self.assert_status(running.wait(20), status)

    def starts(self):
        return (self.directory / "starts").read_bytes()

    def test_what_could_not_be_opened_is_read_by_the_next_run(self):
        self.write("logs/a.json", text_of(1)[0])
        locked = Path(self.write("logs/b.json", text_of(2)[0]))
        arguments = ("replay", "--rules", self.rules, str(locked.parent), "--to", "ndjson:starts", "--resume", "--json")
        locked.chmod(0)
        done = self.run_command(*arguments, status=3, preexec_fn=without_privileges)
        self.assertEqual(self.summary(done)["bad"], {"unreadable": 1})
        locked.chmod(0o644)
        self.assertEqual(self.summary(self.run_command(*arguments))["started"], 1)
        self.assertEqual(len(self.ndjson(self.directory / "starts")), 2)

    def test_a_paced_replay_goes_on_exactly(self):
        for number in range(3):
            self.write(f"logs/{number}.json", records(200, 200 * number))
        self.replay(self.rules, "logs", "--to", "ndjson:expected")
        for pace in (("--rate", "700"), ("--speed", "1x")):
            with self.subTest(pace=pace):
                for path in self.directory.glob("starts*"):
                    path.unlink()
                for seconds, number in ((0.25, signal.SIGINT), (0.2, signal.SIGKILL), (0.15, signal.SIGINT), (0.05, signal.SIGKILL)):
                    self.run_until(seconds, number, "logs", *pace)
                self.replay(self.rules, "logs", "--to", "ndjson:starts", "--resume")
                self.assertTrue(self.starts() == (self.directory / "expected").read_bytes())

    def test_a_stop_before_new_records_are_reached_does_not_move_the_position_back(self):
        member = packed(records(1) + (text_of(1, eventSource="ec2.amazonaws.com")[0] + "\n") * 1000)
        path = self.write("large.json.gz", member * 2000)
        for pace in ((), ("--rate", "1G")):
            with self.subTest(pace=pace):
                for old in self.directory.glob("starts*"):
                    old.unlink()
                self.run_until(0.25, signal.SIGINT, path)
                for seconds in (0.03, 0.06):
                    self.run_until(seconds, signal.SIGINT, path, *pace)
                self.replay(self.rules, path, "--to", "ndjson:starts", "--resume")
                self.assertEqual(self.starts().count(b"\n"), 2000)

    def test_the_position_does_not_pass_records_that_still_wait_for_their_time(self):
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        content = "\n".join(text_of(*range(120), x="x" * 2000)) + "\n"
        arguments = ("replay", "--rules", self.rules, "pipe", "--json", "--to", "ndjson:starts", "--resume")
        with Running(self, *arguments, "--rate", "200") as running:
            with open(pipe, "wb", buffering=0) as writer:
                writer.write(content.encode()[:-100])
                time.sleep(0.8)
                running.process.kill()
                running.wait(5)
        with Running(self, *arguments) as running:
            with open(pipe, "wb") as writer:
                writer.write(content.encode())
            self.assert_status(running.wait(5), 0)
        numbers = [int(start["input"]["detail"]["eventID"][-12:]) for start in self.ndjson(self.directory / "starts")]
        self.assertEqual(numbers, list(range(120)))


class Threads(IngestCase):
    def test_any_number_of_threads_makes_the_same_starts_and_rejects(self):
        for name, content in enumerate(Containers.forms(self).values()):
            self.write(f"logs/{name:03}.json", content + "\njunk\n")
            self.write(f"logs/{name:03}.json.gz", packed(content) + packed(records(300, 1000 * name)))
        self.write("logs/1/large.json", records(6000) + "{broken\n" + records(3000, 6000))
        self.write("logs/1/large.gz", packed(container(*text_of(*range(9000))))[:-900])
        self.write("logs/1/events.json", subscription(*text_of(*range(900)), "no record"))
        found = []
        for threads in (1, 2, 8):
            done = self.run_command("replay", "--rules", self.rules, "logs", "--threads", threads, "--to", "ndjson:starts", "--reject",
                                    "rejects", "--json", status=3)
            summary = {name: value for name, value in self.summary(done).items() if "second" not in name}
            found.append((summary, (self.directory / "starts").read_bytes(), (self.directory / "rejects").read_bytes()))
        self.assertEqual(found[0][0], found[1][0])
        self.assertEqual(found[0][0], found[2][0])
        self.assertTrue(found[0] == found[1] == found[2], "starts or rejects differ")
        self.assertEqual(found[0][1].count(b"\n"), found[0][0]["starts"])


# Slow by its nature, so it runs beside the other tests: what a replay of a record a second says in 11 s.
beside = {}


def setUpModule():
    directory = beside["directory"] = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(directory.cleanup)
    root = Path(directory.name)
    (root / "rules.json").write_text(json.dumps({"Rules": [rule("s3")]}))
    (root / "input").write_text(records(2000))
    for name, more in (("plain", []), ("quiet", ["--quiet"])):
        arguments = [replay_case.COMMAND, "replay", "--rules", "rules.json", "input", "--rate", "2", "--json", "--to", "null", *more]
        process = beside[name] = subprocess.Popen(arguments, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                  stderr=subprocess.PIPE)
        unittest.addModuleCleanup(process.communicate)
        unittest.addModuleCleanup(process.kill)
    beside["begin"] = time.monotonic()


class ProgressTest(IngestCase):
    def on_terminal(self, *arguments, status=0, stop_after=None, **environment):
        """What a terminal on standard error is sent."""
        ours, theirs = pty.openpty()
        text = b""
        process = subprocess.Popen(self.command("replay", "--rules", self.rules, *arguments, "--json"), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=theirs, cwd=self.directory, env={**self.environment, **environment})
        os.close(theirs)
        begin = time.monotonic()
        while True:
            if stop_after and time.monotonic() - begin > stop_after:
                process.send_signal(signal.SIGINT)
                stop_after = None
            try:
                if select.select([ours], [], [], 0.05)[0]:
                    piece = os.read(ours, 1 << 16)
                    if not piece:
                        break
                    text += piece
            except OSError:
                break
        os.close(ours)
        self.assertEqual(process.wait(10), status)
        return text.decode()

    def write_logs(self):
        for number in range(20):
            self.write(f"logs/{number:02}.json", records(10, 10 * number))

    def test_a_terminal_shows_a_line_that_is_drawn_again(self):
        self.write_logs()
        text = self.on_terminal("logs", "--rate", "200", "--to", "null")
        self.assertNotIn("\n", text)
        lines = [line for line in re.split(r"\r(?:\x1b\[K)?", text) if line]
        self.assertGreaterEqual(len(lines), 3, text)
        for line in lines:
            self.assertRegex(line, PROGRESS)
        shares = [int(share) for share in re.findall(r"(\d+) %", text)]
        self.assertGreaterEqual(len(shares), 3, text)
        self.assertEqual(shares, sorted(shares))
        self.assertLessEqual(shares[-1], 100)
        self.assertRegex(lines[-1], r"\d\d:\d\d:\d\d")
        self.assertTrue(text.endswith("\r\x1b[K") or text.endswith("\r"), text[-80:])  # nothing is left of it

    def test_no_colours_where_they_are_not_wanted(self):
        self.write_logs()
        text = self.on_terminal("logs", "missing", "--rate", "400", "--to", "null", status=3, NO_COLOR="1")
        self.assertNotRegex(text, r"\x1b\[[0-9;]*m")
        self.assertIn("missing", text)

    def test_quiet_says_nothing(self):
        self.write_logs()
        self.assertEqual(self.on_terminal("logs", "--rate", "400", "--to", "null", "--quiet"), "")

    def test_what_a_run_before_has_done_does_not_count(self):
        self.write_logs()
        arguments = ("logs", "--rate", "200", "--to", "ndjson:starts", "--resume")
        self.on_terminal(*arguments, status=130, stop_after=0.5)
        shares = [int(share) for share in re.findall(r"(\d+) %", self.on_terminal(*arguments))]
        self.assertTrue(shares and shares[-1] >= 60, shares)

    def test_standard_input_has_no_share(self):
        ours = self.write("input", records(100))
        with Running(self, "replay", "--rules", self.rules, "-", "--json", "--rate", "200", "--to", "null", stdin=open(ours, "rb")) as running:
            done = running.wait(5)
        self.assertNotIn(b" %", done.stderr)

    def test_elsewhere_a_plain_line_every_10_seconds(self):
        time.sleep(max(0, beside["begin"] + 11.5 - time.monotonic()))
        for name in ("plain", "quiet"):
            process = beside[name]
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=10)
            self.assertEqual(process.returncode, 130)
            seconds = time.monotonic() - beside["begin"]
            lines = error.decode().splitlines()
            if name == "quiet":
                self.assertEqual(lines, [])
                continue
            self.assertTrue(seconds / 10 - 1.2 < len(lines) <= seconds / 10, (seconds, lines))
            self.assertTrue(lines)
            for line in lines:
                self.assertRegex(line, "^" + PROGRESS.pattern)
                self.assertNotIn("\x1b", line)


if __name__ == "__main__":
    replay_case.main()
