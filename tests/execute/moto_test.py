"""The tutorial against a Step Functions that is not ours: moto's server, looked at with boto3.

Installs both into build/moto (once; MILLRACE_MOTO names another place) and skips, saying so, where that is not possible.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import replay_case
from replay_case import MACHINE, ReplayCase, record, rule

PLACE = Path(os.environ.get("MILLRACE_MOTO") or Path(__file__).resolve().parents[2] / "build" / "moto")
PACKAGES = ("moto[server,stepfunctions]", "boto3")
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

# Runs with the Python of the environment: one JSON request a line in, one answer a line out.
BOTO3 = """
import json, sys, boto3
for line in sys.stdin:
    request = json.loads(line)
    client = boto3.client("stepfunctions", endpoint_url=sys.argv[1], region_name=request["region"])
    try:
        answer = getattr(client, request["call"])(**request["arguments"])
    except client.exceptions.ClientError as failure:
        answer = {"error": failure.response["Error"]["Code"]}
    print(json.dumps(answer, default=str), flush=True)
"""
DEFINITION = json.dumps({"StartAt": "Hello", "States": {"Hello": {"Type": "Pass", "End": True}}})


def install():
    """The Python that has moto and boto3."""
    python = PLACE / "bin" / "python3"
    if (PLACE / "bin" / "moto_server").exists():
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", PLACE], check=True, capture_output=True, timeout=120)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True,
                       capture_output=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as failure:
        detail = (getattr(failure, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise unittest.SkipTest(f"skipped: moto cannot be installed: {detail[-1] if detail else failure}")
    return python


class Moto(ReplayCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        python = install()
        cls.log = tempfile.TemporaryFile()
        cls.addClassCleanup(cls.log.close)
        environment = {**os.environ, **KEYS, "AWS_DEFAULT_REGION": "us-east-2", "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen([PLACE / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stdout=cls.log, stderr=cls.log,
                                  env=environment)
        cls.addClassCleanup(cls.stop, server)
        cls.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(cls.url + "/moto-api/data.json", timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    cls.log.seek(0)
                    raise unittest.SkipTest(f"skipped: moto's server does not start: {cls.log.read()[-300:]}")
                time.sleep(0.2)
        cls.boto3 = subprocess.Popen([python, "-c", BOTO3, cls.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        cls.addClassCleanup(cls.stop, cls.boto3)

    @staticmethod
    def stop(process):
        process.terminate()
        process.wait(timeout=20)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

    def setUp(self):
        super().setUp()
        self.environment.update(KEYS)

    def call(self, operation, region="us-east-2", **arguments):
        self.boto3.stdin.write(json.dumps({"call": operation, "region": region, "arguments": arguments}) + "\n")
        self.boto3.stdin.flush()
        return json.loads(self.boto3.stdout.readline())

    def create(self, name, region="us-east-2"):
        answer = self.call("create_state_machine", region, name=name, definition=DEFINITION, roleArn="arn:aws:iam::123456789012:role/r")
        return answer["stateMachineArn"]

    def executions(self, machine, region="us-east-2"):
        """{name: input} of a machine, as boto3 lists and describes them."""
        listed = self.call("list_executions", region, stateMachineArn=machine)["executions"]
        return {execution["name"]: json.loads(self.call("describe_execution", region, executionArn=execution["executionArn"])["input"])
                for execution in listed}

    def replay_to_moto(self, rules, path, **options):
        return self.replay(rules, path, "--to", "aws", "--endpoint-url", self.url, "--retry-base", "5ms", **options)

    def test_the_tutorial(self):
        sample = replay_case.SHARED / "spec" / "s3-tutorial.txt"
        if not sample.exists():
            self.skipTest(f"skipped: {sample} missing")
        text = sample.read_text()
        expected = json.loads(text[text.rindex('{ "version": "0"') :])
        self.assertEqual(self.create("Helloworld"), MACHINE)
        pattern = {"source": ["aws.s3"], "detail-type": ["AWS API Call via CloudTrail"],
                   "detail": {"eventSource": ["s3.amazonaws.com"], "eventName": ["PutObject"],
                              "requestParameters": {"bucketName": ["username-sfn-tutorial"]}}}
        path = self.write("log", json.dumps({"Records": [expected["detail"], record(1)]}))
        summary = self.replay_to_moto(self.write_rules(rule("S3StepFunctions", pattern)), path)
        self.assertEqual((summary["started"], summary["failed"]), (1, 0))
        (found,) = self.executions(MACHINE).values()
        self.assertEqual(json.dumps(found), json.dumps({**expected, "id": found["id"]}))

    def test_each_start_is_an_execution_once_however_often_it_is_replayed(self):
        machine = self.create("Often")
        rules, path = self.write_rules(rule(arn=machine)), self.write("log", replay_case.records(40))
        self.replay(rules, path, "--to", "ndjson:starts")
        expected = {start["name"]: start["input"] for start in self.ndjson(self.directory / "starts")}
        self.assertEqual(self.replay_to_moto(rules, path)["started"], 40)
        self.assertEqual(self.executions(machine), expected)
        summary = self.replay_to_moto(rules, path)
        self.assertEqual((summary["started"] + summary["duplicates"], summary["failed"]), (40, 0))
        self.assertEqual(self.executions(machine), expected)

    def test_the_region_is_that_of_the_machine(self):
        machine = self.create("Europe", "eu-west-1")
        self.replay_to_moto(self.write_rules(rule(arn=machine)), self.write("log", replay_case.records(3)))
        self.assertEqual(len(self.executions(machine, "eu-west-1")), 3)

    def test_a_machine_that_does_not_exist_is_a_dead_letter_and_starts_once_it_does(self):
        machine = MACHINE.replace("Helloworld", "Later")
        rules = self.write_rules(rule(arn=machine))
        path = self.write("log", replay_case.records(5))
        summary = self.replay(rules, path, "--to", "aws", "--endpoint-url", self.url, "--dead-letters", "dead", status=3)
        self.assertEqual(summary["failures"], {"NO_RESOURCE": 5})
        letters = self.dead_letters(self.directory / "dead")
        self.assertEqual(self.create("Later"), machine)
        self.run_command("executions", "retry", "dead", "--to", "aws", "--endpoint-url", self.url)
        self.assertEqual(self.executions(machine), {letter["name"]: letter["input"] for letter in letters})


if __name__ == "__main__":
    replay_case.main()
