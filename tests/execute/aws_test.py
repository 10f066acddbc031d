"""The aws sink against a server that misbehaves: what is started, tried again, given up, and how fast it is asked.

The server acts as a standard state machine does, so whatever happens on the way, in the end every start of the input is
there once or in the dead letters.
"""
import collections
import json
import os
import socket
import time
import unittest

import fault_server
import replay_case
from fault_server import FaultServer, always, first, slow
from replay_case import KEYS, MACHINE, ReplayCase, Running, record, records, rule


def fast(arguments):
    """The arguments, with short waits between attempts where they say nothing else."""
    return arguments if "--retry-base" in arguments else (*arguments, "--retry-base", "5ms")


class AwsCase(ReplayCase):
    def setUp(self):
        super().setUp()
        self.environment.update(KEYS)
        self.rules = self.write_rules(rule())

    def serve(self, plan=always(fault_server.ok), **options):
        server = FaultServer(plan, **options)
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def replay_to(self, server, count=20, *arguments, rules=None, status=0, **options):
        path = self.write("input", records(count))
        return self.replay(rules or self.rules, path, "--to", "aws", "--endpoint-url", server.url,
                           *fast(arguments), status=status, **options)

    def expected(self, count, rules=None):
        """The starts that a replay of `count` records asks for, by the ndjson sink: {(machine, name): input}."""
        self.replay(rules or self.rules, self.write("expected-input", records(count)), "--to", "ndjson:expected")
        starts = self.ndjson(self.directory / "expected")
        expected = {(start["stateMachineArn"], start["name"]): start["input"] for start in starts}
        self.assertEqual(len(expected), len(starts))
        return expected

    def assert_started(self, server, expected, faults=()):
        self.assertEqual(server.faults, list(faults))
        self.assertEqual({key: json.loads(text) for key, text in server.started.items()}, expected)


class Beside(AwsCase):
    def test_a_start_that_is_tried_again_does_not_keep_the_others(self):
        count = 6000
        doomed = min(name for _, name in self.expected(count))
        server = self.serve(lambda request: fault_server.error(500, "InternalServerError") if request.name == doomed else fault_server.ok)
        rules = self.write_rules(rule(RetryPolicy={"MaximumRetryAttempts": 4}))
        summary = self.replay_to(server, count, "--retry-base", "1s", "--start-rate", "1M", "--dead-letters", "dead", "--in-flight", "8",
                                 rules=rules, status=3)
        self.assertEqual((summary["started"], summary["failed"]), (count - 1, 1))
        others = [request.time for request in server.requests if request.name != doomed]
        last = max(request.time for request in server.requests if request.name == doomed)
        self.assertLess(max(others), last, "the doomed start was given up before the others were started")


class Paths(AwsCase):
    def test_an_endpoint_may_have_a_path_which_is_signed(self):
        server = self.serve()
        self.replay(self.rules, self.write("in", records(3)), "--to", "aws", "--endpoint-url", server.url + "/base/sfn/")
        self.assertEqual((server.faults, len(server.started)), ([], 3))
        self.assertEqual({request.path for request in server.requests}, {"/base/sfn/"})


class Regions(AwsCase):
    def test_a_region_that_is_none_is_refused_before_the_first_start(self):
        rules = self.write_rules(rule(arn=MACHINE.replace("us-east-2", "us-eest-2")))
        done = self.run_command("replay", "--rules", rules, self.write("in", records(20)), "--to", "aws", "--dead-letters", "dead", status=4)
        self.assertIn(b"us-eest-2", done.stderr)
        self.assertEqual((self.directory / "dead").read_bytes(), b"")

    def test_what_an_answer_says_does_not_steer_the_terminal(self):
        server = self.serve(lambda request: fault_server.error(400, "InvalidName", "\x1b[2Jgone"))
        path = self.write("in", records(1))
        done = self.run_command("replay", "--rules", self.rules, path, "--to", "aws", "--endpoint-url", server.url, status=3)
        self.assertIn(b"gone", done.stderr)
        self.assertNotIn(b"\x1b[2J", done.stderr)


