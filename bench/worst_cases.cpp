// What the worst events and rule sets cost, and the bound that each has to keep.
//
// An event is indexed, walked and matched as a worker does it (Router::count_matches); one that matches is validated.
// Counters of a case, a pass being over its events:
//
//   bound_ns         the larger of 50 x an ordinary event of the same size (or one of usual size, if that is more) and,
//                    for Bound::looks, 50 ns for each look
//   growth           a pass at the size of the name, divided by one at a quarter of it; 0 where the size is fixed
//   resident_bytes   by how much the first pass raises the peak of resident memory, and its bound
//   ordinary_ns      an ordinary event under 1,000 tenants' rules, in this run
//
// Usage: millrace_worst_cases [LOGS] [--benchmark_...]. Without LOGS, ordinary events are generated ones.
// Tests:  a case that does not match exactly the rules that it should, or an event that is refused, is an error.
// Not measured here: compiling the rules, cold caches, the allocator that the command is linked with.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

#include "bench/worst_case.hpp"
#include "engine/route/router.hpp"
#include "engine/workload.hpp"

namespace millrace::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kOrdinaryEventsMax = 50, kLookNsMax = 50;

// LIMIT: leaves, index and the validator's tape take about 50 bytes a byte of an event of nothing but small values.
constexpr double kResidentBytesAByte = 100, kResidentBytesMin = 4e6;

double ns_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

Block block_of(const std::vector<std::string>& events) {
  Block out;
  out.input = std::make_shared<const std::string>("worst case");
  for (const std::string& event : events) {
    out.records.push_back({static_cast<std::uint32_t>(out.text.size()), static_cast<std::uint32_t>(event.size()),
                           out.text.size(), out.records.size() + 1});
    out.text += event + "\n";
  }
  out.text_bytes = out.text.size();
  out.text.append(kJsonPaddingBytes, ' ');
  return out;
}

std::shared_ptr<const RuleSet> rule_set(const std::string& lines) {
  auto rules = RuleSet::parse(lines, "worst case", {.extra_paths = router_paths(), .check_targets = false});
  if (!rules) std::fprintf(stderr, "%s\n", rules.failure().message.c_str());
  return rules ? *rules : nullptr;
}

std::shared_ptr<const RuleSet> rules_of(const std::vector<std::string>& patterns) {
  std::string lines;
  for (std::size_t i = 0; i < patterns.size(); ++i)
    lines += fmt::format(
        R"({{"Name":"r{}","EventPattern":{},"Targets":[{{"Id":"1","Arn":"arn:aws:states:us-east-2:123456789012:stateMachine:s"}}]}})"
        "\n",
        i, patterns[i]);
  return rule_set(lines);
}

// What events that are nothing special cost.
struct Ordinary {
  double event_ns = 0, byte_ns = 0;

  double bound_ns(double events, double bytes) const {
    return kOrdinaryEventsMax * std::max(events * event_ns, bytes * byte_ns);
  }
};

HeldEvents generated_events() {
  constexpr std::size_t kEvents = 3000;
  HeldEvents out;
  std::vector<std::string> records;
  for (std::uint64_t i = 0; i < kEvents; ++i) records.push_back(generated_record(1, i));
  out.blocks.push_back(block_of(records));
  out.events = kEvents;
  for (const auto& record : records) out.bytes += record.size();
  return out;
}

// Records as the events that EventBridge makes of them; ready events stay as they are.
HeldEvents as_events(const HeldEvents& held) {
  Router router(rules_of({R"({"source":[{"exists":true}]})"}), {.read_only = ReadOnlyRule::deliver, .strict = false});
  StartBatch batch;
  for (const Block& block : held.blocks) router.route(block, batch);
  HeldEvents out;
  std::vector<std::string> events;
  for (Start& start : batch.starts) {
    out.bytes += start.input.size();
    events.push_back(std::move(start.input));
  }
  out.events = events.size();
  out.blocks.push_back(block_of(events));
  return out;
}

Ordinary measure_ordinary(const HeldEvents& held) {
  constexpr std::uint64_t kRules = 1000;
  constexpr int kPasses = 31;
  const RuleSource source = rule_source(held, held.events / 10, kRules, {}, 1);
  std::string lines;
  for (std::uint64_t i = 0; i < kRules; ++i) lines += tenant_rule(1, i, kRules, source, {}) + "\n";
  Router router(rule_set(lines), {.read_only = ReadOnlyRule::deliver, .strict = false});
  std::vector<double> passes_ns;
  for (int i = 0; i < kPasses; ++i) {
    const auto begin = Clock::now();
    for (const Block& block : held.blocks) benchmark::DoNotOptimize(router.count_matches(block));
    passes_ns.push_back(ns_since(begin));
  }
  std::nth_element(passes_ns.begin(), passes_ns.begin() + kPasses / 2, passes_ns.end());
  const double pass_ns = passes_ns[kPasses / 2];
  return {pass_ns / static_cast<double>(held.events), pass_ns / static_cast<double>(held.bytes)};
}

