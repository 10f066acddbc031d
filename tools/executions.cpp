// millrace executions: looks into the local store, and starts dead letters again.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/execute/dead_letters.hpp"
#include "engine/execute/local_store.hpp"
#include "tools/command.hpp"
#include "tools/sink_options.hpp"

namespace millrace::tools {
namespace {

struct ListOptions {
  Common common;
  std::string store = "millrace.db";
  ExecutionFilter filter;
};

struct RetryOptions {
  Common common;
  std::string file;
  SinkArguments sink;
};

nlohmann::ordered_json json_of(const Execution& execution) {
  nlohmann::ordered_json out = {{"name", execution.name},
                                {"stateMachineArn", execution.state_machine_arn},
                                {"executionArn", execution.execution_arn},
                                {"rule", execution.rule},
                                {"ruleArn", execution.rule_arn},
                                {"target", execution.target},
                                {"eventId", execution.event_id},
                                {"eventTime", execution.event_time},
                                {"status", execution.status},
                                {"startTime", execution.start_time}};
  return out;
}

// The input's text as it was started, a member a line: numbers and escapes stay what they are.
std::string indented(std::string_view json) {
  std::string out;
  std::size_t depth = 0;
  const auto new_line = [&] { out.append("\n").append(2 * depth, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    if (c == '}' || c == ']') {
      depth -= depth > 0;
      if (out.back() != '{' && out.back() != '[') new_line();
    }
    if ((c != '}' && c != ']') && !out.empty() && (out.back() == '{' || out.back() == '[' || out.back() == ','))
      new_line();
    if (c == '"') {
      const std::size_t begin = i++;
      while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
      out += json.substr(begin, std::min(i, json.size()) + 1 - begin);
      continue;
    }
    out += c;
    depth += c == '{' || c == '[';
    if (c == ':') out += ' ';
  }
  return out;
}

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int run_list(const ListOptions& options) {
  std::uint64_t count = 0;
  bool written = true;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const auto failure = visit_executions(options.store, options.filter, [&](const Execution& execution) {
    ++count;
    if (options.common.json) {
      all.push_back(json_of(execution));
      return true;
    }
    return written = print(fmt::format("{}  {}  {}  {}  {}\n", execution.start_time, execution.status, execution.name,
                                       parse_state_machine_arn(execution.state_machine_arn).name, execution.rule));
  });
  if (failure) {
    complain(failure->message);
    return kCouldNotRun;
  }
  if (options.common.json) written = print(dumped(nlohmann::ordered_json{{"schema", 1}, {"executions", all}}) + "\n");
  if (!options.common.json && count == 0 && !options.common.quiet) complain("no execution matches");
  return written ? kDone : kCouldNotRun;
}

std::string description_of(const Execution& execution) {
  return fmt::format(
      "Execution      {}\nStatus         {}\nState machine  {}\nARN            {}\nStarted        {}\nRule           {}"
      "\nTarget         {}\nEvent          {} of {}\nInput\n{}\n",
      execution.name, execution.status, execution.state_machine_arn, execution.execution_arn, execution.start_time,
      execution.rule_arn, execution.target, execution.event_id, execution.event_time, indented(execution.input));
}

int run_show(const ListOptions& options) {
  std::vector<Execution> found;
  const auto failure = visit_executions(options.store, options.filter, [&](const Execution& execution) {
    found.push_back(execution);
    return true;
  });
  if (failure) {
    complain(failure->message);
    return kCouldNotRun;
  }
  if (found.empty()) {
    complain(options.store + ": holds no execution named " + options.filter.name +
             "; `millrace executions list` shows those that it has");
    return kNo;
  }
  for (const Execution& execution : found) {
    std::string text = description_of(execution);
    if (options.common.json) {
      text = dumped(json_of(execution));
      text =
          "{\"schema\":1,\"execution\":" + text.substr(0, text.size() - 1) + ",\"input\":" + execution.input + "}}\n";
    }
    if (!print(text)) return kCouldNotRun;
  }
  return kDone;
}

struct RetryReport {
  std::uint64_t started = 0, duplicates = 0, failed = 0, abandoned = 0;
};

std::optional<Failure> redeliver(const Redelivery& letters, Sink& sink, FailedStarts& failed, RetryReport& report) {
  for (std::size_t at = 0; at < letters.starts.size();) {
    std::vector<const Start*> group;
    for (; at < letters.starts.size() && group.size() < sink.group_starts(); ++at) {
      const Start& start = letters.starts[at];
      if (start.refused.code == nullptr) {
        group.push_back(&start);
        continue;
      }
      ++report.failed;
      if (auto failure = failed.take(start, {OutcomeKind::failed, start.refused, 0, nullptr})) return failure;
    }
    std::vector<Outcome> outcomes(group.size());
    if (auto failure = sink.write(group, outcomes)) return failure;
    while (sink.pending() > 0) sink.advance();
    for (std::size_t i = 0; i < group.size(); ++i) {
      const OutcomeKind kind = outcomes[i].kind;
      report.started += kind == OutcomeKind::started;
      report.duplicates += kind == OutcomeKind::duplicate;
      report.failed += kind == OutcomeKind::failed;
      report.abandoned += kind == OutcomeKind::abandoned;
      if (kind != OutcomeKind::failed) continue;
      if (auto failure = failed.take(*group[i], outcomes[i])) return failure;
    }
    if (auto failure = sink.commit({})) return failure;
  }
  return {};
}

int run_retry(const RetryOptions& options) {
  const std::atomic<int>& stop = stop_on_signals();
  if (const auto clash = clash_of({options.file}, options.sink.files())) {
    complain(*clash);
    return kUsage;
  }
  const auto letters = read_dead_letters(options.file);
  if (!letters) {
    complain(letters.failure().message);
    return kCouldNotRun;
  }
  const auto sink = make_sink(options.sink.name(), options.sink.options(stop));
  if (!sink) {
    complain(sink.failure().message);
    return options.sink.status_of_failure();
  }
  FailedStarts failed;
  RetryReport report;
  auto failure = failed.open(options.sink.dead_letters(), false);
  for (const auto& rule : (*letters).rules) {
    if (!failure) failure = (*sink)->check(*rule);
  }
  if (!failure) failure = redeliver(*letters, **sink, failed, report);
  if (!failure) failure = failed.finish();
  if (failure) {
    complain(failure->message);
    return kCouldNotRun;
  }
  const nlohmann::ordered_json out = {{"schema", 1},
                                      {"starts", (*letters).starts.size()},
                                      {"started", report.started},
                                      {"duplicates", report.duplicates},
                                      {"failed", report.failed},
                                      {"abandoned", report.abandoned},
                                      {"failures", failed.by_code()}};
  if (options.common.json && !print(out.dump() + "\n")) return kCouldNotRun;
  if (!options.common.json && !options.common.quiet) {
    say(fmt::format("starts {}, started {}, duplicates {}, failed {}{}\n", (*letters).starts.size(), report.started,
                    report.duplicates, report.failed,
                    report.abandoned > 0 ? fmt::format(", {} not tried to the end", report.abandoned) : ""));
  }
  if (stop != 0) return kInterrupted;
  return report.failed == 0 ? kDone : kPartly;
}

void add_store(CLI::App& command, ListOptions& options) {
  command.add_option("--store", options.store, "The local store")->capture_default_str();
  add_common(command, options.common);
}

void add_list(CLI::App& app, Run& run) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app.add_subcommand("list", "List executions, the latest start first");
  command->add_option("--machine", options->filter.machine, "Of this state machine: its name or ARN");
  command->add_option("--rule", options->filter.rule, "Started by this rule");
  command->add_option("--status", options->filter.status,
                      "In this status; STARTED is all a machine without a definition has");
  add_time(*command, "--since", options->filter.since, "Started at this time or later");
  add_time(*command, "--until", options->filter.until, "Started before this time");
  command->add_option("--limit", options->filter.limit, "This many at most")->transform(count_option());
  add_store(*command, *options);
  command->footer("Example:\n  millrace executions list --machine Helloworld --limit 10");
  command->callback([&run, options] { run = [options] { return run_list(*options); }; });
}

void add_show(CLI::App& app, Run& run) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app.add_subcommand("show", "Show an execution and its input");
  command->add_option("name", options->filter.name, "Name of the execution")
      ->required()
      ->check([](const std::string& name) {
        return name.empty() ? "is empty; `millrace executions list` shows the names" : "";
      });
  add_store(*command, *options);
  command->footer("Example:\n  millrace executions show 2b7a…_9c1d…");
  command->callback([&run, options] { run = [options] { return run_show(*options); }; });
}

void add_retry(CLI::App& app, Run& run) {
  auto options = std::make_shared<RetryOptions>();
  CLI::App* command = app.add_subcommand("retry", "Start what a dead-letter file holds again");
  command->add_option("file", options->file, "Dead letters of replay or of an earlier retry")->required();
  options->sink.add_to(*command);
  add_common(*command, options->common);
  command->footer(
      "A start that ran already is a duplicate on a standard state machine; on an express one it may run twice.\n"
      "Example:\n  millrace executions retry dead.ndjson --to aws --dead-letters still-dead.ndjson");
  command->callback([&run, options] { run = [options] { return run_retry(*options); }; });
}

}  // namespace

void add_executions(CLI::App& app, Run& run) {
  CLI::App* command = app.add_subcommand("executions", "Look into the local store; start dead letters again");
  command->require_subcommand(1);
  command->footer(
      "Example:\n  millrace executions list --rule S3StepFunctions\n  millrace executions retry dead.ndjson --to aws");
  add_list(*command, run);
  add_show(*command, run);
  add_retry(*command, run);
}

}  // namespace millrace::tools
