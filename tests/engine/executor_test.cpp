// Batches in any order, starts in the order of the input.
#include "engine/execute/executor.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

#include "tests/random.hpp"

namespace millrace {
namespace {

class NotingSink : public Sink {
 public:
  explicit NotingSink(std::size_t writes_max = ~std::size_t{0}, std::size_t group = 1)
      : writes_max_(writes_max), group_(group) {}

  std::size_t group_starts() const override { return group_; }
  bool commits_groups() const override { return group_ > 1; }

  std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome> outcomes) override {
    if (writes_++ == writes_max_) return Failure{"the disk is full"};
    largest_group = std::max(largest_group, starts.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
      names.push_back(starts[i]->name);
      if (starts[i]->name == abandoned) outcomes[i].kind = OutcomeKind::abandoned;
    }
    return {};
  }
  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    ++commits;
    for (const InputProgress& input : progress) records_done = input.records_done;
    return {};
  }
  Result<ResumePoint> resume(const std::string&) override { return ResumePoint{}; }

  std::vector<std::string> names;
  std::string abandoned;
  std::size_t commits = 0, largest_group = 0;
  std::uint64_t records_done = 0;

 private:
  std::size_t writes_ = 0, writes_max_, group_;
};

std::optional<Failure> ignore(const StartBatch&, std::span<const Outcome>) { return {}; }

StartBatch batch(std::uint64_t sequence, const std::string& name, bool last = true) {
  StartBatch out;
  out.sequence = sequence;
  out.last = last;
  out.starts.emplace_back().name = name;
  return out;
}

TEST_CASE("batches that come out of order go to the sink in order", "[engine]") {
  const auto seed = test::seed_of_run();
  test::Random random(seed);
  INFO("MILLRACE_TEST_SEED=" << seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint64_t> order(1 + random.below(kBatchesAheadMax / 2));
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    NotingSink sink;
    Executor executor(sink, ignore);
    for (const auto sequence : order) {
      REQUIRE(executor.submit(batch(sequence, std::to_string(sequence) + "a", false)));
      REQUIRE(executor.submit(batch(sequence, std::to_string(sequence) + "b")));
    }
    executor.close(order.size());
    REQUIRE_FALSE(executor.run());
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < order.size(); ++i)
      expected.insert(expected.end(), {std::to_string(i) + "a", std::to_string(i) + "b"});
    REQUIRE(sink.names == expected);
    REQUIRE(sink.commits > 0);
  }
}

TEST_CASE("many workers may submit at once, far more than is kept", "[engine]") {
  constexpr std::uint64_t kSequences = 2000;
  NotingSink sink;
  std::uint64_t batches = 0;
  Executor executor(sink, [&](const StartBatch&, std::span<const Outcome>) {
    ++batches;
    return std::optional<Failure>();
  });
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      for (std::uint64_t sequence; (sequence = next++) < kSequences;)
        executor.submit(batch(sequence, std::to_string(sequence)));
    });
  }
  executor.close(kSequences);
  CHECK_FALSE(executor.run());
  for (auto& worker : workers) worker.join();
  CHECK(batches == kSequences);
  REQUIRE(sink.names.size() == kSequences);
  for (std::size_t i = 0; i < kSequences; ++i) REQUIRE(sink.names[i] == std::to_string(i));
}

TEST_CASE("a sink that fails ends the run and turns workers away", "[engine]") {
  NotingSink sink(1);
  Executor executor(sink, ignore);
  REQUIRE(executor.submit(batch(0, "0")));
  REQUIRE(executor.submit(batch(1, "1")));
  executor.close(3);
  const auto failure = executor.run();
  REQUIRE(failure);
  CHECK(failure->message == "the disk is full");
  CHECK_FALSE(executor.submit(batch(2, "2")));
  CHECK(sink.names == std::vector<std::string>{"0"});
}

TEST_CASE("a run without work ends, and commits", "[engine]") {
  NotingSink sink;
  Executor executor(sink, ignore);
  executor.close(0);
  CHECK_FALSE(executor.run());
  CHECK(sink.commits == 1);
}

TEST_CASE("starts are handed over in groups, each committed with its position", "[engine]") {
  constexpr std::uint64_t kSequences = 60;
  NotingSink sink(~std::size_t{0}, 10);
  Executor executor(sink, ignore);
  for (std::uint64_t i = 0; i < kSequences; ++i) {
    StartBatch one = batch(i, std::to_string(i));
    one.progress = {InputProgress{"log", 0, 0, i + 1, false}};
    REQUIRE(executor.submit(std::move(one)));
  }
  executor.close(kSequences);
  REQUIRE_FALSE(executor.run());
  CHECK(sink.largest_group == 10);
  CHECK(sink.commits >= kSequences / 10);
  CHECK(sink.records_done == kSequences);
}

