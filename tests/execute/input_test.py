"""What an execution gets as its input: Input, InputPath and InputTransformer, as EventBridge was recorded to treat them.

One table of targets, each a rule of its own; every case goes through `--to ndjson` and `--to local`, which must agree.
"""
import json

import replay_case
from replay_case import MACHINE, ReplayCase, records, rule

EVENT = {"version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "core.update-account-command",
         "source": "core.update-account-command", "account": "123456789012", "time": "2024-05-13T12:27:20Z",
         "region": "us-east-2", "resources": [],
         "detail": {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"},
                    "listsingle": ["HIGH"], "listmulti": ["ACTIVE", "INACTIVE"], "valid": True, "count": 3, "ratio": -1.50,
                    "a/b": 1, "dash-ed_1": "d", "items": [{"k": 1}, {"k": 2}], "quoted": 'say "hi"', "backslash": "a\\q",
                    "umlaut": "ü€😀", "markup": "<command>", "empty": {}}}
DETAIL = EVENT["detail"]
PATTERN = {"source": ["core.update-account-command"]}
WITHOUT_DETAIL = {"id": EVENT["id"], "account": EVENT["account"], "detailType": EVENT["detail-type"], "time": EVENT["time"],
                  "source": EVENT["source"], "region": EVENT["region"], "resources": [], "version": "0"}
PATHS = {"detail-type": "$.detail-type", "timestamp": "$.time", "command": "$.detail.command", "payload": "$.detail.payload",
         "single": "$.detail.listsingle", "multi": "$.detail.listmulti", "valid": "$.detail.valid", "count": "$.detail.count",
         "missing": "$.detail.notinmessage", "quoted": "$.detail.quoted", "backslash": "$.detail.backslash",
         "umlaut": "$.detail.umlaut", "item": "$.detail.items[1].k", "markup": "$.detail.markup", "empty": "$.detail.empty"}


def transformer(template, **paths):
    return {"InputTransformer": {"InputPathsMap": paths or PATHS, "InputTemplate": template}}


class Invalid:
    """A result that no state machine takes: a dead letter INVALID_JSON, whose text is `text` where that is known."""

    def __init__(self, text=None):
        self.text = text


