// millrace replay: the main job.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/engine.hpp"
#include "engine/execute/line_file.hpp"
#include "tools/command.hpp"
#include "tools/progress.hpp"
#include "tools/sink_options.hpp"

namespace millrace::tools {
namespace {

constexpr std::uint64_t kRejectsShownMax = 20;  // LIMIT: of bad records named on stderr; --reject keeps them all

struct Options {
  Common common;
  std::string rules, read_only = "name", reject;
  SinkArguments sink;
  std::vector<std::string> inputs;
  std::string files_from;
  InputFilter filter;
  Pace pace;
  unsigned threads = 1;
  std::uint64_t record_bytes_max = kRecordBytesMaxDefault;
  bool strict = false;
};

std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t out = 0;
  for (const auto& [reason, count] : counts) out += count;
  return out;
}

std::string reasons(const std::map<std::string, std::uint64_t>& counts) {
  std::string out;
  for (const auto& [reason, count] : counts) out += fmt::format("{}{} {}", out.empty() ? " (" : ", ", reason, count);
  return out.empty() ? out : out + ")";
}

std::string json_summary(const ReplayReport& report) {
  const Tally& tally = report.tally;
  nlohmann::ordered_json out = {
      {"schema", 1},
      {"files", tally.files},
      {"records", tally.records},
      {"routed", tally.routed},
      {"not_delivered", tally.not_delivered},
      {"bad", tally.bad},
      {"matched_events", tally.matched_events},
      {"matches", tally.matches},
      {"starts", tally.starts},
      {"started", report.started},
      {"duplicates", report.duplicates},
      {"failed", report.failed},
      {"abandoned", report.abandoned},
      {"failures", report.failures},
      {"bytes", tally.bytes},
      {"digests_skipped", tally.digests},
      {"notices_skipped", tally.notices},
      {"files_passed_over", report.files_passed_over},
      {"inputs_resumed", report.inputs_resumed},
      {"seconds", report.seconds},
      {"records_per_second", report.seconds > 0 ? static_cast<double>(tally.records) / report.seconds : 0},
      {"interrupted", report.stopped}};
  return out.dump() + "\n";
}

void print_summary(const ReplayReport& report) {
  const Tally& tally = report.tally;
  say(fmt::format(
      "files          {}\nrecords        {}\n  routed       {}\n  not delivered {}{}\n  bad          "
      "{}{}\nmatched events {}\nmatches        {}\n"
      "starts         {}, started {}, duplicates {}, failed {}{}{}\n{:.1f} MB in {:.2f} s, {:.0f} records/s{}\n",
      tally.files, tally.records, tally.routed, sum(tally.not_delivered), reasons(tally.not_delivered), sum(tally.bad),
      reasons(tally.bad), tally.matched_events, tally.matches, tally.starts, report.started, report.duplicates,
      report.failed, reasons(report.failures),
      report.abandoned > 0 ? fmt::format(", {} not tried to the end", report.abandoned) : "",
      static_cast<double>(tally.bytes) / 1e6, report.seconds,
      report.seconds > 0 ? static_cast<double>(tally.records) / report.seconds : 0,
      report.stopped ? "\ninterrupted before the end" : ""));
}

// Bad records: the first ones by name on stderr, all of them in the reject file.
class Rejects {
 public:
  std::optional<Failure> open(const std::string& path, bool append) {
    return path.empty() ? std::nullopt : file_.open(path, append);
  }

  // What an earlier run wrote behind its position is written again.
  std::optional<Failure> resume(const IsToldAgain& is_told_again) {
    if (!file_.is_open()) return {};
    return file_.keep_only([&](const std::string& line) {
      const auto reject = nlohmann::json::parse(line, nullptr, false);
      if (!reject.is_object() || !reject.contains("file") || !reject.contains("number")) return true;
      const auto& input = reject["file"];
      const auto& number = reject["number"];
      return !input.is_string() || !number.is_number_unsigned() ||
             !is_told_again(input.get<std::string>(), number.get<std::uint64_t>());
    });
  }