class Requests(AwsCase):
    def test_each_start_is_one_signed_request_with_the_input_of_the_event(self):
        server = self.serve()
        summary = self.replay_to(server, 50)
        self.assert_started(server, self.expected(50))
        self.assertEqual((summary["starts"], summary["started"], server.request_count), (50, 50, 50))
        for request in server.requests:
            self.assertLessEqual(set(request.members), {"stateMachineArn", "name", "input", "traceHeader"})
            self.assertRegex(request.name, r"\A[0-9A-Za-z_-]{1,80}\Z")

    def test_inputs_beyond_ascii_arrive_as_they_are(self):
        key = 'ü€😀 "quoted" \\ \n \t \u0001 </script>'
        server = self.serve()
        path = self.write("odd", json.dumps(record(1, requestParameters={"bucketName": "b", "key": key})))
        self.replay(self.rules, path, "--to", "aws", "--endpoint-url", server.url)
        self.assertEqual(server.faults, [])
        (text,) = server.started.values()
        self.assertEqual(json.loads(text)["detail"]["requestParameters"]["key"], key)

    def test_an_input_of_a_quarter_megabyte_arrives(self):
        server = self.serve()
        large = {"id": "large", "detail-type": "t", "source": "aws.s3", "time": "2024-01-01T00:00:00Z", "region": "us-east-2",
                 "account": "123456789012", "resources": [], "detail": {"v": "x" * 262142}}
        rules = self.write_rules(rule(InputPath="$.detail.v"))
        self.replay(rules, self.write("large", json.dumps(large)), "--to", "aws", "--endpoint-url", server.url)
        self.assertEqual(server.faults, [])
        self.assertEqual([len(text) for text in server.started.values()], [262144])

    def test_the_region_of_the_scope_is_that_of_the_machine(self):
        # The server checks the scope against the machine's ARN.
        server = self.serve()
        regions = ("us-east-2", "eu-west-1", "ap-southeast-1")
        rules = self.write_rules(*(rule(region, arn=MACHINE.replace("us-east-2", region)) for region in regions))
        summary = self.replay_to(server, 5, rules=rules)
        self.assertEqual(summary["started"], 15)
        self.assert_started(server, self.expected(5, rules))

    def test_versions_and_aliases_of_a_machine_are_targets(self):
        server = self.serve()
        rules = self.write_rules(rule("version", arn=MACHINE + ":7"), rule("alias", arn=MACHINE + ":prod"))
        self.replay_to(server, 2, rules=rules)
        self.assertEqual({machine for machine, _ in server.started}, {MACHINE + ":7", MACHINE + ":prod"})

    def test_connections_are_kept_and_bounded(self):
        server = self.serve()
        self.replay_to(server, 1000, "--start-rate", "1M", "--in-flight", "16")
        self.assertEqual(len(server.started), 1000)
        self.assertLessEqual(server.connection_count, 32)

    def test_in_flight_bounds_what_is_asked_at_once(self):
        server = self.serve(always(slow(0.03)))
        self.replay_to(server, 60, "--in-flight", "4", "--start-rate", "1M")
        self.assertEqual((len(server.started), server.pending_max), (60, 4))
        server = self.serve(always(slow(0.1)))
        self.replay_to(server, 300, "--start-rate", "1M")
        self.assertEqual((len(server.started), server.pending_max), (300, 64))

    def test_a_replay_of_what_was_started_counts_duplicates(self):
        server = self.serve(closed=True)
        self.replay_to(server, 20)
        summary = self.replay_to(server, 30)
        self.assertEqual((summary["started"], summary["duplicates"], summary["failed"]), (10, 20, 0))
        self.assertEqual(len(server.started), 30)

    def test_many_starts_arrive_once_each(self):
        server = self.serve(verify=False, keep_requests=False)
        summary = self.replay_to(server, 20000, "--start-rate", "1M", "--threads", "2")
        self.assertEqual((summary["started"], len(server.started), server.request_count), (20000, 20000, 20000))

    def test_records_that_match_nothing_ask_for_nothing(self):
        server = self.serve()
        rules = self.write_rules(rule(pattern={"source": ["aws.nothing"]}))
        self.assertEqual(self.replay_to(server, 10, rules=rules)["starts"], 0)
        self.assertEqual(server.request_count, 0)