CASES = {
    "without options, the whole event": ({}, EVENT),
    # Input
    "Input is a constant": ({"Input": '{"a": [1, 2.50, "x"]}'}, {"a": [1, 2.50, "x"]}),
    "Input over several lines": ({"Input": '{\n  "a": 1\n}\n'}, {"a": 1}),
    "Input may be a string": ({"Input": '"text"'}, "text"),
    "Input is not a template": ({"Input": '{"a": "<command> $.detail"}'}, {"a": "<command> $.detail"}),
    # InputPath
    "InputPath $ is the whole event": ({"InputPath": "$"}, EVENT),
    "InputPath to the detail": ({"InputPath": "$.detail"}, DETAIL),
    "InputPath nested": ({"InputPath": "$.detail.payload"}, DETAIL["payload"]),
    "InputPath to a string keeps its quotes": ({"InputPath": "$.detail.payload.sf_id"}, "baz"),
    "InputPath with a dash": ({"InputPath": "$.detail-type"}, EVENT["detail-type"]),
    "InputPath with dash and underscore": ({"InputPath": "$.detail.dash-ed_1"}, "d"),
    "InputPath with a slash": ({"InputPath": "$.detail.a/b"}, 1),
    "InputPath to an array": ({"InputPath": "$.detail.listmulti"}, ["ACTIVE", "INACTIVE"]),
    "InputPath with an index": ({"InputPath": "$.detail.listmulti[1]"}, "INACTIVE"),
    "InputPath through an index": ({"InputPath": "$.detail.items[0].k"}, 1),
    "InputPath with a wildcard": ({"InputPath": "$.detail.items[*].k"}, [1, 2]),
    "InputPath to a number": ({"InputPath": "$.detail.ratio"}, -1.50),
    "InputPath to a boolean": ({"InputPath": "$.detail.valid"}, True),
    "InputPath to an empty object": ({"InputPath": "$.detail.empty"}, {}),
    # InputTransformer, JSON template
    "JSON, bare strings": (transformer('{"detailType": <detail-type>,  "time": <timestamp>, "command": <command>}'),
                           {"detailType": EVENT["detail-type"], "time": EVENT["time"], "command": "update-account"}),
    "JSON, bare object": (transformer('{"p": <payload>}'), {"p": DETAIL["payload"]}),
    "JSON, bare empty object": (transformer('{"p": <empty>}'), {"p": {}}),
    "JSON, bare arrays": (transformer('{"a": <single>, "b": <multi>}'), {"a": ["HIGH"], "b": ["ACTIVE", "INACTIVE"]}),
    "JSON, bare boolean": (transformer('{"v": <valid>}'), {"v": True}),
    "JSON, bare number": (transformer('{"v": <count>}'), {"v": 3}),
    "JSON, bare path with an index": (transformer('{"v": <item>}'), {"v": 2}),
    "JSON, bare and not found": (transformer('{"command": <missing>, "x": 1}'), {"command": "", "x": 1}),
    "JSON, bare string with quotes": (transformer('{"v": <quoted>}'), {"v": 'say "hi"'}),
    "JSON, bare string with a backslash": (transformer('{"v": <backslash>}'), {"v": "a\\q"}),
    "JSON, bare string beyond ASCII": (transformer('{"v": <umlaut>}'), {"v": "ü€😀"}),
    "JSON, inside an array": (transformer('{"v": [<command>, <payload>, <count>]}'), {"v": ["update-account", DETAIL["payload"], 3]}),
    "JSON, deep": (transformer('{"a": {"b": {"c": <payload>, "d": "u/<command>"}}}'),
                   {"a": {"b": {"c": DETAIL["payload"], "d": "u/update-account"}}}),
    "JSON over several lines": (transformer('{\n  "a": <command>,\n  "b": <count>\n}'), {"a": "update-account", "b": 3}),
    "JSON, the same placeholder twice": (transformer('{"a": <command>, "b": <command>}'), {"a": "update-account", "b": "update-account"}),
    "JSON, two inside one string": (transformer('{"p": "users/<command>/<timestamp>"}'),
                                    {"p": "users/update-account/" + EVENT["time"]}),
    "JSON, string inside quotes": (transformer('{"p": "<command>"}'), {"p": "update-account"}),
    "JSON, string beyond ASCII inside quotes": (transformer('{"p": "<umlaut>!"}'), {"p": "ü€😀!"}),
    "JSON, a value is not a template": (transformer('{"a": <markup>, "b": "<markup>"}'), {"a": "<command>", "b": "<command>"}),
    "JSON, object inside quotes": (transformer('{"p": "x <payload>"}'), Invalid()),
    "JSON, array inside quotes": (transformer('{"p": "x <multi>"}'), Invalid()),
    "JSON, one-element array inside quotes": (transformer('{"p": "<single>"}'), Invalid()),
    "JSON, string with quotes inside quotes": (transformer('{"p": "<quoted>"}'), Invalid('{"p": "say "hi""}')),
    "JSON, text that is no escape inside quotes": (transformer('{"p": "<backslash>"}'), Invalid('{"p": "a\\q"}')),
    # InputTransformer, string template
    "string": (transformer('"Event of <detail-type> type, at time <timestamp>, info extracted from detail <command>"'),
               f"Event of {EVENT['detail-type']} type, at time {EVENT['time']}, info extracted from detail update-account"),
    "string, not found": (transformer('"Event of <detail-type> type, info extracted from detail <missing>"'),
                          f"Event of {EVENT['detail-type']} type, info extracted from detail "),
    "string that begins like JSON": (transformer('"{[/Check with special starting characters for event of <detail-type> type"'),
                                     "{[/Check with special starting characters for event of core.update-account-command type"),
    "string, object": (transformer('"<payload>"'), "{acc_id:0a787ecb-4015,sf_id:baz}"),
    "string, array": (transformer('"<multi>"'), "[ACTIVE,INACTIVE]"),
    "string, array of one": (transformer('"Level <single>."'), "Level [HIGH]."),
    "string, boolean": (transformer('"<valid>"'), "true"),
    "string, number": (transformer('"n=<count>"'), "n=3"),
    "string, without placeholder": (transformer('"constant"'), "constant"),
    "string of several lines": (transformer('"Event of <detail-type>"\n"Command <command>"'),
                                Invalid('"Event of core.update-account-command"\n"Command update-account"')),
    "neither object nor string": (transformer("<command> text"), Invalid()),
    # Reserved variables
    "reserved, in a string": (transformer('"<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>"'),
                              "arn:aws:events:us-east-2:123456789012:rule/RULE RULE " + EVENT["time"]),
    "reserved, bare": (transformer('{"arn": <aws.events.rule-arn>, "name": <aws.events.rule-name>, "t": <aws.events.event.ingestion-time>}'),
                       {"arn": "arn:aws:events:us-east-2:123456789012:rule/RULE", "name": "RULE", "t": EVENT["time"]}),
    "reserved, the event": (transformer('{"originalEvent": <aws.events.event>, "originalEventJson": <aws.events.event.json>}'),
                            {"originalEvent": WITHOUT_DETAIL, "originalEventJson": EVENT}),
}
WITHOUT_MAP = {"InputTransformer": {"InputTemplate": '{"n": <aws.events.rule-name>}'}}