double status_bytes(const char* name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(line.find(':') + 1)) * 1024;
  }
  return 0;
}

// A case made ready: rules compiled, events in one block.
class Subject {
 public:
  Subject(const NamedCase& named, std::size_t scale) : case_(named.make(scale)), rules_(rules_of(case_.patterns)) {
    case_.patterns = {};
    std::vector<std::string> events;
    for (const auto& detail : case_.details) events.push_back(R"({"detail-type":"worst","detail":)" + detail + "}");
    case_.details = {};
    block_ = block_of(events);
    looks_ns_ = named.bound == Bound::looks ? kLookNsMax * static_cast<double>(case_.looks) : 0;
  }

  // Nullptr if all is as the case says. The events must be events: one that is refused would be fast.
  const char* fault() {
    if (rules_ == nullptr) return "the rules were refused";
    resident_bytes_ = -resident_after_trim();
    router_.emplace(rules_, RouteOptions{.read_only = ReadOnlyRule::deliver, .strict = false});
    const std::uint64_t matches = pass();
    resident_bytes_ += status_bytes("VmHWM");
    StartBatch batch;
    router_->match(block_, batch, [](std::string_view, std::span<const RuleId>) {});
    const std::uint64_t undecided = batch.tally.bad["undecidable_arrays"];
    if (undecided != case_.undecided || batch.tally.routed + undecided != block_.records.size())
      return "an event was refused";
    if (matches != case_.matches || batch.tally.matches != case_.matches) return "wrong number of matches";
    return nullptr;
  }

  std::uint64_t pass() { return router_->count_matches(block_); }

  // The fastest of a few passes: what others do on the machine does not make a case grow.
  double pass_ns() {
    constexpr double kEnoughNs = 5e7;
    double best = 1e18, sum = 0;
    for (int i = 0; i < 20 && sum < kEnoughNs; ++i) {
      const auto begin = Clock::now();
      benchmark::DoNotOptimize(pass());
      const double took = ns_since(begin);
      best = std::min(best, took);
      sum += took;
    }
    return best;
  }

  double bound_ns(const Ordinary& ordinary) const {
    return std::max(looks_ns_, ordinary.bound_ns(static_cast<double>(block_.records.size()), bytes()));
  }
  double bytes() const { return static_cast<double>(block_.text_bytes); }
  double resident_bytes() const { return resident_bytes_; }

 private:
  // Gives back what compiling left, so that growth is growth, and resets the peak.
  static double resident_after_trim() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
    return status_bytes("VmRSS");
  }

  WorstCase case_;
  std::shared_ptr<const RuleSet> rules_;
  Block block_;
  double looks_ns_ = 0;
  std::optional<Router> router_;
  double resident_bytes_ = 0;
};

// 0 where the size is fixed; nullopt if the case is wrong at a quarter of its size.
std::optional<double> growth_of(const NamedCase& named, double full_ns) {
  if (!named.grows) return 0;
  Subject quarter(named, kQuarterScale);
  if (quarter.fault() != nullptr) return std::nullopt;
  return full_ns / quarter.pass_ns();
}

void run_case(benchmark::State& state, const NamedCase& named, const Ordinary& ordinary) {
  Subject subject(named, kFullScale);
  if (const char* fault = subject.fault()) return state.SkipWithError(fault);
  double best_ns = 0;
  for (auto _ : state) {
    best_ns = subject.pass_ns();
    state.SetIterationTime(best_ns / 1e9);
  }
  const auto growth = growth_of(named, best_ns);
  if (!growth) return state.SkipWithError("wrong at a quarter of its size");
  state.counters["bound_ns"] = subject.bound_ns(ordinary);
  state.counters["growth"] = *growth;
  state.counters["resident_bytes"] = subject.resident_bytes();
  state.counters["resident_bytes_bound"] = std::max(kResidentBytesMin, kResidentBytesAByte * subject.bytes());
  state.counters["event_bytes"] = subject.bytes();
  state.counters["ordinary_ns"] = ordinary.event_ns;
}

void register_cases(const std::vector<NamedCase>& cases, const Ordinary& ordinary) {
  for (const NamedCase& named : cases)
    benchmark::RegisterBenchmark(named.name, [&](benchmark::State& state) { run_case(state, named, ordinary); })
        ->Iterations(1)  // each is the fastest of several passes
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace millrace::bench

int main(int argc, char** argv) {
  using namespace millrace;
  using namespace millrace::bench;
  benchmark::Initialize(&argc, argv);
  std::vector<std::string> logs(argv + 1, argv + argc);
  const auto held = logs.empty() ? Result<HeldEvents>(generated_events()) : hold_events(logs);
  if (!held) {
    std::fprintf(stderr, "%s\n", held.failure().message.c_str());
    return 4;
  }
  const Ordinary ordinary = measure_ordinary(as_events(*held));
  for (const auto* cases : {&rule_cases(), &structure_cases(), &value_cases()}) register_cases(*cases, ordinary);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