  std::optional<Failure> take(const Reject& reject) {
    if (++count_ <= kRejectsShownMax) complain(reject.sentence());
    if (!file_.is_open()) return {};
    const nlohmann::ordered_json line = {{"file", reject.input},         {"offset", reject.offset},
                                         {"number", reject.number},      {"reason", reject.kind},
                                         {"message", reject.sentence()}, {"text", reject.text}};
    return file_.append(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  std::optional<Failure> finish() {
    if (count_ > kRejectsShownMax)
      complain(fmt::format("and {} more bad records{}", count_ - kRejectsShownMax,
                           file_.is_open() ? "" : "; --reject FILE keeps them all"));
    return file_.finish();
  }

 private:
  LineFile file_;
  std::uint64_t count_ = 0;
};

std::atomic<int> reload_asked = 0;

extern "C" void on_hangup(int) { reload_asked = 1; }

// Reads the rule file again on SIGHUP, beside the replay. A file that is refused leaves the rules as they are.
class Reloader {
 public:
  Reloader(const std::string& path, Sink& sink, LiveRules& live) : path_(path), sink_(sink), live_(live) {
    struct sigaction action {};
    action.sa_handler = on_hangup;
    action.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &action, nullptr);
    thread_ = std::thread([this] { run(); });
  }
  ~Reloader() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    end_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    constexpr std::chrono::milliseconds kLook{50};
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, kLook, [&] { return ended_; })) {
      if (reload_asked.exchange(0) == 0) continue;
      auto rules = RuleSet::load(path_, {.extra_paths = router_paths(), .check_targets = true});
      if (rules) {
        if (auto failure = check_rules(**rules, sink_)) rules = *failure;
      }
      complain(rules ? path_ + ": read again" : rules.failure().message + "\nmillrace: the rules stay as they are");
      if (rules) live_.replace(*rules);
    }
  }

  const std::string& path_;
  Sink& sink_;
  LiveRules& live_;
  std::mutex mutex_;
  std::condition_variable end_;
  bool ended_ = false;
  std::thread thread_;
};

int run_replay(const Options& options) {
  const std::atomic<int>& stop = stop_on_signals();
  auto rules = RuleSet::load(options.rules, {.extra_paths = router_paths(), .check_targets = true});
  if (!rules) {
    complain(rules.failure().message);
    return kCouldNotRun;
  }
  std::vector<std::string> inputs = options.inputs;
  if (!options.files_from.empty()) {
    auto listed = read_path_list(options.files_from, &stop);
    if (!listed) {
      complain(listed.failure().message);
      return kCouldNotRun;
    }
    inputs.insert(inputs.end(), (*listed).begin(), (*listed).end());
  }
  std::vector<std::string> outputs = options.sink.files();
  if (!options.reject.empty()) outputs.push_back(options.reject);
  std::vector<std::string> reads = inputs;
  reads.push_back(options.rules);
  if (!options.files_from.empty()) reads.push_back(options.files_from);
  auto clash = clash_of(reads, outputs);
  if (!clash) clash = written_twice(outputs);
  if (clash) {
    complain(*clash);
    return kUsage;
  }
  auto sink = make_sink(options.sink.name(), options.sink.options(stop));
  if (!sink) {
    complain(sink.failure().message);
    return options.sink.status_of_failure();
  }
  Rejects rejects;
  FailedStarts failed;
  auto unwritable = rejects.open(options.reject, options.sink.resume());
  if (!unwritable) unwritable = failed.open(options.sink.dead_letters(), options.sink.resume());
  if (unwritable) {
    complain(unwritable->message);
    return kCouldNotRun;
  }
  const auto live = std::make_shared<LiveRules>(*rules);
  ReplayConfig config{.rules = live,
                      .inputs = std::move(inputs),
                      .filter = options.filter,
                      .pace = options.pace,
                      .route = {},
                      .threads = options.threads,
                      .resume = options.sink.resume(),
                      .accept_changes = options.sink.accept_changes(),
                      .record_bytes_max = options.record_bytes_max};
  config.filter.outputs = std::move(outputs);
  config.pace.since = config.route.since = options.filter.since;
  config.pace.until = config.route.until = options.filter.until;
  config.route.strict = options.strict;
  config.route.read_only = options.read_only == "flag"      ? ReadOnlyRule::flag
                           : options.read_only == "deliver" ? ReadOnlyRule::deliver
                                                            : ReadOnlyRule::name;
  Progress progress(options.common.quiet);
  ReplayHooks hooks;
  hooks.on_resume = [&](const IsToldAgain& is_told_again) { return rejects.resume(is_told_again); };
  hooks.on_reject = [&](const Reject& reject) {
    progress.clear();
    return rejects.take(reject);
  };
  hooks.on_failed = [&](const Start& start, const Outcome& outcome) {
    progress.clear();
    return failed.take(start, outcome);
  };
  hooks.on_progress = [&](const Tally& tally, std::uint64_t stored_bytes) { progress.show(tally, stored_bytes); };
  const Reloader reloader(options.rules, **sink, *live);
  const auto report = replay(config, **sink, hooks, stop);
  progress.clear();
  if (!report) {
    complain(report.failure().message);
    return kCouldNotRun;
  }
  auto lost = rejects.finish();
  if (!lost) lost = failed.finish();
  if (lost) complain(lost->message);
  if (const std::uint64_t count = (*report).files_passed_over; count > 0)
    complain(fmt::format("{}{}: passed over, as no file that is named or begins like logs; name what is to be read",
                         (*report).first_passed_over, count == 1 ? "" : fmt::format(" and {} more", count - 1)));
  if (!options.common.quiet && !options.common.json) print_summary(*report);
  if (options.common.json && !print(json_summary(*report))) return kCouldNotRun;
  if (lost) return kCouldNotRun;
  if ((*report).stopped) return kInterrupted;
  return (*report).tally.bad.empty() && (*report).failed == 0 ? kDone : kPartly;
}

}  // namespace

