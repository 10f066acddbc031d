// millrace test: runs suites of rule tests, one case a line.
#include <fmt/core.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/ingest/byte_source.hpp"
#include "engine/route/event_reader.hpp"
#include "matcher/automaton.hpp"
#include "tools/command.hpp"

namespace millrace::tools {
namespace {

using Json = nlohmann::ordered_json;
using Verdict = std::map<std::string, std::string>;  // refused rule -> reason

struct Options {
  Common common;
  std::vector<std::string> suites;
};

struct Outcome {
  std::set<std::string> matches;
  Verdict refused;
  std::string bad_event;  // why it is none; it matches nothing
  bool decided = true;
};

Outcome run_case(const Json& test) {
  std::vector<std::string> names, texts;
  for (const auto& [name, pattern] : test.at("rules").items()) {
    names.push_back(name);
    texts.push_back(pattern.is_string() ? pattern.get<std::string>() : pattern.dump());
  }
  const std::vector<std::string_view> patterns(texts.begin(), texts.end());
  std::vector<RefusedRule> refused;
  const auto automaton = Automaton::compile(patterns, refused);
  Outcome out;
  for (const auto& [rule, error] : refused) out.refused[names[rule]] = error.reason;
  EventFields fields;
  fields.reset(automaton->field_count());
  const Json& event = test.at("event");
  EventReader reader(automaton->paths(), fields);
  out.bad_event = reader.read(event.is_string() ? event.get<std::string>() : event.dump()).value_or("");
  if (!out.bad_event.empty()) return out;
  std::vector<RuleId> matched;
  out.decided = Matcher(automaton).match(fields, matched);
  for (const RuleId rule : matched) out.matches.insert(names[rule]);
  return out;
}

std::string joined(const std::set<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return "[" + out + "]";
}

// Empty if the outcome is as the case says, else what differs.
std::string difference(const Json& test, Outcome outcome) {
  const auto invalid = test.value("invalid", Verdict{});
  for (const auto& [rule, reason] : outcome.refused) {
    if (!invalid.contains(rule)) return "rule " + rule + " is refused: " + reason;
  }
  if (!outcome.decided) return "the event has too many arrays on one path to decide which elements agree";
  const auto expected = test.at("matches").get<std::set<std::string>>();
  if (!outcome.bad_event.empty() && !expected.empty())
    return "the event " + outcome.bad_event + ", expected " + joined(expected);
  if (expected != outcome.matches) return "matches " + joined(outcome.matches) + ", expected " + joined(expected);
  for (const auto& [rule, reason] : invalid) {
    if (!outcome.refused.contains(rule)) return "rule " + rule + " is not refused, expected: " + reason;
    if (!reason.empty() && reason != outcome.refused[rule])
      return "rule " + rule + " is refused: " + outcome.refused[rule] + "; expected: " + reason;
  }
  return {};
}

bool read_lines(const std::string& path, std::vector<std::string>& lines) {
  ByteSource source(path);
  std::string text, chunk(1 << 16, '\0');
  for (std::size_t got; (got = source.read(chunk.data(), chunk.size())) > 0;) text.append(chunk, 0, got);
  if (!source.failure().empty()) {
    complain(path + ": " + source.failure());
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return true;
}

int run_test(const Options& options) {
  const std::atomic<int>& stop = stop_on_signals();
  std::uint64_t passed = 0, failed = 0, no_cases = 0;
  Json failures = Json::array();
  for (const auto& suite : options.suites) {
    std::vector<std::string> lines;
    if (!read_lines(suite, lines)) return kCouldNotRun;
    for (std::size_t i = 0; i < lines.size() && stop == 0; ++i) {
      if (lines[i].find_first_not_of(" \t\r") == std::string::npos) continue;
      const std::string place = fmt::format("{}:{}", suite, i + 1);
      std::string what, name;
      try {
        const Json test = Json::parse(lines[i]);
        name = test.value("name", "");
        what = difference(test, run_case(test));
      } catch (const nlohmann::json::exception& error) {
        const std::string_view text = error.what();
        complain(
            fmt::format("{}: is no test case: {}; expected {{\"rules\": {{…}}, \"event\": \"…\", \"matches\": […]}}",
                        place, text.substr(text.find(' ') + 1)));
        ++no_cases;
        continue;
      }
      ++(what.empty() ? passed : failed);
      if (what.empty()) continue;
      if (!options.common.quiet) complain(fmt::format("{}: {}{}", place, name.empty() ? "" : name + ": ", what));
      failures.push_back({{"place", place}, {"name", name}, {"what", what}});
    }
  }
  const std::string closing =
      options.common.json
          ? Json{{"schema", 1}, {"passed", passed}, {"failed", failed}, {"no_cases", no_cases}, {"failures", failures}}
                    .dump(-1, ' ', false, Json::error_handler_t::replace) +
                "\n"
          : fmt::format("{} passed, {} failed\n", passed, failed);
  if (stop != 0) return print(closing) ? kInterrupted : kCouldNotRun;
  const bool is_empty = passed + failed + no_cases == 0;
  if (is_empty) complain(options.suites.front() + ": holds no cases");
  if (!print(closing) || no_cases > 0 || is_empty) return kCouldNotRun;
  return failed == 0 ? kDone : kNo;
}

}  // namespace

void add_test(CLI::App& app, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("test", "Run suites of rule tests");
  command->add_option("suite", options->suites, "Suites: one case a line, plain or compressed")->required();
  add_common(*command, options->common);
  command->footer(
      R"(A case: {"name": "…", "rules": {"r0": "<pattern>"}, "event": "<event>", "matches": ["r0"], "invalid": {"r1": "<reason>"}}
Example:
  millrace test suite.ndjson)");
  command->callback([&run, options] { run = [options] { return run_test(*options); }; });
}

}  // namespace millrace::tools
