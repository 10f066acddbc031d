"""The local store: what a replay leaves in it, what `executions` shows of it, and what it refuses.

The store is read with an SQLite that is not the command's own: people will query it with SQL.
"""
import json
import os
import resource
import signal
import sqlite3
import subprocess
import threading
import unittest
from contextlib import closing
from pathlib import Path

import replay_case
from replay_case import MACHINE, ReplayCase, record, records, rule

COLUMNS = {"name", "state_machine_arn", "execution_arn", "rule", "rule_arn", "target", "event_id", "event_time", "input", "status",
           "start_time"}


class LocalCase(ReplayCase):
    def setUp(self):
        super().setUp()
        self.rules = self.write_rules(rule())
        self.store = self.directory / "store"
        self.input = self.write("input", records(10))

    def refused_rules(self, rules=None):
        return self.run_command("replay", "--rules", rules or self.rules, self.input, "--to", "local:store", status=4).stderr

    def fill(self, *inputs, store="store", rules=None, **options):
        return self.replay(rules or self.rules, *(inputs or (self.input,)), "--to", f"local:{store}", **options)


class Retry(LocalCase):
    """Letters of a target whose input every state machine refuses, started again."""

    def letter(self, **members):
        return json.dumps({"stateMachineArn": MACHINE, "name": "n", "rule": "r", "target": "1", "eventId": "e", "eventTime": "t",
                           "input": {"k": 1}, **members})

    def retry(self, text, *arguments, status=0):
        path = self.write("dead", text)
        return self.run_command("executions", "retry", path, "--to", "local:store", *arguments, "--json", status=status)

    def test_an_input_is_started_and_shown_as_it_stands(self):
        text = '{"a": 12345678901234567890123, "b":1.10,"c":1e3,"d":-0,"e":1e400,"e":"\\u0041"}'
        self.retry(self.letter(input="INPUT").replace('"INPUT"', text))
        self.assertEqual([row["input"] for row in self.rows(self.store)], [text])
        shown = self.run_command("executions", "show", "n", "--store", "store").stdout.decode()
        for part in ('"a": 12345678901234567890123', '"b": 1.10', '"c": 1e3', '"d": -0', '"e": 1e400', '"e": "\\u0041"'):
            self.assertIn(part, shown)
        self.assertIn(text, self.run_command("executions", "show", "n", "--store", "store", "--json").stdout.decode())

    def test_what_no_execution_can_be_is_refused_before_the_first_start(self):
        for members in ({"stateMachineArn": "hello"}, {"stateMachineArn": "arn:aws:sqs:us-east-2:123456789012:queue"},
                        {"name": "n" * 81}, {"name": "a b"}, {"input": None, "inputText": 5}):
            self.retry(self.letter() + "\n" + self.letter(**members), status=4)
            self.assertFalse(self.store.exists() and self.rows(self.store), members)
        self.run_command("executions", "retry", ".", "--to", "local:store", status=4)

    def test_an_input_that_is_too_large_or_too_deep_stays_dead(self):
        deep = "[" * 100_000 + "]" * 100_000
        self.retry(self.letter(input="x" * 262_200) + "\n" + self.letter(input="DEEP").replace('"DEEP"', deep) + "\n" + self.letter(),
                   "--dead-letters", "still", status=3)
        self.assertEqual([letter["ERROR_CODE"] for letter in self.ndjson(self.directory / "still")], ["INVALID_PARAMETER", "INVALID_JSON"])
        self.assertEqual(len(self.rows(self.store)), 1)

    def test_letters_are_not_written_over_while_they_are_read(self):
        self.retry(self.letter(), "--dead-letters", "dead", status=2)
        self.assertEqual((self.directory / "dead").read_text(), self.letter())

    def test_a_run_that_could_not_begin_leaves_the_letters_of_the_last_one(self):
        kept = self.write("kept", self.letter() + "\n")
        self.run_command("replay", "--rules", self.rules, "no-such-input", "--to", "null", "--dead-letters", kept, status=4)
        self.assertEqual(Path(kept).read_text(), self.letter() + "\n")
        self.run_command("replay", "--rules", self.rules, self.input, "--to", "null", "--dead-letters", kept)
        self.assertEqual(Path(kept).read_text(), "")


