// millrace bench: how fast does this rule set match these events, held in memory?
#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
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

const RouteOptions kRouteOptions = {.read_only = ReadOnlyRule::deliver, .strict = false};
constexpr double kTurnSeconds = 0.05;  // short beside the machine's moods, long beside filling its caches again

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

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

// What is measured: a pass over all events, again and again. What it finds is kept, so that no pass is left out.
class Subject {
 public:
  Subject(std::uint64_t events, std::function<std::uint64_t()> pass) : events_(events), pass_(std::move(pass)) {}

  // Events a second in this turn, which lasts for `seconds` and a whole pass at least.
  double take_turn(double seconds, const std::atomic<int>& stop) {
    const auto begin = Clock::now();
    std::uint64_t passes = 0;
    do {
      found_ += pass_();
      ++passes;
    } while (stop == 0 && since(begin) < seconds);
    const double took = since(begin);
    passes_ += passes;
    seconds_ += took;
    return static_cast<double>(passes * events_) / took;
  }
  double seconds() const { return seconds_; }
  double events_per_second() const { return static_cast<double>(passes_ * events_) / seconds_; }

 private:
  std::uint64_t events_, passes_ = 0, found_ = 0;
  double seconds_ = 0;
  std::function<std::uint64_t()> pass_;
};

// The rule set on several threads, each over all events.
class Matchers {
 public:
  Matchers(unsigned threads, const std::shared_ptr<const RuleSet>& rules, const HeldEvents& held) {
    for (unsigned i = 0; i < threads; ++i) {
      auto router = std::make_shared<Router>(rules, kRouteOptions);
      subjects_.emplace_back(held.events, [router, &held] {
        std::uint64_t matches = 0;
        for (const Block& block : held.blocks) matches += router->count_matches(block);
        return matches;
      });
    }
  }

  double take_turn(double seconds, const std::atomic<int>& stop) {
    std::vector<double> rates(subjects_.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < subjects_.size(); ++i)
      threads.emplace_back([&, i] { rates[i] = subjects_[i].take_turn(seconds, stop); });
    rates[0] = subjects_[0].take_turn(seconds, stop);
    for (auto& thread : threads) thread.join();
    return std::accumulate(rates.begin(), rates.end(), 0.0);
  }
  double seconds() const { return subjects_[0].seconds(); }
  double events_per_second() const {
    double total = 0;
    for (const Subject& one : subjects_) total += one.events_per_second();
    return total;
  }

 private:
  std::vector<Subject> subjects_;
};

// The limits of the machine on the same bytes: simdjson's DOM parser event by event, and its index alone.
Subject dom_of(const HeldEvents& held) {
  auto parser = std::make_shared<simdjson::dom::parser>();
  return {held.events, [parser, &held] {
            std::uint64_t failures = 0;
            for (const Block& block : held.blocks) {
              for (const RecordRef& ref : block.records)
                failures += parser->parse(block.text.data() + ref.begin, ref.bytes, false).error() != simdjson::SUCCESS;
            }
            return failures;
          }};
}

Subject index_of(const HeldEvents& held) {
  std::size_t bytes_max = 1;
  for (const Block& block : held.blocks) bytes_max = std::max(bytes_max, block.text_bytes);
  std::unique_ptr<simdjson::internal::dom_parser_implementation> made;
  if (simdjson::get_active_implementation()->create_dom_parser_implementation(bytes_max, 1, made) != simdjson::SUCCESS)
    throw std::bad_alloc();
  return {held.events, [parser = std::shared_ptr(std::move(made)), &held] {
            std::uint64_t failures = 0;
            for (const Block& block : held.blocks) {
              failures += parser->stage1(reinterpret_cast<const std::uint8_t*>(block.text.data()), block.text_bytes,
                                         simdjson::stage1_mode::regular) != simdjson::SUCCESS;
            }
            return failures;
          }};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Measured {
  double events_per_second, seconds, dom_events_per_second = 0, index_events_per_second = 0, dom_units = 0;
};

// Rule set and limits take turns, so that what else the machine does falls on both; the ratio is the median of the
// turns'.
Measured measure(const Options& options, const std::shared_ptr<const RuleSet>& rules, const HeldEvents& held,
                 const std::atomic<int>& stop) {
  Matchers matchers(options.threads, rules, held);
  if (!options.limits) {
    matchers.take_turn(options.seconds, stop);
    return {matchers.events_per_second(), matchers.seconds()};
  }
  Subject dom = dom_of(held), index = index_of(held);
  std::vector<double> ratios;
  do {
    const double rate = matchers.take_turn(kTurnSeconds, stop);
    ratios.push_back(rate / dom.take_turn(kTurnSeconds, stop));
    index.take_turn(kTurnSeconds, stop);
  } while (stop == 0 && matchers.seconds() < options.seconds);
  return {matchers.events_per_second(), matchers.seconds(), dom.events_per_second(), index.events_per_second(),
          median(std::move(ratios))};
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
  Router router(*rules, kRouteOptions);
  const First first = look_at(router, *held);
  const Measured measured = measure(options, *rules, *held, stop);
  const double rate = measured.events_per_second;
  const double events = static_cast<double>((*held).events),
               bytes_per_event = static_cast<double>((*held).bytes) / events;
  nlohmann::ordered_json out = {{"schema", 1},
                                {"events", (*held).events},
                                {"rules", (*rules)->rules().size()},
                                {"bad", first.bad},
                                {"matches", first.matches},
                                {"events_per_second", rate},
                                {"bytes_per_second", rate * bytes_per_event},
                                {"ns_per_event", 1e9 / rate * options.threads},
                                {"threads", options.threads},
                                {"seconds", measured.seconds},
                                {"compile_seconds", (*rules)->compile_seconds()},
                                {"automaton_bytes", (*rules)->automaton()->bytes()}};
  if (options.limits) {
    out["dom_events_per_second"] = measured.dom_events_per_second;
    out["index_events_per_second"] = measured.index_events_per_second;
    out["dom_units"] = measured.dom_units;
  }
  if (first.bad > 0) complain(fmt::format("{} bad, which match nothing; `millrace match` names them", first.bad));
  const int done = stop != 0 ? kInterrupted : first.bad > 0 ? kPartly : kDone;
  if (options.common.json) return print(out.dump() + "\n") ? done : kCouldNotRun;
  std::string text = fmt::format(
      "{} events of {:.0f} bytes, {} rules, {} matches in one pass\n{:.0f} events/s, {:.0f} ns/event, {:.2f} GB/s on "
      "{} thread(s)\ncompiled in {:.3f} s, {} bytes\n",
      (*held).events, bytes_per_event, (*rules)->rules().size(), first.matches, rate, 1e9 / rate * options.threads,
      rate * bytes_per_event / 1e9, options.threads, (*rules)->compile_seconds(), (*rules)->automaton()->bytes());
  if (options.limits) {
    text += fmt::format("{:.2f} times simdjson's DOM parser ({:.0f} events/s); its index alone {:.0f} events/s\n",
                        measured.dom_units, measured.dom_events_per_second, measured.index_events_per_second);
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
  command->add_flag("--limits", options->limits,
                    "Also measure simdjson's DOM parser and its index on the same bytes, in turns");
  add_common(*command, options->common);
  command->footer(
      "Patterns alone decide here: read-only events are matched like any other.\nExample:\n  millrace bench --rules "
      "rules.json --events logs/ --limits");
  command->callback([&run, options] { run = [options] { return run_bench(*options); }; });
}

}  // namespace millrace::tools
