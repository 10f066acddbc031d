#include "tools/sink_options.hpp"

#include <fmt/core.h>

namespace millrace::tools {

void SinkArguments::add_to(CLI::App& command) {
  command
      .add_option("--to", to_, "Sink: local[:FILE] (an SQLite file, millrace.db), aws, ndjson:FILE, ndjson:- or null")
      ->capture_default_str();
  command.add_option("--endpoint-url", endpoint_url_,
                     "With --to aws: where Step Functions answers (AWS_ENDPOINT_URL_SFN, AWS_ENDPOINT_URL)");
  add_rate(command, "--start-rate", start_rate_,
           "With --to aws: starts a second for each account and region (the published quota of standard machines)");
  command.add_option("--in-flight", in_flight_, "With --to aws: requests at once")
      ->check(CLI::Range(1u, 4096u))
      ->capture_default_str();
  add_duration(command, "--request-timeout", request_timeout_, "With --to aws: longest wait for an answer (10s)",
               std::chrono::milliseconds{1});
  add_duration(command, "--retry-base", retry_base_,
               "With --to aws: bound of the first wait before a retry, doubled for each (100ms)");
  add_duration(command, "--drain-timeout", drain_timeout_,
               "With --to aws: how long an interrupted run waits for what is in flight (10s)");
  command.add_option("--dead-letters", dead_letters_, "Keep starts that were given up here, one JSON object a line");
}

void SinkArguments::add_resume_to(CLI::App& command) {
  command.add_flag("--resume", resume_,
                   "Keep the position while running, and go on there when the same command is run again");
  command.add_option("--checkpoint", checkpoint_,
                     "Where --resume keeps the position (beside the sink's file; inside the local store)");
  command.add_flag("--accept-changes", accept_changes_,
                   "Resume although the rules or an input that was finished have changed");
}

SinkOptions SinkArguments::options(const std::atomic<int>& stop) const {
  SinkOptions out;
  out.checkpoint = checkpoint_;
  out.resume = resume_;
  out.accept_changes = accept_changes_;
  out.aws = {endpoint_url_, start_rate_, in_flight_, request_timeout_, retry_base_, drain_timeout_};
  out.stop = &stop;
  return out;
}

int SinkArguments::status_of_failure() const {
  const std::string file = file_of_sink();
  const bool known = to_ == "local" || to_ == "aws" || to_ == "null" || to_ == "ndjson:-" || !file.empty();
  const bool has_place = !file.empty() || !checkpoint_.empty();
  const bool usage = resume_ && (!has_place || to_ == "ndjson:-" || (!checkpoint_.empty() && to_.starts_with("local")));
  return known && !usage ? kCouldNotRun : kUsage;
}

std::string SinkArguments::file_of_sink() const {
  if (to_ == "local") return "millrace.db";
  for (const std::string_view kind : {"local:", "ndjson:"}) {
    if (to_.starts_with(kind) && to_ != "ndjson:-") return to_.substr(kind.size());
  }
  return {};
}

std::vector<std::string> SinkArguments::files() const {
  const std::string sink = file_of_sink();
  std::vector<std::string> out = {sink, dead_letters_, checkpoint_};
  if (!sink.empty()) out.push_back(sink + (to_.starts_with("local") ? "-journal" : ".checkpoint"));
  std::erase(out, "");
  return out;
}

std::optional<Failure> FailedStarts::open(const std::string& path, bool append) {
  return path.empty() ? std::nullopt : letters_.open(path, append);
}

std::optional<Failure> FailedStarts::take(const Start& start, const Outcome& outcome) {
  if (++by_code_[outcome.error.code] == 1) {
    complain(fmt::format("start {} of rule {} failed: {}: {}{}", start.name, start.rule->name, outcome.error.code,
                         outcome.error.message, letters_.kept() ? "" : "; --dead-letters FILE keeps all that fail"));
  }
  return letters_.kept() ? letters_.add(start, outcome) : std::nullopt;
}

}  // namespace millrace::tools