class Targets(LocalCase):
    def test_targets_that_step_functions_could_not_start_are_refused(self):
        for arn in (MACHINE[: -len("Helloworld")], "arn:aws:lambda:us-east-2:123456789012:function:a:states:stateMachine:x",
                    MACHINE.replace("123456789012", "1234"), MACHINE + " b", MACHINE + ":1:2", MACHINE.replace("arn:aws", "arn:awsx"),
                    MACHINE.replace("us-east-2", ""), MACHINE + "\n"):
            self.refused_rules(self.write_rules(rule(Arn=arn)))
        self.fill(rules=self.write_rules(rule(Arn=MACHINE + ":prod")))

    def test_two_targets_of_a_rule_have_two_ids(self):
        twice = rule()
        twice["Targets"] = [{**twice["Targets"][0], "Id": "1", "Input": text} for text in ("1", "2")]
        self.assertIn(b"Id", self.refused_rules(self.write_rules(twice)))

    def test_a_dead_letter_queue_is_a_standard_queue_and_is_named_in_the_letter(self):
        queue = "arn:aws:sqs:us-east-2:123456789012:dead"
        for config in ("x", {"Arn": 5}, {"Arn": "x"}, {"Arn": queue + ".fifo"}, {"Arn": queue.replace("us-east-2", "eu-west-1")}):
            self.refused_rules(self.write_rules(rule(DeadLetterConfig=config)))
        rules = self.write_rules(rule(DeadLetterConfig={"Arn": queue}, InputPath="$.nothing", RetryPolicy={"MaximumRetryAttempts": 3}))
        self.replay(rules, self.input, "--to", "local:store", "--dead-letters", "dead", status=3)
        for letter in self.dead_letters(self.directory / "dead"):
            self.assertEqual((letter["deadLetterArn"], letter["retryPolicy"]["MaximumRetryAttempts"]), (queue, 3))


class Looking(LocalCase):
    def listed(self, *arguments, status=0):
        done = self.run_command("executions", "list", "--store", "store", "--json", *arguments, status=status)
        return json.loads(done.stdout)["executions"]

    def test_a_machine_is_found_by_its_whole_name_with_or_without_a_version(self):
        for name in ("my_machine", "myXmachine", "other:7"):
            self.fill(rules=self.write_rules(rule(name.replace(":", "-"), Arn=MACHINE.replace("Helloworld", name))))
        for machine, count in (("my_machine", 10), ("%", 0), ("other", 10), ("MY_MACHINE", 0), (MACHINE.replace("Helloworld", "other:7"), 10)):
            self.assertEqual(len(self.listed("--machine", machine)), count, machine)

    def test_the_times_that_a_list_prints_can_be_asked_for(self):
        self.fill()
        time = self.listed()[0]["startTime"]
        self.assertEqual(len(self.listed("--since", time)), 10)
        self.assertEqual(self.listed("--until", time.replace("Z", "+00:00")), [])

    def test_more_than_a_page_is_listed_once_each(self):
        self.fill(self.write("many", records(2500)))
        names = [execution["name"] for execution in self.listed()]
        self.assertEqual((len(names), len(set(names))), (2500, 2500))
        self.assertEqual([execution["name"] for execution in self.listed("--limit", "1500")], names[:1500])

    def test_a_store_of_something_else_is_left_alone(self):
        with closing(sqlite3.connect(self.store)) as other:
            other.execute("CREATE TABLE theirs(a)")
        self.refused_rules()
        with closing(sqlite3.connect(self.store)) as other:
            self.assertEqual([name for name, in other.execute("SELECT name FROM sqlite_master")], ["theirs"])

    def test_a_store_that_a_kill_left_half_written_can_be_looked_at(self):
        self.fill()
        with closing(sqlite3.connect(self.store)) as writer:
            writer.execute("PRAGMA cache_size=1")
            writer.execute("BEGIN")
            writer.execute("UPDATE executions SET status='BROKEN'")
            writer.execute("INSERT INTO executions SELECT key+(1<<40), name, state_machine_arn, execution_arn, rule, rule_arn, target, "
                           "event_id, event_time, hex(randomblob(300000)), status, start_time FROM executions")
            for suffix in ("", "-journal"):
                (self.directory / ("killed" + suffix)).write_bytes(Path(str(self.store) + suffix).read_bytes())
        self.assertGreater((self.directory / "killed-journal").stat().st_size, 0)
        done = self.run_command("executions", "list", "--store", "killed", "--json")
        self.assertEqual({execution["status"] for execution in json.loads(done.stdout)["executions"]}, {"STARTED"})