void add_pace(CLI::App& command, Options& options) {
  const auto take = [&options](const std::string& text) {
    double factor = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
    const bool valid = error == std::errc{} && std::string_view(end) == "x" && factor > 0 && factor < 1e9;
    if (!valid && text != "max") throw CLI::ValidationError("--speed", text + " is no speed; expected max, 1x, 60x, …");
    options.pace.speed = text == "max" ? 0 : factor;
  };
  CLI::Option* const speed =
      command.add_option_function<std::string>("--speed", take, "Pace by event time: max, 1x, 60x, … (max)");
  add_rate(command, "--rate", options.pace.records_per_second, "Pace: so many records a second, evenly");
  command.get_option("--rate")->excludes(speed);
  command.add_flag("--sort", options.pace.sort, "Order records by event time, within a window of 64 MB");
}

void add_replay(CLI::App& app, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("replay", "Replay logs through rules and start what they target");
  command->add_option("--rules", options->rules, "Rule set: .json, .yaml or one rule a line")->required();
  command->add_option("input", options->inputs, "Files, directories, or - for standard input");
  command->add_option("--files-from", options->files_from,
                      "Read the paths of inputs from this file too, one a line; - is standard input");
  command->add_option("--account", options->filter.accounts, "In CloudTrail's layout of folders: only of this account")
      ->allow_extra_args(false);
  command->add_option("--region", options->filter.regions, "In CloudTrail's layout of folders: only of this region")
      ->allow_extra_args(false);
  add_time(*command, "--since", options->filter.since,
           "Only events of this time or later; folders of earlier days stay unopened");
  add_time(*command, "--until", options->filter.until,
           "Only events before this time; folders of days far behind it stay unopened");
  command->add_flag("--insights", options->filter.insights, "Read CloudTrail-Insight folders too");
  add_pace(*command, *options);
  options->sink.add_to(*command);
  options->sink.add_resume_to(*command);
  command
      ->add_option(
          "--read-only", options->read_only,
          "Which read-only management events only rules of state ENABLED_WITH_ALL_… get: by name, by flag, none")
      ->check(CLI::IsMember({"name", "flag", "deliver"}))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "Workers")
      ->check(CLI::Range(1u, kThreadsMax))
      ->capture_default_str();
  add_max_record(*command, options->record_bytes_max);
  command->add_option("--reject", options->reject,
                      "Keep bad records here, with place and reason, one JSON object a line");
  command->add_flag("--strict", options->strict, "Check every record to its last byte, not only those that match");
  add_common(*command, options->common);
  command->footer(
      "An execution's name is made from rule, target and event, so a start that is repeated never runs twice on a "
      "standard state machine;\non an express one it may.\nExamples:\n  millrace replay --rules rules.json "
      "s3-copy/AWSLogs "
      "--to ndjson:starts.ndjson --threads 2\n  millrace replay --rules rules.json s3-copy/AWSLogs --to local:runs.db "
      "--resume\n  millrace replay --rules rules.json trail.json.gz --to aws --dead-letters dead.ndjson");
  command->callback([&run, options] {
    if (options->inputs.empty() && options->files_from.empty())
      throw CLI::RequiredError("input: a file, a directory, - for standard input, or --files-from FILE");
    if (options->files_from == "-" && std::count(options->inputs.begin(), options->inputs.end(), "-") > 0)
      throw CLI::ValidationError("--files-from", "standard input cannot be both the list and an input");
    if (!options->filter.since.empty() && !options->filter.until.empty() &&
        options->filter.until <= options->filter.since)
      throw CLI::ValidationError("--until", "is not behind --since, so no event lies between them");
    if (options->sink.has_idle_checkpoint())
      throw CLI::ValidationError("--checkpoint", "says where --resume keeps the position; give --resume too");
    if (options->pace.sort && options->sink.resume())
      throw CLI::ValidationError("--resume", "a sorted replay has no position in its inputs; leave out --sort");
    run = [options] { return run_replay(*options); };
  });
}

}  // namespace millrace::tools
