// millrace bench: how fast does this rule set match these events, held in memory?
#include <fmt/core.h>
#include <simdjson.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/held_events.hpp"
#include "engine/route/router.hpp"
#include "tools/command.hpp"

namespace millrace::tools {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  Common common;
  std::string rules;
  std::vector<std::string> events;
  unsigned threads = 1;
  double seconds = 3;
  bool limits = false;
};

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Rate {
  double events_per_second = 0, seconds = 0;
};

struct First {
  std::uint64_t matches = 0, bad = 0;
};

// What a pass finds.
First look_at(Router& router, const HeldEvents& held) {
  First out{0, held.bad};
  for (const Block& block : held.blocks) {
    StartBatch batch;
    router.match(block, batch, [](std::string_view, std::span<const RuleId>) {});
    out.matches += batch.tally.matches;
    out.bad += batch.rejects.size();
  }
  return out;
}

// Runs pass() over all events until `seconds` are over.
template <typename Pass>
Rate measure(double seconds, std::uint64_t events, const std::atomic<int>& stop, Pass&& pass) {
  const auto begin = Clock::now();
  std::uint64_t passes = 0;
  do {
    pass();
    ++passes;
  } while (stop == 0 && since(begin) < seconds);
  const double took = since(begin);
  return {static_cast<double>(passes * events) / took, took};
}

Rate measure_threads(const Options& options, const std::shared_ptr<const RuleSet>& rules, const HeldEvents& held,
                     const std::atomic<int>& stop) {
  std::vector<Rate> rates(options.threads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; ++i) {
    threads.emplace_back([&, i] {
      Router router(rules, {.read_only = ReadOnlyRule::deliver, .strict = false});
      rates[i] = measure(options.seconds, held.events, stop, [&] {
        for (const Block& block : held.blocks) router.count_matches(block);
      });
    });
  }
  for (auto& thread : threads) thread.join();
  Rate total;
  for (const Rate& rate : rates) {
    total.events_per_second += rate.events_per_second;
    total.seconds = std::max(total.seconds, rate.seconds);
  }
  return total;
}

// The limits of the machine on the same bytes, in the same run: simdjson's DOM parser event by event, and its index
// alone.
Rate measure_dom(const Options& options, const HeldEvents& held, const std::atomic<int>& stop) {
  simdjson::dom::parser parser;
  std::uint64_t failures = 0;
  return measure(options.seconds, held.events, stop, [&] {
    for (const Block& block : held.blocks) {
      for (const RecordRef& ref : block.records)
        failures += parser.parse(block.text.data() + ref.begin, ref.bytes, false).error() != simdjson::SUCCESS;
    }
  });
}

Rate measure_index(const Options& options, const HeldEvents& held, const std::atomic<int>& stop) {
  std::size_t bytes_max = 1;
  for (const Block& block : held.blocks) bytes_max = std::max(bytes_max, block.text_bytes);
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  std::uint64_t failures =
      simdjson::get_active_implementation()->create_dom_parser_implementation(bytes_max, 1, parser);
  return measure(options.seconds, held.events, stop, [&] {
    for (const Block& block : held.blocks) {
      failures += parser->stage1(reinterpret_cast<const std::uint8_t*>(block.text.data()), block.text_bytes,
                                 simdjson::stage1_mode::regular) != simdjson::SUCCESS;
    }
  });
}

int run_bench(const Options& options) {
  const std::atomic<int>& stop = stop_on_signals();
  auto rules = RuleSet::load(options.rules, {.extra_paths = router_paths(), .check_targets = false});
  if (!rules) {
    complain(rules.failure().message);
    return kCouldNotRun;
  }
  const auto held = hold_events(options.events);
  if (!held) {
    complain(held.failure().message);
    return kCouldNotRun;
  }
  Router router(*rules, {.read_only = ReadOnlyRule::deliver, .strict = false});
  const First first = look_at(router, *held);
  const Rate rate = measure_threads(options, *rules, *held, stop);
  const double events = static_cast<double>((*held).events),
               bytes_per_event = static_cast<double>((*held).bytes) / events;
  nlohmann::ordered_json out = {{"schema", 1},
                                {"events", (*held).events},
                                {"rules", (*rules)->rules().size()},
                                {"bad", first.bad},
                                {"matches", first.matches},
                                {"events_per_second", rate.events_per_second},
                                {"bytes_per_second", rate.events_per_second * bytes_per_event},
                                {"ns_per_event", 1e9 / rate.events_per_second * options.threads},
                                {"threads", options.threads},
                                {"seconds", rate.seconds},
                                {"compile_seconds", (*rules)->compile_seconds()},
                                {"automaton_bytes", (*rules)->automaton()->bytes()}};
  if (options.limits) {
    const Rate dom = measure_dom(options, *held, stop), index = measure_index(options, *held, stop);
    out["dom_events_per_second"] = dom.events_per_second;
    out["index_events_per_second"] = index.events_per_second;
    out["dom_units"] = rate.events_per_second / dom.events_per_second;
  }
  if (first.bad > 0) complain(fmt::format("{} bad, which match nothing; `millrace match` names them", first.bad));
  const int done = stop != 0 ? kInterrupted : first.bad > 0 ? kPartly : kDone;
  if (options.common.json) return print(out.dump() + "\n") ? done : kCouldNotRun;
  std::string text = fmt::format(
      "{} events of {:.0f} bytes, {} rules, {} matches in one pass\n{:.0f} events/s, {:.0f} ns/event, {:.2f} GB/s on "
      "{} thread(s)\ncompiled in {:.3f} s, {} bytes\n",
      (*held).events, bytes_per_event, (*rules)->rules().size(), first.matches, rate.events_per_second,
      1e9 / rate.events_per_second * options.threads, rate.events_per_second * bytes_per_event / 1e9, options.threads,
      (*rules)->compile_seconds(), (*rules)->automaton()->bytes());
  if (options.limits) {
    text += fmt::format("{:.2f} times simdjson's DOM parser ({:.0f} events/s); its index alone {:.0f} events/s\n",
                        out["dom_units"].get<double>(), out["dom_events_per_second"].get<double>(),
                        out["index_events_per_second"].get<double>());
  }
  return print(text) ? done : kCouldNotRun;
}

}  // namespace

void add_bench(CLI::App& app, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("bench", "Measure how fast a rule set matches events held in memory");
  command->add_option("--rules", options->rules, "Rule set: .json, .yaml or one rule a line")->required();
  command->add_option("--events", options->events, "Events or records in any form that replay reads")->required();
  command->add_option("--threads", options->threads, "Threads, each over all events")
      ->check(CLI::Range(1u, 256u))
      ->capture_default_str();
  const auto take_seconds = [](std::string& text) {
    if (const auto duration = parse_duration(text))
      text = fmt::format("{}", std::chrono::duration<double>(*duration).count());
    return std::string();
  };
  command->add_option("--seconds", options->seconds, "How long to measure; also 500ms or 2m")
      ->check(number_between(0.01, 3600))
      ->transform(CLI::Validator(take_seconds, ""))
      ->capture_default_str();
  command->add_flag("--limits", options->limits, "Also measure simdjson's DOM parser and its index on the same bytes");
  add_common(*command, options->common);
  command->footer(
      "Patterns alone decide here: read-only events are matched like any other.\nExample:\n  millrace bench --rules "
      "rules.json --events logs/ --limits");
  command->callback([&run, options] { run = [options] { return run_bench(*options); }; });
}

}  // namespace millrace::tools