class Faults(AwsCase):
    """The table of errors. Every fault that may pass is tried again until the start is there."""

    def test_faults_that_pass_are_tried_again(self):
        behaviours = (fault_server.throttled, fault_server.limit_exceeded, fault_server.kms_throttled, fault_server.internal_failure,
                      fault_server.unavailable, fault_server.bad_gateway, fault_server.reset, fault_server.half_closed,
                      fault_server.garbage, fault_server.noise, fault_server.started_then_reset, fault_server.started_then_500,
                      fault_server.cut, fault_server.ok_then_closed)
        expected = self.expected(12)
        for behaviour in behaviours:
            with self.subTest(fault=behaviour.__name__):
                server = self.serve(first(2, behaviour))
                summary = self.replay_to(server, 12)
                self.assert_started(server, expected)
                self.assertEqual((summary["started"] + summary["duplicates"], summary["failed"]), (12, 0))
                if behaviour is not fault_server.ok_then_closed:
                    self.assertEqual(server.request_count, 36)

    def test_a_start_whose_answer_was_lost_is_a_duplicate_where_the_execution_has_closed(self):
        server = self.serve(first(1, fault_server.started_then_reset), closed=True)
        summary = self.replay_to(server, 12)
        self.assert_started(server, self.expected(12))
        self.assertEqual((summary["started"], summary["duplicates"], summary["failed"]), (0, 12, 0))

    def test_the_same_name_and_input_in_every_attempt(self):
        server = self.serve(first(3, fault_server.throttled))
        self.replay_to(server, 10)
        inputs = collections.defaultdict(set)
        for request in server.requests:
            inputs[request.machine, request.name].add(request.input)
        self.assertEqual([len(texts) for texts in inputs.values()], [1] * 10)

    def test_a_mix_of_faults_loses_and_doubles_nothing(self):
        mix = (fault_server.ok, fault_server.throttled, fault_server.ok, fault_server.started_then_reset, fault_server.ok, fault_server.reset,
               fault_server.internal_failure, fault_server.garbage, fault_server.cut, fault_server.half_closed,
               slow(0.02), slow(0.02, fault_server.throttled), fault_server.ok_then_closed, fault_server.started_then_500)
        server = self.serve(lambda request: mix[(request.number * 7919 + request.attempt) % len(mix)] if request.attempt < 6 else fault_server.ok)
        summary = self.replay_to(server, 1000, "--start-rate", "1M", "--dead-letters", "dead")
        self.assert_started(server, self.expected(1000))
        self.assertEqual(summary["failed"], 0)

    def test_an_answer_that_never_comes_is_tried_again_after_the_request_timeout(self):
        server = self.serve(first(1, fault_server.never))
        began = time.monotonic()
        summary = self.replay_to(server, 8, "--request-timeout", "300ms")
        self.assert_started(server, self.expected(8))
        self.assertEqual((summary["started"], server.request_count), (8, 16))
        self.assertGreater(time.monotonic() - began, 0.28)
        for request in server.requests:
            if request.attempt == 2:
                before = next(other for other in server.requests if other.name == request.name)
                self.assertGreater(request.time - before.time, 0.28)

    def test_a_slow_answer_is_waited_for(self):
        server = self.serve(always(slow(0.4)))
        summary = self.replay_to(server, 8, "--request-timeout", "5s")
        self.assertEqual((summary["started"], server.request_count), (8, 8))

    def give_up(self, plan, code, attempts, condition, *arguments, rules=None, count=5, server=None):
        """Replays, expects every start in the dead letters after so many attempts, and gives the letters."""
        server = server or self.serve(plan)
        (self.directory / "dead").unlink(missing_ok=True)
        summary = self.replay_to(server, count, "--dead-letters", "dead", *arguments, rules=rules, status=3)
        letters = self.dead_letters(self.directory / "dead")
        self.assertEqual((summary["started"], summary["failed"], len(letters)), (0, count, count))
        codes = {letter["ERROR_CODE"] for letter in letters}
        self.assertEqual(len(codes), 1, codes)
        self.assertEqual(summary["failures"], {codes.pop(): count})
        for letter in letters:
            self.assertIn(letter["ERROR_CODE"], code if isinstance(code, tuple) else (code,))
            self.assertEqual(letter.get("EXHAUSTED_RETRY_CONDITION"), condition)
            self.assertEqual(letter["RETRY_ATTEMPTS"], attempts - 1)
        expected = self.expected(count, rules)
        self.assertEqual({(letter["stateMachineArn"], letter["name"]): letter["input"] for letter in letters}, expected)
        self.assertEqual(dict(collections.Counter((request.machine, request.name) for request in server.requests)),
                         dict.fromkeys(expected, attempts))
        return letters

    def test_permanent_errors_are_given_up_at_once(self):
        for behaviour, code in ((fault_server.no_machine, "NO_RESOURCE"), (fault_server.deleting, "NO_RESOURCE"),
                                (fault_server.access_denied, "NO_PERMISSIONS"), (fault_server.invalid_input, "INVALID_JSON"),
                                (fault_server.invalid_name, "INVALID_PARAMETER"), (fault_server.invalid_arn, "INVALID_PARAMETER"),
                                (fault_server.validation, "INVALID_PARAMETER"),
                                (fault_server.kms_denied, ("NO_PERMISSIONS", "ERROR_FROM_TARGET", "SDK_CLIENT_ERROR"))):
            with self.subTest(error=behaviour.__name__):
                letters = self.give_up(always(behaviour), code, 1, None)
                # AWS's own words are what a person looks for.
                words = {"AccessDeniedException": "not authorized", "StateMachineDoesNotExist": "State Machine Does Not Exist"}
                self.assertIn(words.get(behaviour.__name__, ""), letters[0]["ERROR_MESSAGE"])

    def test_the_members_of_a_dead_letter(self):
        letter = self.give_up(always(fault_server.no_machine), "NO_RESOURCE", 1, None)[0]
        self.assertEqual(letter["RULE_ARN"], "arn:aws:events:us-east-2:123456789012:rule/s3")
        self.assertEqual((letter["TARGET_ARN"], letter["rule"], letter["target"]), (MACHINE, "s3", "1"))
        self.assertEqual((letter["eventId"], letter["eventTime"]), (letter["input"]["id"], "2024-01-01T00:00:00Z"))

    def test_the_attempts_of_the_retry_policy_are_kept(self):
        for attempts in (0, 1, 3):
            rules = self.write_rules(rule(RetryPolicy={"MaximumRetryAttempts": attempts}))
            for behaviour, code in ((fault_server.throttled, "THROTTLING"), (fault_server.internal_failure, "ERROR_FROM_TARGET"),
                                    (fault_server.unavailable, "ERROR_FROM_TARGET"), (fault_server.reset, "CONNECTION_FAILURE"),
                                    (fault_server.half_closed, "CONNECTION_FAILURE"),
                                    (fault_server.limit_exceeded, "RESOURCE_LIMIT_EXCEEDED"),
                                    (fault_server.garbage, ("ERROR_FROM_TARGET", "UNKNOWN", "SDK_CLIENT_ERROR"))):
                with self.subTest(attempts=attempts, fault=behaviour.__name__):
                    self.give_up(always(behaviour), code, attempts + 1, "MaximumRetryAttempts", rules=rules)

    def test_a_server_that_never_answers_is_a_timeout(self):
        rules = self.write_rules(rule(RetryPolicy={"MaximumRetryAttempts": 1}))
        self.give_up(always(fault_server.never), "TIMEOUT", 2, "MaximumRetryAttempts", "--request-timeout", "200ms", rules=rules)

    def test_185_retries_without_a_policy(self):
        self.give_up(always(fault_server.internal_failure), "ERROR_FROM_TARGET", 186, "MaximumRetryAttempts", "--retry-base", "0ms", count=1)

    def test_each_target_has_its_own_policy(self):
        server = self.serve(always(fault_server.throttled))
        rules = self.write_rules(rule("once", RetryPolicy={"MaximumRetryAttempts": 0}), rule("thrice", RetryPolicy={"MaximumRetryAttempts": 2}))
        self.replay_to(server, 4, "--dead-letters", "dead", rules=rules, status=3)
        attempts = {(letter["rule"], letter["RETRY_ATTEMPTS"]) for letter in self.dead_letters(self.directory / "dead")}
        self.assertEqual(attempts, {("once", 0), ("thrice", 2)})
        self.assertEqual(server.request_count, 4 + 12)

    def test_the_age_of_a_start_is_not_that_of_its_event(self):
        # The events are years old; EventBridge counts from when it took the event.
        server = self.serve(first(2, fault_server.throttled))
        rules = self.write_rules(rule(RetryPolicy={"MaximumEventAgeInSeconds": 60}))
        self.assertEqual(self.replay_to(server, 5, rules=rules)["started"], 5)

    @unittest.skipUnless(os.environ.get("MILLRACE_SLOW"), "skipped: takes a minute; set MILLRACE_SLOW=1")
    def test_the_age_of_the_retry_policy_is_kept(self):
        server = self.serve(always(fault_server.throttled))
        rules = self.write_rules(rule(RetryPolicy={"MaximumEventAgeInSeconds": 60}))
        began = time.monotonic()
        self.replay_to(server, 2, "--dead-letters", "dead", "--retry-base", "1s", rules=rules, status=3, timeout=120)
        self.assertLess(55, time.monotonic() - began)
        self.assertLess(time.monotonic() - began, 90)
        letters = self.dead_letters(self.directory / "dead")
        self.assertEqual({letter["EXHAUSTED_RETRY_CONDITION"] for letter in letters}, {"MaximumEventAgeInSeconds"})

    def test_one_start_that_fails_does_not_stop_the_others(self):
        expected = self.expected(40)
        failing = set(list(expected)[::4])
        server = self.serve(lambda request: fault_server.no_machine if (request.machine, request.name) in failing else fault_server.ok)
        summary = self.replay_to(server, 40, "--dead-letters", "dead", status=3)
        self.assertEqual((summary["started"], summary["failed"], summary["failures"]), (30, 10, {"NO_RESOURCE": 10}))
        self.assert_started(server, {key: value for key, value in expected.items() if key not in failing})
        self.assertEqual({(letter["stateMachineArn"], letter["name"]) for letter in self.dead_letters(self.directory / "dead")}, failing)

    def test_without_a_dead_letter_file_the_first_of_each_kind_is_shown(self):
        server = self.serve(lambda request: fault_server.no_machine if request.number % 2 else fault_server.access_denied)
        path = self.write("input", records(10))
        done = self.run_command("replay", "--rules", self.rules, path, "--to", "aws", "--endpoint-url", server.url, status=3)
        text = done.stderr.decode()
        for code, words in (("NO_RESOURCE", "State Machine Does Not Exist"), ("NO_PERMISSIONS", "not authorized")):
            self.assertIn(code, text)
            self.assertIn(words, text)
        self.assertLessEqual(text.count("State Machine Does Not Exist"), 2)

    def test_back_off_grows_with_full_jitter(self):
        server = self.serve(first(4, fault_server.throttled))
        began = time.monotonic()
        self.replay_to(server, 60, "--retry-base", "50ms", "--start-rate", "1M")
        # 50, 100, 200 and 400 ms at most: 750 ms in all, and with full jitter the mean is half of it.
        self.assertLess(time.monotonic() - began, 5)
        waits = collections.defaultdict(list)
        last = {}
        for request in server.requests:
            if request.attempt > 1:
                waits[request.attempt].append(request.time - last[request.name])
            last[request.name] = request.time
        means = [sum(waits[attempt]) / len(waits[attempt]) for attempt in (2, 3, 4, 5)]
        self.assertGreater(means[3], 2 * means[0], means)
        self.assertLess(min(waits[5]), 0.15, "no jitter")
        self.assertGreater(max(waits[5]) - min(waits[5]), 0.1, "no jitter")
        # Scheduling adds some; the upper bounds leave room for it.
        self.assertLess(max(waits[2]), 0.05 + 0.3)

    def test_an_endpoint_that_refuses_connections(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        rules = self.write_rules(rule(RetryPolicy={"MaximumRetryAttempts": 2}))
        done = self.run_command("replay", "--rules", rules, self.write("input", records(3)), "--to", "aws", "--endpoint-url", url,
                                "--dead-letters", "dead", "--retry-base", "5ms", "--json", status=(3, 4))
        if done.returncode == 4:
            self.assertIn("127.0.0.1", done.stderr.decode())
        else:
            self.assertEqual(self.summary(done)["failures"], {"CONNECTION_FAILURE": 3})
            self.assertEqual({letter["RETRY_ATTEMPTS"] for letter in self.dead_letters(self.directory / "dead")}, {2})

    def test_an_endpoint_that_comes_back(self):
        down = time.monotonic() + 0.5
        server = self.serve(lambda request: fault_server.reset if time.monotonic() < down else fault_server.ok)
        self.assertEqual(self.replay_to(server, 30, "--retry-base", "20ms")["started"], 30)
        self.assert_started(server, self.expected(30))


class Rates(AwsCase):
    """What the client asks for is bounded by a bucket for each account and region."""

    def check_rate(self, server, bucket, rate, least_seconds, most_seconds):
        times = [request.time - server.requests[0].time for request in server.requests]
        for count, seconds in enumerate(times, 1):
            # A tenth of slack for a clock that is not the client's.
            self.assertLessEqual(count, (bucket + rate * seconds) * 1.1 + 5, f"{count} requests in {seconds:.3f} s")
        self.assertLess(least_seconds, times[-1])
        self.assertLess(times[-1], most_seconds)

    def test_the_published_quota_is_the_default(self):
        server = self.serve(verify=False)
        self.replay_to(server, 950)
        self.check_rate(server, 800, 150, 0.8, 4)
        server = self.serve(verify=False)
        self.replay_to(server, 1600, rules=self.write_rules(rule(arn=MACHINE.replace("us-east-2", "us-west-2"))))
        self.check_rate(server, 1300, 300, 0.8, 4)

    def test_start_rate_is_kept(self):
        server = self.serve()
        self.replay_to(server, 200, "--start-rate", "100")
        # A bucket of one second at most.
        self.check_rate(server, 100, 100, 0.8, 4)

    def test_accounts_and_regions_have_buckets_of_their_own(self):
        server = self.serve()
        rules = self.write_rules(rule("a"), rule("b", arn=MACHINE.replace("us-east-2", "eu-west-1")),
                                 rule("c", arn=MACHINE.replace("123456789012", "210987654321")))
        self.replay_to(server, 150, "--start-rate", "100", rules=rules)
        self.assertEqual(len(server.started), 450)
        # One bucket for all would take 3.5 s at least.
        self.check_rate(server, 300, 300, 0.2, 3)

    def test_two_machines_of_a_region_share_a_bucket(self):
        server = self.serve()
        rules = self.write_rules(rule("a"), rule("b", arn=MACHINE + "2"))
        self.replay_to(server, 100, "--start-rate", "100", rules=rules)
        self.check_rate(server, 100, 100, 0.8, 4)


class Credentials(AwsCase):
    def setUp(self):
        super().setUp()
        for name in KEYS:
            del self.environment[name]

    def keys(self, access="AKIDFILE", secret="secret/of+the=file", token=None):
        lines = [f"aws_access_key_id = {access}", f"aws_secret_access_key={secret}"]
        return "\n".join(lines + ([f"aws_session_token = {token}"] if token else [])) + "\n"

    def check(self, access, secret, token=None):
        """One replay whose requests are signed with these."""
        server = self.serve(credentials={access: (secret, token)})
        summary = self.replay_to(server, 3)
        self.assertEqual(server.faults, [])
        self.assertEqual((summary["started"], server.request_count), (3, 3))

    def test_from_the_environment(self):
        self.environment.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="s")
        self.check("AKIDENV", "s")
        self.environment.update(AWS_SESSION_TOKEN="token+/==")
        self.check("AKIDENV", "s", "token+/==")

    def test_from_the_default_profile_of_the_home_directory(self):
        self.write("home/.aws/credentials", "[other]\n" + self.keys("NO", "no") + "\n[default]\n" + self.keys())
        self.check("AKIDFILE", "secret/of+the=file")

    def test_from_a_profile_of_a_credentials_file(self):
        path = self.write("elsewhere", "# comment\n[default]\n" + self.keys("NO", "no") + "\n[dev]\n" + self.keys(token="t"))
        self.environment.update(AWS_SHARED_CREDENTIALS_FILE=path, AWS_PROFILE="dev")
        self.check("AKIDFILE", "secret/of+the=file", "t")

    def test_from_a_profile_of_the_config_file(self):
        path = self.write("config", "[default]\nregion = us-east-2\n[profile dev]\nregion=us-east-2\n" + self.keys())
        self.environment.update(AWS_CONFIG_FILE=path, AWS_PROFILE="dev")
        self.check("AKIDFILE", "secret/of+the=file")

    def test_the_environment_comes_before_files(self):
        self.write("home/.aws/credentials", "[default]\n" + self.keys())
        self.environment.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="s")
        self.check("AKIDENV", "s")

    def test_no_credentials_is_said_before_the_first_start(self):
        server = self.serve()
        arguments = ("replay", "--rules", self.rules, self.write("input", records(3)), "--to", "aws", "--endpoint-url", server.url)
        self.refused(*arguments, message="[Cc]redentials")
        self.write("home/.aws/credentials", "[other]\n" + self.keys())
        self.refused(*arguments, message="[Cc]redentials")
        self.environment.update(AWS_PROFILE="missing")
        self.refused(*arguments, message="missing|[Cc]redentials")
        self.environment.update(AWS_ACCESS_KEY_ID="half")
        self.refused(*arguments, message="[Cc]redentials|AWS_SECRET_ACCESS_KEY|missing")
        self.assertEqual(server.connection_count, 0)

    def test_the_secret_is_never_printed(self):
        self.environment.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="very-secret", AWS_SESSION_TOKEN="very-token")
        server = self.serve(always(fault_server.access_denied), credentials={"AKIDENV": ("another", "very-token")})
        done = self.run_command("replay", "--rules", self.rules, self.write("input", records(3)), "--to", "aws", "--endpoint-url",
                                server.url, "--dead-letters", "dead", "--retry-base", "5ms", status=3)
        for text in (done.stdout + done.stderr, (self.directory / "dead").read_bytes()):
            self.assertNotIn(b"very-", text)

    def test_credentials_that_expire_are_read_again(self):
        path = self.write("home/.aws/credentials", "[default]\n" + self.keys("AKIDOLD", "old", "old-token"))
        fresh = "[default]\n" + self.keys("AKIDNEW", "new", "new-token")

        def plan(request):
            if request.number > 20 and request.access_key == "AKIDOLD":
                # In place of the old file at once, as the tools that write it do.
                os.replace(self.write("fresh", fresh), path)
                return fault_server.expired_token
            return fault_server.ok

        server = self.serve(plan, credentials={"AKIDOLD": ("old", "old-token"), "AKIDNEW": ("new", "new-token")})
        summary = self.replay_to(server, 200, "--in-flight", "8")
        self.assert_started(server, self.expected(200))
        self.assertEqual((summary["started"], summary["failed"]), (200, 0))
        self.assertEqual({request.access_key for request in server.requests}, {"AKIDOLD", "AKIDNEW"})

    def test_credentials_that_stay_expired_are_given_up(self):
        self.environment.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="t")
        server = self.serve(always(fault_server.expired_token), credentials={"AKIDENV": ("s", "t")})
        done = self.run_command("replay", "--rules", self.rules, self.write("input", records(10)), "--to", "aws", "--endpoint-url",
                                server.url, "--dead-letters", "dead", "--retry-base", "5ms", "--json", status=(3, 4))
        self.assertIn("expired", (done.stderr.decode() + (self.directory / "dead").read_text()).lower())
        self.assertLessEqual(server.request_count, 40)

    def test_a_signature_that_is_refused_is_given_up(self):
        self.environment.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="wrong")
        server = self.serve(credentials={"AKIDENV": ("right", None)})
        summary = self.replay_to(server, 5, "--dead-letters", "dead", status=3)
        self.assertEqual((summary["started"], summary["failed"], len(server.started)), (0, 5, 0))
        self.assertLessEqual(server.request_count, 20)