def rule_name(case):
    return "r-" + "".join(letter if letter.isalnum() else "-" for letter in case)


class Inputs(ReplayCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = []
        for case, (members, _) in CASES.items():
            cls.rules.append(rule(rule_name(case), PATTERN, **members))

    def setUp(self):
        super().setUp()
        self.event = self.write("event", json.dumps(EVENT, ensure_ascii=False))

    def expected(self, case):
        value = CASES[case][1]
        if isinstance(value, Invalid):
            return value
        return json.loads(json.dumps(value).replace("rule/RULE", "rule/" + rule_name(case)).replace("RULE", rule_name(case)))

    def run_case(self, *rules, sink="ndjson:starts", status=0, event=None):
        """Starts by rule, dead letters by rule, and the summary."""
        for old in ("starts", "dead"):
            (self.directory / old).unlink(missing_ok=True)
        summary = self.replay(self.write_rules(*rules), event or self.event, "--to", sink, "--dead-letters", "dead", status=status)
        dead = self.directory / "dead"
        letters = self.dead_letters(dead) if dead.exists() else []
        if sink.startswith("ndjson"):
            starts = {start["rule"]: start for start in self.ndjson(self.directory / "starts")}
        else:
            starts = {row["rule"]: row for row in self.rows(self.directory / sink.partition(":")[2])}
        self.assertEqual((summary["started"], summary["failed"]), (len(starts), len(letters)))
        return starts, {letter["rule"]: letter for letter in letters}, summary

    def test_every_recorded_input_through_ndjson(self):
        for case, rule_of_case in zip(CASES, self.rules):
            with self.subTest(case=case):
                expected = self.expected(case)
                if isinstance(expected, Invalid):
                    starts, letters, _ = self.run_case(rule_of_case, status=3)
                    self.assertEqual(starts, {})
                    self.check_dead_letter(letters[rule_name(case)], expected)
                else:
                    starts, letters, _ = self.run_case(rule_of_case)
                    # Compared as text: the order of members counts.
                    self.assertEqual(json.dumps(starts[rule_name(case)]["input"]), json.dumps(expected))
                    self.assertEqual(letters, {})

    def check_dead_letter(self, letter, expected):
        self.assertEqual(letter["ERROR_CODE"], "INVALID_JSON")
        self.assertEqual(letter["RETRY_ATTEMPTS"], 0)
        self.assertNotIn("EXHAUSTED_RETRY_CONDITION", letter)
        self.assertNotIn("input", letter)
        with self.assertRaises(ValueError):
            json.loads(letter["inputText"])
        if expected.text is not None:
            self.assertEqual(letter["inputText"], expected.text)

    def test_every_recorded_input_through_the_local_store_all_rules_at_once(self):
        starts, letters, summary = self.run_case(*self.rules, sink="local:store", status=3)
        self.assertEqual(summary["starts"], len(CASES))
        invalid = {rule_name(case) for case in CASES if isinstance(CASES[case][1], Invalid)}
        self.assertEqual(set(letters), invalid)
        self.assertEqual(summary["failures"], {"INVALID_JSON": len(invalid)})
        for case in CASES:
            name, expected = rule_name(case), self.expected(case)
            with self.subTest(case=case):
                if isinstance(expected, Invalid):
                    self.check_dead_letter(letters[name], expected)
                else:
                    self.assertEqual(json.dumps(json.loads(starts[name]["input"])), json.dumps(expected))

    def test_numbers_keep_their_text(self):
        text = json.dumps(EVENT).replace('"count": 3', '"count": 12345678901234567890.10')
        for members in ({"InputPath": "$.detail.count"}, transformer('{"v": <count>}'), {}):
            self.run_case(rule("r", PATTERN, **members), event=self.write("numbers", text))
            self.assertIn("12345678901234567890.10", (self.directory / "starts").read_text())

    def test_the_rules_own_arn_where_the_file_gives_it(self):
        arn = "arn:aws:events:us-east-2:123456789012:rule/bus/other"
        given = {**rule("r", PATTERN, **transformer('"<aws.events.rule-arn>"')), "Arn": arn}
        starts, _, _ = self.run_case(given)
        self.assertEqual(starts["r"]["input"], arn)
        _, letters, _ = self.run_case({**rule("r", PATTERN, **transformer("<command> text")), "Arn": arn}, status=3)
        self.assertEqual(letters["r"]["RULE_ARN"], arn)

    def test_reserved_variables_need_no_paths(self):
        starts, _, _ = self.run_case(rule("r", PATTERN, **WITHOUT_MAP))
        self.assertEqual(starts["r"]["input"], {"n": "r"})

    def test_an_object_as_the_pattern_and_a_transformer_of_a_cloudtrail_record(self):
        event = self.write("record", json.dumps(replay_case.record(1)))
        template = '{"bucket": <b>, "key": "s3://<b>/<k>", "time": <t>}'
        paths = {"b": "$.detail.requestParameters.bucketName", "k": "$.detail.requestParameters.key", "t": "$.detail.eventTime"}
        starts, _, _ = self.run_case(rule("r", **transformer(template, **paths)), event=event)
        self.assertEqual(starts["r"]["input"], {"bucket": "b", "key": "s3://b/key-1", "time": "2024-01-01T00:00:00Z"})

    def test_the_targets_of_one_rule_have_inputs_of_their_own(self):
        both = rule("r", PATTERN, target_id="a", InputPath="$.detail.command")
        both["Targets"].append({"Id": "b", "Arn": MACHINE, "Input": "1"})
        self.replay(self.write_rules(both), self.event, "--to", "ndjson:starts")
        self.assertEqual({start["target"]: start["input"] for start in self.ndjson(self.directory / "starts")},
                         {"a": "update-account", "b": 1})

    def test_what_is_used_only_by_a_target_is_found_in_any_place_of_the_event(self):
        # A path below a member that no pattern uses, after one that is large.
        event = {**EVENT, "detail": {"large": ["x" * 100] * 500, **DETAIL, "last": {"deep": [[{"v": "found"}]]}}}
        starts, _, _ = self.run_case(rule("r", PATTERN, InputPath="$.detail.last.deep[0][0].v"),
                                     event=self.write("large", json.dumps(event)))
        self.assertEqual(starts["r"]["input"], "found")


class Sizes(ReplayCase):
    def test_an_input_of_262144_bytes_is_started_and_one_byte_more_is_a_dead_letter(self):
        texts = {"fits": "x" * 262142, "fits in UTF-8": "é" * 131071, "one more": "x" * 262143, "one more in UTF-8": "é" * 131071 + "x"}
        events = [{**EVENT, "id": f"id-{number}", "detail": {"v": text}} for number, text in enumerate(texts.values())]
        path = self.write("events", "\n".join(json.dumps(event, ensure_ascii=False) for event in events))
        rules = self.write_rules(rule("r", PATTERN, InputPath="$.detail.v"))
        for sink in ("ndjson:starts", "local:store"):
            (self.directory / "dead").unlink(missing_ok=True)
            summary = self.replay(rules, path, "--to", sink, "--dead-letters", "dead", status=3)
            self.assertEqual((summary["started"], summary["failures"]), (2, {"INVALID_PARAMETER": 2}))
            letters = self.dead_letters(self.directory / "dead")
            self.assertEqual([letter["eventId"] for letter in letters], ["id-2", "id-3"])
            self.assertEqual(letters[0]["input"], texts["one more"])
        self.assertEqual([start["eventId"] for start in self.ndjson(self.directory / "starts")], ["id-0", "id-1"])

    def test_a_whole_event_that_is_too_large_costs_itself_only(self):
        events = [EVENT, {**EVENT, "id": "large", "detail": {"v": "x" * 300000}}, {**EVENT, "id": "after"}]
        path = self.write("events", "\n".join(map(json.dumps, events)))
        summary = self.replay(self.write_rules(rule("r", PATTERN)), path, "--to", "ndjson:starts", status=3)
        self.assertEqual((summary["started"], summary["failed"]), (2, 1))


class Refused(ReplayCase):
    """Targets that are refused before the first start, whatever the sink."""

    def check(self, message, **members):
        event = self.write("event", json.dumps(EVENT))
        rules = self.write_rules(rule("r", PATTERN, target_id="t1", **members))
        for sink in ("ndjson:starts", "local:store"):
            with self.subTest(sink=sink, **members):
                self.refused("replay", "--rules", rules, event, "--to", sink, message=message)
        self.assertFalse((self.directory / "starts").exists() and (self.directory / "starts").read_bytes())

    def test_an_unknown_placeholder(self):
        message = r"InputTemplate for target t1 contains invalid placeholder notdefined\."
        self.check(message, **transformer('"Event of <detail-type> type, with not defined key <notdefined>"'))
        self.check(message, **transformer('{"a": <notdefined>}'))
        self.check(message, InputTransformer={"InputTemplate": '{"a": <notdefined>}'})
        self.check(r"invalid placeholder aws\.events\.nothing\.", **transformer('{"a": <aws.events.nothing>}'))

    def test_more_than_one_kind_of_input(self):
        message = r"Only one of Input, InputPath, or InputTransformer must be provided for target t1\."
        self.check(message, Input="{}", InputPath="$")
        self.check(message, InputPath="$.detail", **transformer('{"a": <command>}'))
        self.check(message, Input="{}", **transformer('{"a": <command>}'))

    def test_a_path_that_is_none(self):
        for path in ("detail.payload", "$.detail[", "$.detail.payload[one]", "not a path"):
            self.check(r"InputPath|path", InputPath=path)
            self.check(r"Path|path", **transformer('{"a": <x>}', x=path))

    def test_a_retry_policy_out_of_range(self):
        for policy in ({"MaximumRetryAttempts": 186}, {"MaximumRetryAttempts": -1}, {"MaximumEventAgeInSeconds": 59},
                       {"MaximumEventAgeInSeconds": 86401}):
            self.check(next(iter(policy)), RetryPolicy=policy)

    def test_the_limits_of_a_retry_policy_are_inside(self):
        event = self.write("event", json.dumps(EVENT))
        for policy in ({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
                       {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}, {}):
            self.replay(self.write_rules(rule("r", PATTERN, RetryPolicy=policy)), event, "--to", "ndjson:starts")

    def test_input_that_is_not_json_starts_nothing(self):
        event = self.write("event", json.dumps(EVENT))
        rules = self.write_rules(rule("r", PATTERN, Input="{not json"))
        self.run_command("replay", "--rules", rules, event, "--to", "ndjson:starts", status=(3, 4))
        self.assertFalse((self.directory / "starts").exists() and (self.directory / "starts").read_bytes())

    def test_the_limits_of_put_targets(self):
        self.check("InputPathsMap|100", **transformer('{"a": <v1>}', **{f"v{number}": "$.id" for number in range(101)}))
        self.check("AWS", **transformer('{"a": <AWSx>}', AWSx="$.id"))
        self.check("InputTemplate|8,?192", **transformer('{"a": "' + "x" * 8192 + '"}'))
        self.check("Input|8,?192", Input='"' + "x" * 8192 + '"')
        self.run_command("replay", "--rules", self.write_rules(rule(Input='"' + "é" * 8190 + '"')), self.write("in", records(1)), "--to", "null")
        self.check("InputPath|256", InputPath="$." + "x" * 256)

    def test_a_target_that_is_no_state_machine(self):
        event = self.write("event", json.dumps(EVENT))
        for arn in ("arn:aws:sqs:us-east-2:123456789012:queue", "arn:aws:lambda:us-east-2:123456789012:function:f",
                    "arn:aws:states:us-east-2:123456789012:execution:m:e", "Helloworld", ""):
            with self.subTest(arn=arn):
                rules = self.write_rules(rule("r", PATTERN, arn=arn))
                self.refused("replay", "--rules", rules, event, "--to", "local:store", message="state machine|ARN|Arn")


if __name__ == "__main__":
    replay_case.main()
