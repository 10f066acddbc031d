// Batches in any order, starts in the order of the input.
#include "engine/execute/executor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

#include "tests/random.hpp"

namespace millrace {
namespace {

class NotingSink : public Sink {
 public:
  explicit NotingSink(std::size_t writes_max = ~std::size_t{0}) : writes_max_(writes_max) {}

  std::optional<Failure> write(std::span<const Start> starts) override {
    if (writes_++ == writes_max_) return Failure{"the disk is full"};
    for (const Start& start : starts) names.push_back(start.name);
    return {};
  }
  std::optional<Failure> finish() override {
    finished = true;
    return {};
  }

  std::vector<std::string> names;
  bool finished = false;

 private:
  std::size_t writes_ = 0, writes_max_;
};

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
    Executor executor(sink, [](const StartBatch&) {});
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
    REQUIRE(sink.finished);
  }
}

TEST_CASE("many workers may submit at once, far more than is kept", "[engine]") {
  constexpr std::uint64_t kSequences = 2000;
  NotingSink sink;
  std::uint64_t batches = 0;
  Executor executor(sink, [&](const StartBatch&) { ++batches; });
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
  Executor executor(sink, [](const StartBatch&) {});
  REQUIRE(executor.submit(batch(0, "0")));
  REQUIRE(executor.submit(batch(1, "1")));
  executor.close(3);
  const auto failure = executor.run();
  REQUIRE(failure);
  CHECK(failure->message == "the disk is full");
  CHECK_FALSE(executor.submit(batch(2, "2")));
  CHECK(sink.names == std::vector<std::string>{"0"});
}

TEST_CASE("a run without work ends, and finishes its sink", "[engine]") {
  NotingSink sink;
  Executor executor(sink, [](const StartBatch&) {});
  executor.close(0);
  CHECK_FALSE(executor.run());
  CHECK(sink.finished);
}

TEST_CASE("a sink that is none of ours is refused by name", "[engine]") {
  CHECK(make_sink("null"));
  CHECK_FALSE(make_sink("nowhere"));
  const auto unwritable = make_sink("ndjson:/nonexistent/file");
  REQUIRE_FALSE(unwritable);
  CHECK(unwritable.failure().message.find("/nonexistent/file") != std::string::npos);
}

}  // namespace
}  // namespace millrace
