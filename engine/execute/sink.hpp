// Where starts go. One file a sink; make_sink() knows them all.
//
// The executor hands starts over in the order of the input, in groups as large as the sink likes, and asks it now and
// then to make them durable together with the position that they belong to.
//
// Threads: one thread an object, the executor's. Errors: a Failure means that the sink is lost for good; the run then
// stops. What becomes of a single start is its outcome.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/error.hpp"
#include "engine/execute/checkpoint.hpp"
#include "engine/execute/start.hpp"

namespace millrace {

enum class OutcomeKind : std::uint8_t {
  started,
  duplicate,
  failed,
  abandoned,
  pending
};  // abandoned: a stop came first

struct Outcome {
  OutcomeKind kind = OutcomeKind::started;
  StartError error;                 // of a failed one
  std::uint32_t attempts = 0;       // tries after the first
  const char* exhausted = nullptr;  // the bound of the RetryPolicy that was reached, in EventBridge's words
};

class Sink {
 public:
  virtual ~Sink() = default;

  // Starts that it likes to get at once.
  virtual std::size_t group_starts() const = 0;
  // Is every group committed, or only one a second?
  virtual bool commits_groups() const { return false; }

  // Takes the starts in the order of the input and fills in one outcome each, which are `started` when it is called. A
  // sink that waits for answers leaves some `pending`: it needs these starts and outcomes until advance() settled them.
  virtual std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome> outcomes) = 0;

  // Starts that are pending; and a while of work on them, which ends early when there is news.
  virtual std::size_t pending() const { return 0; }
  virtual void advance() {}

  // Makes durable what was written, and with it the position, if one is kept.
  virtual std::optional<Failure> commit(std::span<const InputProgress> progress) = 0;

  // Can it take starts of this rule's targets at all? Threads: any, at any time.
  virtual std::optional<Failure> check(const Rule&) const { return {}; }

  // Where an earlier run stopped; empty without --resume. Called once, before the first write().
  virtual Result<ResumePoint> resume(const std::string& rules_fingerprint) = 0;
};

// The first rule that a sink cannot take, in its words.
std::optional<Failure> check_rules(const RuleSet& rules, const Sink& sink);

struct AwsOptions {
  std::string endpoint_url;      // empty: of the environment, or Step Functions' own in the ARN's region
  double starts_per_second = 0;  // for each account and region; 0: the published quota
  unsigned in_flight = 64;
  std::chrono::milliseconds request_timeout{10'000}, retry_base{100}, drain_timeout{10'000};
};

struct SinkOptions {
  std::string checkpoint;  // file; empty: beside the sink's file, inside the local store
  bool resume = false, accept_changes = false;
  AwsOptions aws;
  const std::atomic<int>* stop = nullptr;
};

// `local`, `local:FILE`, `ndjson:FILE`, `ndjson:-`, `null` or `aws`. Fails if the name is none of these or the sink
// cannot be opened.
Result<std::unique_ptr<Sink>> make_sink(const std::string& name, const SinkOptions& options);

Result<std::unique_ptr<Sink>> make_null_sink(const SinkOptions& options);
Result<std::unique_ptr<Sink>> make_ndjson_sink(const std::string& path, const SinkOptions& options);
Result<std::unique_ptr<Sink>> make_local_sink(const std::string& path, const SinkOptions& options);
Result<std::unique_ptr<Sink>> make_aws_sink(const SinkOptions& options);

// The checkpoint file of a sink that has no store: opened if --resume asks for it.
class CheckpointFile {
 public:
  // `sink` is its name; `beside`, its file, if it has one.
  static Result<CheckpointFile> open(const SinkOptions& options, const std::string& sink, const std::string& beside);

  Result<ResumePoint> resume(const std::string& rules_fingerprint);
  std::optional<Failure> save(std::span<const InputProgress> progress, std::uint64_t sink_bytes);
  bool kept() const { return checkpoint_.has_value(); }

 private:
  std::optional<Checkpoint> checkpoint_;
  std::string sink_;
  bool accept_changes_ = false;
};

}  // namespace millrace