class Endpoints(AwsCase):
    def test_the_option_comes_before_the_services_variable_and_that_before_the_general_one(self):
        option, service, general = self.serve(), self.serve(), self.serve()
        self.environment.update(AWS_ENDPOINT_URL=general.url)
        arguments = (self.rules, self.write("input", records(2)), "--to", "aws")
        self.replay(*arguments)
        self.assertEqual([len(server.started) for server in (option, service, general)], [0, 0, 2])
        self.environment.update(AWS_ENDPOINT_URL_SFN=service.url)
        self.replay(*arguments)
        self.assertEqual([len(server.started) for server in (option, service, general)], [0, 2, 2])
        self.replay(*arguments, "--endpoint-url", option.url)
        self.assertEqual([len(server.started) for server in (option, service, general)], [2, 2, 2])

    def test_a_slash_at_the_end_of_the_endpoint_changes_nothing(self):
        server = self.serve()
        self.replay(self.rules, self.write("input", records(2)), "--to", "aws", "--endpoint-url", server.url + "/")
        self.assertEqual((server.faults, len(server.started)), ([], 2))

    def test_an_endpoint_that_is_no_url_and_an_arn_without_a_known_region_are_refused(self):
        path = self.write("input", records(2))
        self.refused("replay", "--rules", self.rules, path, "--to", "aws", "--endpoint-url", "no url", message="endpoint|URL")
        server = self.serve()
        for region in ("nowhere", ""):
            rules = self.write_rules(rule(arn=MACHINE.replace("us-east-2", region)))
            self.refused("replay", "--rules", rules, path, "--to", "aws", "--endpoint-url", server.url, message="region|ARN")
        rules = self.write_rules(rule(arn="arn:aws:sqs:us-east-2:123456789012:queue"))
        self.refused("replay", "--rules", rules, path, "--to", "aws", "--endpoint-url", server.url, message="state machine|ARN")
        self.assertEqual(server.connection_count, 0)

    def test_a_proxy_of_the_environment_is_not_asked_for_loopback(self):
        server = self.serve()
        self.environment.update(no_proxy="127.0.0.1", http_proxy="http://127.0.0.1:9")
        self.assertEqual(self.replay_to(server, 2)["started"], 2)