TEST_CASE("the position does not pass a start that was abandoned", "[engine]") {
  NotingSink sink;
  sink.abandoned = "3";
  std::size_t abandoned = 0;
  Executor executor(sink, [&](const StartBatch&, std::span<const Outcome> outcomes) {
    for (const Outcome& outcome : outcomes) abandoned += outcome.kind == OutcomeKind::abandoned;
    return std::optional<Failure>();
  });
  for (std::uint64_t i = 0; i < 6; ++i) {
    StartBatch one = batch(i, std::to_string(i));
    one.progress = {InputProgress{"log", 0, 0, i + 1, false}};
    one.starts[0].record = i + 1;
    REQUIRE(executor.submit(std::move(one)));
  }
  executor.close(6);
  REQUIRE_FALSE(executor.run());
  CHECK(abandoned == 1);
  CHECK(sink.records_done == 3);
}

TEST_CASE("nothing behind a batch that was cut short is started", "[engine]") {
  NotingSink sink;
  Executor executor(sink, ignore);
  StartBatch cut = batch(0, "0");
  cut.cut_short = true;
  REQUIRE(executor.submit(batch(1, "1")));
  REQUIRE(executor.submit(std::move(cut)));
  executor.close(2);
  REQUIRE_FALSE(executor.run());
  CHECK(sink.names == std::vector<std::string>{"0"});
  CHECK_FALSE(executor.submit(batch(2, "2")));
}

TEST_CASE("who waits for batches is told so, again and again", "[engine]") {
  NotingSink sink;
  std::atomic<int> waits = 0;
  Executor executor(sink, ignore, [&] { ++waits; });
  std::thread reader([&] {
    while (waits < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(executor.submit(batch(0, "0")));
    executor.close(1);
  });
  CHECK_FALSE(executor.run());
  reader.join();
  CHECK(sink.names == std::vector<std::string>{"0"});
}

TEST_CASE("a start that was refused never reaches the sink, and fails", "[engine]") {
  NotingSink sink;
  std::vector<std::string> failed;
  Executor executor(sink, [&](const StartBatch& done, std::span<const Outcome> outcomes) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].kind == OutcomeKind::failed) failed.push_back(done.starts[i].name + outcomes[i].error.code);
    }
    return std::optional<Failure>();
  });
  StartBatch mixed = batch(0, "sent");
  mixed.starts.emplace_back().name = "refused";
  mixed.starts.back().refused = {"INVALID_JSON", "no JSON"};
  REQUIRE(executor.submit(std::move(mixed)));
  executor.close(1);
  REQUIRE_FALSE(executor.run());
  CHECK(sink.names == std::vector<std::string>{"sent"});
  CHECK(failed == std::vector<std::string>{"refusedINVALID_JSON"});
}

TEST_CASE("a sink that is none of ours is refused by name", "[engine]") {
  CHECK(make_sink("null", {}));
  CHECK_FALSE(make_sink("nowhere", {}));
  const auto unwritable = make_sink("ndjson:/nonexistent/file", {});
  REQUIRE_FALSE(unwritable);
  CHECK(unwritable.failure().message.find("/nonexistent/file") != std::string::npos);
}

// Settles the first start last of all.
class WaitingSink : public Sink {
 public:
  std::size_t group_starts() const override { return 4; }
  std::optional<Failure> write(std::span<const Start* const>, std::span<Outcome> outcomes) override {
    for (Outcome& outcome : outcomes) {
      outcome.kind = pending_.empty() ? OutcomeKind::pending : OutcomeKind::started;
      if (outcome.kind == OutcomeKind::pending) pending_.push_back(&outcome);
    }
    return {};
  }
  std::size_t pending() const override { return pending_.size(); }
  void advance() override {
    if (++advanced < 20) return;
    for (Outcome* outcome : pending_) outcome->kind = OutcomeKind::started;
    pending_.clear();
  }
  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    for (const InputProgress& input : progress) committed.push_back(input.records_done);
    return {};
  }
  Result<ResumePoint> resume(const std::string&) override { return ResumePoint{}; }

  int advanced = 0;
  std::vector<std::uint64_t> committed;

 private:
  std::vector<Outcome*> pending_;
};

TEST_CASE("a start that waits keeps back the position, and no other start", "[engine]") {
  constexpr std::uint64_t kBatches = 40;
  WaitingSink sink;
  std::vector<std::uint64_t> reported;
  Executor executor(sink, [&](const StartBatch& done, std::span<const Outcome> outcomes) -> std::optional<Failure> {
    CHECK(outcomes.front().kind == OutcomeKind::started);
    if (done.sequence == 0) CHECK(sink.advanced == 20);
    if (done.sequence + 1 == kBatches) CHECK(sink.advanced < 20);
    reported.push_back(done.sequence);
    return {};
  });
  for (std::uint64_t i = 0; i < kBatches; ++i) {
    StartBatch one = batch(i, std::to_string(i));
    one.progress.push_back({"in", 1, 1, i + 1, false});
    REQUIRE(executor.submit(std::move(one)));
  }
  executor.close(kBatches);
  REQUIRE_FALSE(executor.run());
  CHECK(reported.size() == kBatches);
  CHECK(reported.front() != 0);
  CHECK(std::is_sorted(sink.committed.begin(), sink.committed.end()));
  CHECK(sink.committed == std::vector<std::uint64_t>{kBatches});
}

}  // namespace
}  // namespace millrace