class Store(LocalCase):
    def test_local_is_the_default_sink_and_millrace_db_its_file(self):
        self.assertEqual(self.replay(self.rules, self.input)["started"], 10)
        self.assertEqual(len(self.rows(self.directory / "millrace.db")), 10)
        self.assertEqual(self.replay(self.rules, self.input, "--to", "local")["duplicates"], 10)

    def test_a_row_says_what_was_started(self):
        self.fill()
        self.replay(self.rules, self.input, "--to", "ndjson:starts")
        rows = {row["name"]: row for row in self.rows(self.store)}
        starts = self.ndjson(self.directory / "starts")
        self.assertEqual(set(rows), {start["name"] for start in starts})
        for start in starts:
            row = rows[start["name"]]
            self.assertLessEqual(COLUMNS, set(row))
            self.assertEqual(row["state_machine_arn"], start["stateMachineArn"])
            self.assertEqual(row["execution_arn"], MACHINE.replace("stateMachine", "execution") + ":" + start["name"])
            self.assertEqual((row["rule"], row["target"], row["event_id"], row["event_time"]),
                             (start["rule"], start["target"], start["eventId"], start["eventTime"]))
            self.assertEqual(row["rule_arn"], "arn:aws:events:us-east-2:123456789012:rule/s3")
            self.assertEqual(json.dumps(json.loads(row["input"])), json.dumps(start["input"]))
            self.assertEqual(row["status"], "STARTED")
            self.assertRegex(str(row["start_time"]), r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assert_store_is_whole(self.store)

    def test_the_same_logs_again_are_duplicates(self):
        summary = self.fill()
        self.assertEqual((summary["started"], summary["duplicates"], summary["failed"]), (10, 0, 0))
        before = self.rows(self.store)
        summary = self.fill()
        self.assertEqual((summary["started"], summary["duplicates"], summary["failed"]), (0, 10, 0))
        self.assertEqual(self.rows(self.store), before)
        summary = self.fill(self.write("more", records(15)))
        self.assertEqual((summary["started"], summary["duplicates"]), (5, 10))

    def test_the_same_record_twice_in_one_input_is_started_once(self):
        summary = self.fill(self.input, self.write("again", records(10)))
        self.assertEqual((summary["starts"], summary["started"], summary["duplicates"]), (20, 10, 10))
        self.assertEqual(len(self.rows(self.store)), 10)

    def test_two_rules_and_two_machines_for_one_event_are_different_executions(self):
        rules = self.write_rules(rule("a"), rule("b"), rule("c", arn=MACHINE + "2"))
        self.assertEqual(self.fill(rules=rules)["started"], 30)
        self.assertEqual(len({(row["state_machine_arn"], row["name"]) for row in self.rows(self.store)}), 30)

    def test_text_beyond_ascii_is_kept(self):
        key = "ü€😀 'quoted' \"twice\" \\ ; DROP TABLE executions; -- \u0001"
        name = "règle 'x'"
        self.fill(self.write("odd", json.dumps(record(1, requestParameters={"bucketName": "b", "key": key}))),
                  rules=self.write_rules(rule(name)))
        (row,) = self.rows(self.store)
        self.assertEqual(json.loads(row["input"])["detail"]["requestParameters"]["key"], key)
        self.assertEqual(row["rule"], name)

    def test_any_number_of_workers_gives_the_same_rows(self):
        path = self.write("large", records(20000))
        kept = "SELECT name, state_machine_arn, rule, target, event_id, event_time, input FROM executions ORDER BY name"
        stores = []
        for threads in ("1", "2", "8"):
            summary = self.replay(self.rules, path, "--to", f"local:store-{threads}", "--threads", threads)
            self.assertEqual(summary["started"], 20000)
            stores.append(self.rows(self.directory / f"store-{threads}", kept))
        self.assertEqual(stores[0], stores[1])
        self.assertEqual(stores[0], stores[2])

    def test_it_can_be_read_while_it_is_filled(self):
        path = self.write("large", records(50000))
        done = threading.Event()
        failures = []

        def read():
            while not done.wait(0.01):
                try:
                    if self.store.exists():
                        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=5)) as store:
                            store.execute("SELECT count(*), count(DISTINCT name) FROM executions").fetchone()
                except sqlite3.OperationalError as failure:
                    # No file or table yet is no failure; a lock that lasts is.
                    if "locked" in str(failure):
                        failures.append(failure)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            self.assertEqual(self.fill(path)["started"], 50000)
        finally:
            done.set()
            reader.join()
        self.assertEqual(failures, [])