class Interrupted(AwsCase):
    def interrupt(self, server, after, *arguments):
        path = self.write("input", records(3000))
        command = ("replay", "--rules", self.rules, path, "--to", "aws", "--endpoint-url", server.url, "--json", "--start-rate", "1M",
                   *fast(arguments))
        with Running(self, *command) as running:
            deadline = time.monotonic() + 20
            while server.request_count < after and time.monotonic() < deadline and running.process.poll() is None:
                time.sleep(0.01)
            running.interrupt()
            began = time.monotonic()
            done = running.wait(timeout=30)
        self.assert_status(done, 130)
        return self.summary(done), time.monotonic() - began

    def test_what_is_in_flight_is_waited_for(self):
        server = self.serve(always(slow(0.1)), keep_requests=False)
        summary, seconds = self.interrupt(server, 200)
        self.assertEqual(summary["started"], len(server.started))
        self.assertGreater(summary["started"], 0)
        self.assertGreater(summary["abandoned"], 0)
        self.assertEqual(summary["failed"], 0)
        self.assertLess(seconds, 11)

    def test_the_wait_is_bounded_by_drain_timeout(self):
        server = self.serve(lambda request: fault_server.ok if request.number <= 50 else fault_server.never)
        summary, seconds = self.interrupt(server, 60, "--drain-timeout", "300ms", "--request-timeout", "60s")
        self.assertEqual(summary["started"], len(server.started))
        self.assertGreater(summary["abandoned"], 0)
        self.assertLess(seconds, 5)

    def test_what_waits_for_its_next_attempt_does_not_hold_the_end_up(self):
        server = self.serve(always(fault_server.throttled), keep_requests=False)
        summary, seconds = self.interrupt(server, 70, "--retry-base", "20s", "--drain-timeout", "500ms")
        self.assertEqual(summary["started"], 0)
        self.assertLess(seconds, 5)


