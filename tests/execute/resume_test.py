"""kill -9 in the middle of a replay, then the same command again: nothing is missing and nothing is there twice.

Each round starts with nothing, kills `replay --resume` at random moments until one run comes to its end, and compares with an
uninterrupted run. MILLRACE_KILLS is how many kills must hit a running replay for each sink (10), MILLRACE_TEST_SEED the seed.
"""
import functools
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import time

import fault_server
import replay_case
from fault_server import FaultServer
from replay_case import KEYS, MACHINE, ReplayCase, Running, record, records, rule

KILLS = int(os.environ.get("MILLRACE_KILLS", "10"))
SEED = int(os.environ.get("MILLRACE_TEST_SEED", "20240601"))
RECORDS = 40000
STARTS = RECORDS * 11 // 10  # every tenth record starts two
RUNS_MAX = 40 * KILLS + 200


class ResumeCase(ReplayCase):
    def setUp(self):
        super().setUp()
        self.environment.update(KEYS)
        # Two targets for some events: a record's starts must not be torn apart.
        self.rules = self.write_rules(rule("all"), rule("some", {"detail": {"requestParameters": {"key": [{"suffix": "7"}]}}},
                                                        arn=MACHINE + "2"))

    @staticmethod
    @functools.cache
    def contents(count):
        """Five files of different kinds and sizes, one of them with a record that is bad and one without a match."""
        ends = [0, count // 10, count // 2, count // 2 + 1, count * 8 // 10, count]
        texts = [[json.dumps(record(number)) for number in range(begin, end)] for begin, end in zip(ends, ends[1:])]
        return ["\n".join(texts[0]) + "\n", gzip.compress(('{"Records":[' + ",".join(texts[1]) + "]}").encode(), 1),
                "not json\n" + texts[2][0], "\n".join([json.dumps(record(0, eventSource="ec2.amazonaws.com"))] + texts[3]),
                gzip.compress("\n".join(texts[4]).encode(), 1)]

    def write_inputs(self, count):
        for number, content in enumerate(self.contents(count)):
            self.write(f"logs/{number}.json", content)
        return str(self.directory / "logs")


class Kills(ResumeCase):
    def rounds(self, begin, command, check):
        """Rounds until KILLS kills have hit. `begin()` removes what the round before left; `check()` compares."""
        rng = random.Random(SEED)
        begin()
        began = time.monotonic()
        self.run_command(*command, status=self.status)
        seconds = time.monotonic() - began
        check()
        kills = runs = resumed = 0
        while kills < KILLS:
            begin()
            kills_of_round, ended = 0, False
            while not ended:
                runs += 1
                self.assertLess(runs, RUNS_MAX, f"only {kills} of {KILLS} kills hit in {runs} runs of {seconds:.3f} s")
                # The last run of a round that was killed often enough is left alone, so that it ends.
                patience = rng.uniform(0, seconds) if kills_of_round < 5 and kills < KILLS else None
                process = subprocess.Popen(self.command(*command), cwd=self.directory, env=self.environment,
                                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                try:
                    _, error = process.communicate(timeout=60 if patience is None else patience)
                    self.assertIn(process.returncode, (0, 3), f"MILLRACE_TEST_SEED={SEED}, run {runs}: {error[-2000:]}")
                    ended = True
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    hit = process.returncode == -signal.SIGKILL
                    kills, kills_of_round = kills + hit, kills_of_round + hit
            resumed += kills_of_round > 0
            with self.subTest(MILLRACE_TEST_SEED=SEED, run=runs, kills=kills_of_round):
                check()
        self.assertGreater(resumed, 0)

    status = 3  # one bad record

    def remove(self, *names):
        for name in names:
            for path in self.directory.glob(name + "*"):
                path.unlink()

    def assert_same_starts(self, found, expected):
        """`found` and `expected` are lists of starts that can be compared; says how many are missing or doubled."""
        self.assertEqual(len(found) - len(set(found)), 0, "doubled")
        self.assertEqual((len(set(expected) - set(found)), len(set(found) - set(expected))), (0, 0), "(missing, unexpected)")

    def test_into_ndjson(self):
        logs = self.write_inputs(60000)
        self.write("logs/5.json", "".join(f"bad {number}\n" for number in range(20000)))
        self.replay(self.rules, logs, "--to", "ndjson:expected", "--reject", "told", status=3)
        expected = (self.directory / "expected").read_bytes()
        command = ("replay", "--rules", self.rules, logs, "--to", "ndjson:starts", "--resume", "--threads", "2", "--reject", "rejects")

        def check():
            found = (self.directory / "starts").read_bytes()
            if found != expected:
                self.assert_same_starts(found.splitlines(), expected.splitlines())
                self.fail("the same starts in another order")
            self.assertEqual((self.directory / "rejects").read_bytes(), (self.directory / "told").read_bytes())

        self.rounds(lambda: self.remove("starts", "rejects"), command, check)

    def test_into_the_local_store(self):
        logs = self.write_inputs(20000)
        query = "SELECT state_machine_arn || ' ' || name || ' ' || input AS start FROM executions"
        self.replay(self.rules, logs, "--to", "local:expected", status=3)
        expected = [row["start"] for row in self.rows(self.directory / "expected", query)]
        self.assertEqual(len(expected), 22000)
        command = ("replay", "--rules", self.rules, logs, "--to", "local:store", "--resume")

        def check():
            self.assert_same_starts([row["start"] for row in self.rows(self.directory / "store", query)], expected)
            self.assert_store_is_whole(self.directory / "store")

        self.rounds(lambda: self.remove("store"), command, check)

    def test_into_step_functions(self):
        logs = self.write_inputs(4000)
        self.replay(self.rules, logs, "--to", "ndjson:expected", status=3)
        starts = self.ndjson(self.directory / "expected")
        expected = {(start["stateMachineArn"], start["name"], json.dumps(start["input"])) for start in starts}
        # Some fail for good: they must be in the dead letters, and be there however often the replay was killed.
        failing = {start["name"] for start in starts[::100]}
        server = FaultServer(lambda request: fault_server.no_machine if request.name in failing else fault_server.ok, keep_requests=False)
        server.__enter__()
        self.addCleanup(server.__exit__)
        command = ("replay", "--rules", self.rules, logs, "--to", "aws", "--endpoint-url", server.url, "--start-rate", "1M",
                   "--resume", "--checkpoint", "position", "--dead-letters", "dead")

        def begin():
            self.remove("position", "dead")
            server.started.clear()

        def check():
            self.assertEqual(server.faults, [])
            found = [(machine, name, json.dumps(json.loads(text))) for (machine, name), text in server.started.items()]
            self.assert_same_starts(found, [start for start in expected if start[1] not in failing])
            self.assertEqual({letter["name"] for letter in self.dead_letters(self.directory / "dead")}, failing)

        self.rounds(begin, command, check)
        before = server.request_count
        self.run_command(*command, status=(0, 3))
        self.assertEqual(server.request_count, before, "a replay that has ended asks for starts again")


class Resume(ResumeCase):
    def setUp(self):
        super().setUp()
        self.logs = self.write_inputs(RECORDS)

    def replay_resumed(self, *arguments, status=3, rules=None, sink="ndjson:starts"):
        return self.replay(rules or self.rules, self.logs, "--to", sink, "--resume", *arguments, status=status)

    def cut_short(self, sink="ndjson:starts"):
        """A replay that is interrupted in the middle, with its first inputs finished and its position saved."""
        for _ in range(20):
            for path in self.directory.glob("starts*"):
                path.unlink()
            with Running(self, "replay", "--rules", self.rules, self.logs, "--to", sink, "--resume") as running:
                while running.process.poll() is None and not self.has_begun():
                    time.sleep(0.001)
                running.interrupt()
                done = running.wait(timeout=30)
            self.assert_status(done, (0, 3, 130))
            if done.returncode == 130:
                return
        self.fail("every replay of twenty ended before it could be interrupted")

    def has_begun(self):
        """Whether the sink's file, or SQLite's log of it, holds the starts of the first inputs."""
        for path in self.directory.glob("starts*"):
            try:
                if path.stat().st_size > 6 << 20:
                    return True
            except FileNotFoundError:
                pass
        return False

    def fill_disk(self, sink):
        """A replay that a file size limit ends in the middle."""

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (14 << 20, resource.RLIM_INFINITY))

        done = self.run_command("replay", "--rules", self.rules, self.logs, "--to", sink, "--resume", status=4, restore_signals=False,
                                preexec_fn=full)
        self.assertIn("starts", done.stderr.decode())

    def content(self, sink):
        return self.starts() if sink == "ndjson:starts" else self.rows(self.directory / "starts.db")

    def expected(self):
        self.replay(self.rules, self.logs, "--to", "ndjson:expected", status=3)
        return (self.directory / "expected").read_bytes()

    def starts(self):
        return (self.directory / "starts").read_bytes()

    def test_the_first_time_it_starts_at_the_beginning(self):
        summary = self.replay_resumed()
        self.assertEqual(summary["started"], STARTS)
        self.assertTrue(self.starts() == self.expected(), "not the bytes of another replay")

    def test_a_replay_that_has_ended_has_nothing_left_to_do(self):
        for sink in ("ndjson:starts", "local:store"):
            self.replay_resumed(sink=sink)
            before = [path.read_bytes() for path in (self.directory / "starts",) if path.exists()]
            summary = self.replay_resumed(sink=sink, status=(0, 3))
            self.assertEqual((summary["started"], summary["duplicates"]), (0, 0))
            self.assertEqual([path.read_bytes() for path in (self.directory / "starts",) if path.exists()], before)

    def test_an_interrupted_replay_goes_on_where_it_was(self):
        for sink in ("ndjson:starts", "local:starts.db"):
            with self.subTest(sink=sink):
                self.cut_short(sink)
                summary = self.replay_resumed(sink=sink, status=(0, 3))
                self.assertLess(summary["started"], STARTS)
                self.assertEqual(summary["duplicates"], 0)
                if sink == "ndjson:starts":
                    self.assertTrue(sorted(self.starts().splitlines()) == sorted(self.expected().splitlines()), "other starts")
                    self.assertTrue(self.starts() == self.expected(), "the same starts in another order")
                else:
                    self.assertEqual(len(self.rows(self.directory / "starts.db")), STARTS)

    def test_a_full_disk_ends_it_and_room_goes_on(self):
        self.fill_disk("ndjson:starts")
        self.assertLessEqual(len(self.starts()), 14 << 20)
        self.replay_resumed(status=(0, 3))
        self.assertTrue(self.starts() == self.expected(), "not the bytes of an uninterrupted replay")

    def test_a_full_disk_of_a_store_ends_it_and_room_goes_on(self):
        self.fill_disk("local:starts.db")
        self.assert_store_is_whole(self.directory / "starts.db")
        self.replay_resumed(sink="local:starts.db", status=(0, 3))
        self.assertEqual({row["name"] for row in self.rows(self.directory / "starts.db", "SELECT name FROM executions")},
                         {json.loads(line)["name"] for line in self.expected().splitlines()})
        self.assertEqual(len(self.rows(self.directory / "starts.db", "SELECT name FROM executions")), STARTS)

    def test_without_resume_it_starts_over(self):
        self.cut_short()
        self.assertEqual(self.replay(self.rules, self.logs, "--to", "ndjson:starts", status=3)["started"], STARTS)
        self.assertTrue(self.starts() == self.expected(), "not the bytes of an uninterrupted replay")

    def test_rules_that_changed_are_refused_unless_accepted(self):
        for sink in ("ndjson:starts", "local:starts.db"):
            with self.subTest(sink=sink):
                self.cut_short(sink)
                other = self.write_rules(rule("all", InputPath="$.detail"), name="other.json")
                before = self.content(sink)
                self.refused("replay", "--rules", other, self.logs, "--to", sink, "--resume", message="[Rr]ules")
                self.assertEqual(self.content(sink), before)
                self.replay_resumed("--accept-changes", rules=other, sink=sink, status=(0, 3))

    def test_a_finished_input_that_changed_is_refused_unless_accepted(self):
        first = self.directory / "logs/0.json"
        content = first.read_bytes()
        for sink in ("ndjson:starts", "local:starts.db"):
            for change in (content + records(1, 90000).encode(), content[:-100], content.replace(b"PutObject", b"PutXbject", 1)):
                with self.subTest(sink=sink, bytes=len(change)):
                    for path in self.directory.glob("starts*"):
                        path.unlink()
                    first.write_bytes(content)
                    self.cut_short(sink)
                    first.write_bytes(change)
                    # A change that keeps the size is seen by the time of modification.
                    os.utime(first, ns=(time.time_ns(), first.stat().st_mtime_ns + 2_000_000_000))
                    self.refused("replay", "--rules", self.rules, self.logs, "--to", sink, "--resume", message="0.json")
                    self.replay_resumed("--accept-changes", sink=sink, status=(0, 3))

    def test_a_finished_input_that_is_gone_is_refused_unless_accepted(self):
        self.cut_short()
        (self.directory / "logs/0.json").unlink()
        self.refused("replay", "--rules", self.rules, self.logs, "--to", "ndjson:starts", "--resume", message="0.json|changed|missing")

    def test_a_begun_input_that_is_gone_is_refused_unless_accepted(self):
        self.cut_short()
        begun = self.rows(self.directory / "starts.checkpoint", "SELECT path FROM checkpoint_inputs WHERE NOT finished")[0]["path"]
        os.rename(self.directory / begun, self.directory / "elsewhere.json")
        self.refused("replay", "--rules", self.rules, self.logs, "--to", "ndjson:starts", "--resume", message="begun")

    def test_a_begun_input_may_grow_but_not_begin_otherwise(self):
        content = records(RECORDS)
        self.logs = self.write("one.json", content)
        for sink, known in (("ndjson:starts", "starts.checkpoint"), ("local:starts.db", "starts.db")):
            with self.subTest(sink=sink):
                self.write("one.json", content)
                for _ in range(20):
                    self.cut_short(sink)
                    if self.rows(self.directory / known, "SELECT path FROM checkpoint_inputs WHERE NOT finished"):
                        break
                self.write("one.json", content.replace("PutObject", "PutXbject", 1) + "\n")
                self.refused("replay", "--rules", self.rules, self.logs, "--to", sink, "--resume", message="one.json")
                self.write("one.json", content + "\n")
                self.assertGreater(self.replay_resumed(sink=sink, status=(0, 3))["inputs_resumed"], 0)

    def test_a_checkpoint_of_another_sink_is_refused(self):
        self.replay_resumed("--checkpoint", "position")
        victim = self.write("victim", "what somebody else wrote\n" * 1000)
        self.refused("replay", "--rules", self.rules, self.logs, "--to", "ndjson:victim", "--resume", "--checkpoint", "position",
                     message="ndjson:")
        self.assertEqual(os.path.getsize(victim), 25_000)

    def test_a_sink_without_a_file_needs_a_checkpoint(self):
        for sink in ("null", "ndjson:-", "aws"):
            with self.subTest(sink=sink):
                done = self.run_command("replay", "--rules", self.rules, self.logs, "--to", sink, "--resume", status=(2, 4))
                self.assertIn("--checkpoint", done.stderr.decode())

    def test_the_checkpoint_lies_where_it_is_said(self):
        self.replay_resumed("--checkpoint", "position")
        self.assertTrue((self.directory / "position").exists())
        self.replay_resumed(sink="ndjson:others")
        self.assertTrue((self.directory / "others.checkpoint").exists())
        self.replay_resumed(sink="local:store")
        self.assertFalse((self.directory / "store.checkpoint").exists())

    def test_a_checkpoint_whose_starts_are_gone_is_not_believed(self):
        for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:1000])):
            for path in self.directory.glob("starts*"):
                path.unlink()
            self.cut_short()
            damage(self.directory / "starts")
            done = self.run_command("replay", "--rules", self.rules, self.logs, "--to", "ndjson:starts", "--resume", status=(0, 3, 4))
            if done.returncode != 4:
                self.assertTrue(self.starts() == self.expected(), "not the bytes of an uninterrupted replay")

    def test_a_checkpoint_that_is_broken_is_reported(self):
        self.cut_short()
        checkpoint = self.directory / "starts.checkpoint"
        content = checkpoint.read_bytes()
        flipped = bytearray(content)
        for at in range(4096, len(content), 4096):  # every page but the first
            flipped[at] ^= 0xff
        for broken in (b"", b"hello", content[: len(content) // 2], bytes(flipped)):
            checkpoint.write_bytes(broken)
            done = self.run_command("replay", "--rules", self.rules, self.logs, "--to", "ndjson:starts", "--resume", status=(3, 4))
            if done.returncode == 4:
                self.assertIn("checkpoint", done.stderr.decode())
                self.assertNotIn("no more rows", done.stderr.decode())
            else:
                self.assertTrue(self.starts() == self.expected(), "not the bytes of an uninterrupted replay")

    def test_an_interrupt_saves_the_position(self):
        answered = fault_server.slow(0.02)
        server = FaultServer(lambda request: answered)
        server.__enter__()
        self.addCleanup(server.__exit__)
        logs = self.write("few", records(2000))
        command = ("replay", "--rules", self.rules, logs, "--to", "aws", "--endpoint-url", server.url, "--start-rate", "1M",
                   "--resume", "--checkpoint", "position", "--json")
        with Running(self, *command) as running:
            while server.request_count < 300 and running.process.poll() is None:
                time.sleep(0.01)
            running.interrupt()
            self.assert_status(running.wait(timeout=30), 130)
        self.assertLess(len(server.started), 2200)
        summary = self.summary(self.run_command(*command))
        self.assertEqual(len(server.started), 2200)
        # What was in flight was waited for and is in the position: nearly nothing is asked for again.
        self.assertEqual((summary["failed"], server.faults), (0, []))
        self.assertLessEqual(server.request_count, 2200 + 2 * 64)

    def test_any_number_of_workers_may_go_on(self):
        self.cut_short()
        self.replay_resumed("--threads", "8", status=(0, 3))
        self.assertTrue(self.starts() == self.expected(), "not the bytes of an uninterrupted replay")


if __name__ == "__main__":
    replay_case.main()
