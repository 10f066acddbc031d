// millrace match: which rules does each event match?
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "engine/ingest/inputs.hpp"
#include "engine/ingest/record_reader.hpp"
#include "engine/route/router.hpp"
#include "tools/command.hpp"

namespace millrace::tools {
namespace {

struct Options {
  Common common;
  std::string rules;
  std::vector<std::string> inputs;
  std::uint64_t record_bytes_max = kRecordBytesMaxDefault;
};

int run_match(const Options& options) {
  const std::atomic<int>& stop = stop_on_signals();
  auto rules = RuleSet::load(options.rules, {.extra_paths = router_paths(), .check_targets = false});
  if (!rules) {
    complain(rules.failure().message);
    return kCouldNotRun;
  }
  const InputList inputs = list_inputs(options.inputs);
  for (const auto& failure : inputs.failures) complain(failure.sentence());
  if (inputs.files.empty()) return kCouldNotRun;
  Router router(*rules, {.read_only = ReadOnlyRule::deliver, .strict = true});
  Tally total;
  std::string out;
  const auto visit = [&](std::string_view id, std::span<const RuleId> matched) {
    out += "{\"id\":";
    append_json_string(id, out);
    out += ",\"matches\":[";
    for (const RuleId rule : matched) {
      if (rule != matched.front()) out += ',';
      append_json_string((*rules)->rules()[rule].name, out);
    }
    out += "]}\n";
  };
  for (const InputFile& file : inputs.files) {
    RecordReader reader(file.path, options.record_bytes_max);
    ++total.files;
    for (Block block; stop == 0 && reader.next(block);) {
      StartBatch batch;
      router.match(block, batch, visit);
      for (const Reject& reject : batch.rejects) complain(reject.sentence());
      for (const BadStretch& bad : block.bad) {
        complain(fmt::format("{}: record {} at byte {}: {}", *block.input, bad.number, bad.offset, bad.reason));
        ++batch.tally.records;
        ++batch.tally.bad[bad.kind];
      }
      total.add(batch.tally);
      if (!options.common.json && !print(out)) return kCouldNotRun;
      out.clear();
    }
  }
  if (options.common.json) {
    const nlohmann::ordered_json summary = {{"schema", 1},
                                            {"files", total.files},
                                            {"records", total.records},
                                            {"bad", total.bad},
                                            {"matched_events", total.matched_events},
                                            {"matches", total.matches}};
    if (!print(summary.dump() + "\n")) return kCouldNotRun;
  }
  if (stop != 0) return kInterrupted;
  return total.bad.empty() && inputs.failures.empty() ? kDone : kPartly;
}

}  // namespace

void add_match(CLI::App& app, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("match", "Print the rules that each event matches, one line an event");
  command->add_option("--rules", options->rules, "Rule set: .json, .yaml or one rule a line")->required();
  command->add_option("input", options->inputs, "Files, directories, or - for standard input")->required();
  add_max_record(*command, options->record_bytes_max);
  add_common(*command, options->common);
  command->footer(
      "Patterns alone decide here: read-only events are matched like any other; rules that are disabled match "
      "nothing.\n"
      "Every event is checked to its last byte.\nExample:\n  millrace match --rules rules.json events.ndjson");
  command->callback([&run, options] { run = [options] { return run_match(*options); }; });
}

}  // namespace millrace::tools