class Retry(AwsCase):
    """`executions retry FILE`: what a dead-letter file holds is started again."""

    def give_up_all(self, count=10, rules=None, behaviour=fault_server.no_machine):
        self.replay_to(self.serve(always(behaviour)), count, "--dead-letters", "dead", rules=rules, status=3)

    def test_what_was_given_up_starts_under_the_same_name_with_the_same_input(self):
        self.give_up_all()
        server = self.serve()
        done = self.run_command("executions", "retry", "dead", "--to", "aws", "--endpoint-url", server.url, "--json")
        self.assert_started(server, self.expected(10))
        summary = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((summary["started"], summary["failed"]), (10, 0))

    def test_what_fails_again_is_a_dead_letter_again(self):
        self.give_up_all()
        failing = {letter["name"] for letter in self.dead_letters(self.directory / "dead")[::2]}
        server = self.serve(lambda request: fault_server.access_denied if request.name in failing else fault_server.ok)
        self.run_command("executions", "retry", "dead", "--to", "aws", "--endpoint-url", server.url, "--dead-letters", "again", status=3)
        letters = self.dead_letters(self.directory / "again")
        self.assertEqual({letter["name"] for letter in letters}, failing)
        self.assertEqual({letter["ERROR_CODE"] for letter in letters}, {"NO_PERMISSIONS"})
        self.assertEqual({(letter["rule"], letter["target"], letter["RULE_ARN"]) for letter in letters},
                         {("s3", "1", "arn:aws:events:us-east-2:123456789012:rule/s3")})
        self.assertEqual(len(server.started), 5)

    def test_into_another_sink(self):
        self.give_up_all()
        self.run_command("executions", "retry", "dead", "--to", "ndjson:again")
        self.replay(self.rules, self.write("same", records(10)), "--to", "ndjson:direct")
        again, direct = (sorted(map(json.dumps, self.ndjson(self.directory / name))) for name in ("again", "direct"))
        self.assertEqual(again, direct)
        self.run_command("executions", "retry", "dead", "--to", "local:store")
        self.run_command("executions", "retry", "dead", "--to", "local:store")
        self.assertEqual({row["name"] for row in self.rows(self.directory / "store")},
                         {start["name"] for start in self.ndjson(self.directory / "direct")})
        self.assertEqual(len(self.rows(self.directory / "store")), 10)

    def test_what_could_never_start_fails_again_and_does_not_stop_the_others(self):
        both = self.write_rules(rule("bad", InputTransformer={"InputTemplate": "no <aws.events.rule-name>"}), rule("good"))
        self.give_up_all(3, rules=both)
        server = self.serve()
        self.run_command("executions", "retry", "dead", "--to", "aws", "--endpoint-url", server.url, status=3)
        self.assertEqual(len(server.started), 3)

    def test_a_file_that_holds_no_dead_letters_is_refused(self):
        self.refused("executions", "retry", self.directory / "missing", "--to", "ndjson:x", message="missing")
        self.run_command("executions", "retry", self.write("text", "hello\n"), "--to", "ndjson:x", status=(3, 4))