class Refused(LocalCase):
    def check(self, sink, message, **options):
        return self.refused("replay", "--rules", self.rules, self.input, "--to", sink, message=message, **options)

    def test_a_file_that_is_no_sqlite_stays_as_it_is(self):
        for content in (b"hello\n" * 1000, b"x"):
            path = self.write("text", content)
            self.check(f"local:{path}", "text")
            self.assertEqual(Path(path).read_bytes(), content)
            self.refused("executions", "list", "--store", path, message="text")
            self.assertEqual(Path(path).read_bytes(), content)

    def test_an_sqlite_file_of_something_else_stays_as_it_is(self):
        other = self.directory / "other"
        with closing(sqlite3.connect(other)) as store:
            store.execute("CREATE TABLE executions (id INTEGER, mine TEXT)")
            store.execute("INSERT INTO executions VALUES (1, 'mine')")
            store.commit()
        self.check(f"local:{other}", "other")
        self.assertEqual(self.rows(other, "SELECT * FROM executions"), [{"id": 1, "mine": "mine"}])

    def test_a_store_of_a_newer_version_stays_as_it_is(self):
        self.fill()
        with closing(sqlite3.connect(self.store)) as store:
            store.execute("PRAGMA user_version = 999999")
        before = self.rows(self.store)
        self.check(f"local:{self.store}", "newer|version")
        self.refused("executions", "list", "--store", self.store, message="newer|version")
        self.assertEqual(self.rows(self.store), before)

    def test_a_place_that_cannot_be_written(self):
        self.check(f"local:{self.directory}/missing/store", "missing")
        self.check(f"local:{self.directory}", ".")
        self.assertFalse((self.directory / "missing").exists())
        if Path("/proc/version").exists():
            self.check("local:/proc/millrace-store", "/proc/millrace-store")

    @unittest.skipIf(os.geteuid() == 0, "skipped: root may write anywhere")
    def test_a_read_only_directory_and_a_read_only_store(self):
        self.fill(store="home/store")
        (self.home / "store").chmod(0o400)
        self.home.chmod(0o500)
        try:
            self.check("local:home/other", "home/other")
            self.check("local:home/store", "home/store")
        finally:
            self.home.chmod(0o700)

    def test_a_corrupt_store_is_reported(self):
        self.fill(self.write("large", records(2000)))
        content = bytearray(self.store.read_bytes())
        for page in range(1, len(content) // 4096):
            content[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
        self.write("corrupt", bytes(content))
        self.run_command("replay", "--rules", self.rules, self.input, "--to", "local:corrupt", status=4)

    def test_a_disk_that_is_full_ends_the_replay_and_keeps_what_was_started(self):
        path = self.write("large", records(20000))

        def full_at_four_megabytes():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, resource.RLIM_INFINITY))

        done = self.run_command("replay", "--rules", self.rules, path, "--to", "local:store", status=4, restore_signals=False,
                                preexec_fn=full_at_four_megabytes)
        self.assertIn("store", done.stderr.decode())
        self.assert_store_is_whole(self.store)
        before = len(self.rows(self.store))
        self.assertLess(before, 20000)
        summary = self.fill(path)
        self.assertEqual((summary["started"], summary["duplicates"]), (20000 - before, before))
        self.assertEqual(len(self.rows(self.store)), 20000)

    def test_a_store_that_another_replay_is_writing_waits_or_says_so(self):
        path = self.write("large", records(20000))
        command = self.command("replay", "--rules", self.rules, path, "--to", "local:store")
        both = [subprocess.Popen(command, cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(2)]
        ends = [(process, *process.communicate(timeout=60)) for process in both]
        statuses = sorted(process.returncode for process, _, _ in ends)
        self.assertIn(statuses, ([0, 0], [0, 4]), [error[-500:] for _, _, error in ends])
        self.assertEqual(len(self.rows(self.store)), 20000)
        self.assert_store_is_whole(self.store)


class Executions(LocalCase):
    """`executions list` and `executions show`."""

    def setUp(self):
        super().setUp()
        self.fill(rules=self.write_rules(
            rule("uploads", {"detail": {"requestParameters": {"key": [f"key-{number}" for number in range(6)]}}}),
            rule("all", arn=MACHINE.replace("Helloworld", "Other"))))
        self.all = self.rows(self.store)
        self.assertEqual(len(self.all), 16)

    def listed(self, *arguments, store=True, status=0):
        """The executions listed with --json: members of rows, with their names in lower case and without underscores."""
        place = ("--store", "store") if store else ()
        done = self.run_command("executions", "list", *place, *arguments, "--json", status=status)
        value = json.loads(done.stdout)
        self.assertEqual(value["schema"], 1)
        return [self.plain(row) for row in value["executions"]]

    def plain(self, row):
        return {member.replace("_", "").lower(): value for member, value in row.items()}

    def names(self, *arguments, **options):
        return {row["name"] for row in self.listed(*arguments, **options)}

    def expected(self, **members):
        return {row["name"] for row in self.all if all(row[member] == value for member, value in members.items())}

    def test_all_are_listed(self):
        self.assertEqual(self.names(), self.expected())
        row = self.listed()[0]
        for member in ("name", "statemachinearn", "rule", "target", "eventid", "eventtime", "status", "starttime"):
            self.assertIn(member, row)

    def test_the_default_store_is_that_of_replay(self):
        self.store.rename(self.directory / "millrace.db")
        self.assertEqual(self.names(store=False), self.expected())

    def test_filters(self):
        other = MACHINE.replace("Helloworld", "Other")
        self.assertEqual(self.names("--machine", "Other"), self.expected(state_machine_arn=other))
        self.assertEqual(self.names("--machine", other), self.expected(state_machine_arn=other))
        self.assertEqual(self.names("--rule", "uploads"), self.expected(rule="uploads"))
        self.assertEqual(self.names("--status", "STARTED"), self.expected())
        self.assertEqual(self.names("--rule", "uploads", "--machine", "Other"), set())
        self.assertEqual(self.names("--machine", "Oth"), set())
        self.assertEqual(len(self.listed("--limit", "3")), 3)
        self.assertEqual(self.names("--rule", "x' OR '1'='1"), set())
        self.assertEqual(self.names("--since", "2000-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z"), self.expected())
        self.assertEqual(self.names("--since", "2100-01-01T00:00:00Z"), set())
        self.assertEqual(self.names("--until", "2000-01-01T00:00:00Z"), set())

    def test_the_order_is_the_same_each_time_and_limit_takes_its_beginning(self):
        every = [row["name"] for row in self.listed()]
        self.assertEqual([row["name"] for row in self.listed()], every)
        self.assertEqual([row["name"] for row in self.listed("--limit", "5")], every[:5])

    def test_the_list_for_people_has_each_name(self):
        text = self.run_command("executions", "list", "--store", "store").stdout.decode()
        for row in self.all:
            self.assertIn(row["name"], text)
        self.assertIn("Helloworld", text)
        self.assertIn("STARTED", text)

    def test_show_prints_the_execution_and_its_input(self):
        row = next(row for row in self.all if row["rule"] == "uploads")
        text = self.run_command("executions", "show", row["name"], "--store", "store").stdout.decode()
        for member in ("name", "execution_arn", "status", "rule"):
            self.assertIn(row[member], text)
        self.assertIn("PutObject", text)
        done = self.run_command("executions", "show", row["name"], "--store", "store", "--json")
        value = json.loads(done.stdout)
        self.assertEqual(value["schema"], 1)
        shown = self.plain(value.get("execution", value))
        self.assertEqual((shown["name"], shown["statemachinearn"], shown["executionarn"]),
                         (row["name"], row["state_machine_arn"], row["execution_arn"]))
        shown_input = shown["input"] if not isinstance(shown["input"], str) else json.loads(shown["input"])
        self.assertEqual(json.dumps(shown_input), json.dumps(json.loads(row["input"])))

    def test_what_is_not_there(self):
        done = self.run_command("executions", "show", "missing-execution", "--store", "store", status=(1, 4))
        self.assertIn("missing-execution", done.stderr.decode())
        self.refused("executions", "list", "--store", "missing-store", message="missing-store")
        self.assertFalse((self.directory / "missing-store").exists())
        for arguments in (("executions",), ("executions", "show"), ("executions", "list", "--store", "store", "--limit", "x"),
                          ("executions", "list", "--store", "store", "--since", "yesterdayish"), ("executions", "nothing")):
            with self.subTest(arguments=arguments):
                self.run_command(*arguments, status=2)

    def test_an_empty_list_is_a_list(self):
        self.assertEqual(self.listed("--rule", "none"), [])
        self.run_command("executions", "list", "--store", "store", "--rule", "none")

    def test_a_reader_that_goes_away_is_no_failure_to_shout_about(self):
        self.fill(self.write("large", records(20000)))
        process = subprocess.Popen(self.command("executions", "list", "--store", "store", "--limit", "20000"), cwd=self.directory,
                                   env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()
        process.stderr.close()
        process.wait(timeout=20)
        self.assertNotIn(process.returncode, (-signal.SIGSEGV, -signal.SIGABRT))
        self.assertLess(len(error), 500)


if __name__ == "__main__":
    replay_case.main()
