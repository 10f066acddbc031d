// millrace gen: seeded workloads, rule sets of tenants and buckets of logs.
#include <fmt/core.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "engine/execute/start.hpp"
#include "engine/route/string_index.hpp"
#include "engine/uuid.hpp"
#include "engine/workload.hpp"
#include "tools/command.hpp"

namespace millrace::tools {
namespace {

struct RulesOptions {
  std::uint64_t count = 1000, seed = 1;
  std::vector<std::string> like;
  std::vector<unsigned> mix = {1, 1, 1, 1, 1};
  double matches_per_event = 0.1;
};

struct RecordsOptions {
  std::uint64_t count = 1000, seed = 1, per_file = 500;
  std::string out = "-";
};

// Without examples, rules are modelled on the records that `gen records` makes.
HeldEvents generated_events(std::uint64_t seed) {
  constexpr std::uint64_t kExamples = 3000;
  HeldEvents out;
  Block block;
  for (std::uint64_t i = 0; i < kExamples; ++i) {
    const std::string record = generated_record(seed, i);
    block.records.push_back(
        {static_cast<std::uint32_t>(block.text.size()), static_cast<std::uint32_t>(record.size()), 0, i + 1});
    block.text += record;
  }
  block.text_bytes = block.text.size();
  block.text.append(kJsonPaddingBytes, ' ');
  out.events = kExamples;
  out.blocks.push_back(std::move(block));
  return out;
}

int run_rules(const RulesOptions& options) {
  Result<HeldEvents> events =
      options.like.empty() ? Result<HeldEvents>(generated_events(options.seed)) : hold_events(options.like);
  if (!events) {
    complain(events.failure().message);
    return kCouldNotRun;
  }
  TenantMix mix;
  std::copy(options.mix.begin(), options.mix.end(), mix.weights.begin());
  const auto matches =
      static_cast<std::uint64_t>(options.matches_per_event * static_cast<double>((*events).events) + 0.5);
  const RuleSource source = rule_source(*events, matches, options.count, mix, options.seed);
  if (source.models.empty()) {
    complain("--like: no CloudTrail records in it");
    return kCouldNotRun;
  }
  if (source.matches < matches)
    complain(fmt::format("these rules match {:.3f} times an event, not {}: so few of this mix can match no more",
                         static_cast<double>(source.matches) / static_cast<double>((*events).events),
                         options.matches_per_event));
  constexpr std::size_t kFlushBytes = std::size_t{1} << 18;
  const std::atomic<int>& stop = stop_on_signals();
  std::string out;
  for (std::uint64_t i = 0; i < options.count && stop == 0; ++i) {
    out += tenant_rule(options.seed, i, options.count, source, mix) + "\n";
    if (out.size() < kFlushBytes) continue;
    if (!print(out)) return kCouldNotRun;
    out.clear();
  }
  if (!print(out)) return kCouldNotRun;
  return stop == 0 ? kDone : kInterrupted;
}

std::string gzipped(std::string text) {
  std::string out(text.size() + 4096, '\0');
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<std::uint8_t*>(text.data());
  stream.avail_in = static_cast<std::uint32_t>(text.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) throw std::runtime_error("gzip failed");
  out.resize(stream.total_out);
  return out;
}

// CloudTrail's own key: AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE.
std::filesystem::path log_path(const std::string& out, std::uint64_t seed, std::uint64_t number) {
  constexpr std::size_t kUniqueBytes = 16;
  std::string unique = uuid_from(fmt::format("file {} {}", seed, number));
  std::erase(unique, '-');
  unique.resize(kUniqueBytes);
  const std::uint64_t minute = number * 5;
  return std::filesystem::path(out) / fmt::format(
                                          "AWSLogs/123456789012/CloudTrail/us-east-2/2024/03/{0:02}/"
                                          "123456789012_CloudTrail_us-east-2_202403{0:02}T{1:02}{2:02}Z_{3}.json.gz",
                                          1 + minute / 1440 % 28, minute / 60 % 24, minute % 60, unique);
}

int write_bucket(const RecordsOptions& options, const std::atomic<int>& stop) {
  for (std::uint64_t file = 0, i = 0; i < options.count && stop == 0; ++file) {
    std::string text = "{\"Records\":[";
    for (const std::uint64_t end = std::min(options.count, i + options.per_file); i < end; ++i) {
      if (text.back() != '[') text += ',';
      text += generated_record(options.seed, i);
    }
    const auto path = log_path(options.out, options.seed, file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream stream(path, std::ios::binary);
    stream << gzipped(text + "]}");
    if (!stream.flush()) {
      complain(path.string() + ": cannot be written: " + std::strerror(errno));
      return kCouldNotRun;
    }
  }
  return stop == 0 ? kDone : kInterrupted;
}

int run_records(const RecordsOptions& options) {
  const std::atomic<int>& stop = stop_on_signals();
  if (options.out != "-") return write_bucket(options, stop);
  for (std::uint64_t i = 0; i < options.count && stop == 0; ++i) {
    if (!print(generated_record(options.seed, i) + "\n")) return kCouldNotRun;
  }
  return stop == 0 ? kDone : kInterrupted;
}

}  // namespace

void add_gen(CLI::App& app, Run& run) {
  CLI::App* gen = app.add_subcommand("gen", "Generate seeded workloads")->require_subcommand(1);

  auto rules = std::make_shared<RulesOptions>();
  CLI::App* command = gen->add_subcommand("rules", "A rule set of tenants, one rule a line");
  command->add_option("--count", rules->count, "Rules")->transform(count_option())->capture_default_str();
  command->add_option("--seed", rules->seed, "The same seed gives the same rules")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--like", rules->like, "Events to model the rules on (default: those of gen records)");
  command
      ->add_option("--mix", rules->mix,
                   "Weights of bucket name, ARN prefix, CIDR, account with anything-but, user names")
      ->delimiter(',')
      ->expected(tenant_kinds);
  command
      ->add_option("--matches-per-event", rules->matches_per_event,
                   "Rule matches an event, over the events modelled on")
      ->check(number_between(0, 1))
      ->capture_default_str();
  command->footer("Example:\n  millrace gen rules --count 10k --like logs/ > rules.ndjson");
  command->callback([&run, rules] {
    run = [rules] {
      if (std::all_of(rules->mix.begin(), rules->mix.end(), [](unsigned weight) { return weight == 0; })) {
        complain("--mix: at least one weight must be above 0");
        return static_cast<int>(kUsage);
      }
      return run_rules(*rules);
    };
  });

  auto records = std::make_shared<RecordsOptions>();
  command = gen->add_subcommand("records", "CloudTrail logs: a bucket of gzipped files, or one record a line");
  command->add_option("--count", records->count, "Records")->transform(count_option())->capture_default_str();
  command->add_option("--seed", records->seed, "The same seed gives the same records")
      ->check(whole_number())
      ->capture_default_str();
  command->add_option("--per-file", records->per_file, "Records a file")
      ->transform(count_option())
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000}))
      ->capture_default_str();
  command->add_option("--out", records->out, "Folder of the bucket, or - for standard output")->capture_default_str();
  command->footer("Example:\n  millrace gen records --count 5k --out bucket");
  command->callback([&run, records] { run = [records] { return run_records(*records); }; });
}

}  // namespace millrace::tools