class TheServerItself(unittest.TestCase):
    """The judge is judged: published vectors, and a signer that is not its own where there is one."""

    def sign(self, method, headers, body=b""):
        canonical = fault_server.canonical_request(method, "/", "", headers, sorted(headers), body)
        return fault_server.signature(canonical, "20150830T123600Z", "us-east-1", "service", fault_server.SECRET_KEY)

    def test_its_signer_agrees_with_the_published_vectors(self):
        headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
        for added, expected in (
            ({}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            ({"my-header1": "value1"}, "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
            ({"my-header1": "VALUE1"}, "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
        ):
            self.assertEqual(self.sign("POST", {**headers, **added}), expected)

    def test_its_signer_agrees_with_botocore(self):
        try:
            import botocore.auth
            import botocore.awsrequest
            import botocore.credentials
        except ImportError:
            self.skipTest("skipped: botocore is not installed")
        body = json.dumps({"stateMachineArn": MACHINE, "name": "n", "input": "{}"}).encode()
        sent = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions.StartExecution"}
        request = botocore.awsrequest.AWSRequest("POST", "http://127.0.0.1:4566/", sent, body)
        keys = botocore.credentials.Credentials(fault_server.ACCESS_KEY, fault_server.SECRET_KEY, "token")
        botocore.auth.SigV4Auth(keys, "states", "us-east-2").add_auth(request)
        seen = fault_server.Request()
        seen.machine, seen.body = MACHINE, body
        seen.headers = {name.lower(): value for name, value in request.headers.items()}
        seen.headers["host"] = "127.0.0.1:4566"
        accepted = {fault_server.ACCESS_KEY: (fault_server.SECRET_KEY, "token")}
        seen.path = "/"
        self.assertIsNone(fault_server.signature_fault(seen, accepted))
        refused = {fault_server.ACCESS_KEY: ("another", "token")}
        self.assertIn("expected", fault_server.signature_fault(seen, refused))


if __name__ == "__main__":
    replay_case.main()
