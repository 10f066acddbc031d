#include "engine/execute/sink.hpp"

namespace millrace {
namespace {

class NullSink : public Sink {
 public:
  explicit NullSink(CheckpointFile checkpoint) : checkpoint_(std::move(checkpoint)) {}

  std::size_t group_starts() const override { return 1; }
  std::optional<Failure> write(std::span<const Start* const>, std::span<Outcome>) override { return {}; }
  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    return checkpoint_.save(progress, 0);
  }
  Result<ResumePoint> resume(const std::string& rules) override { return checkpoint_.resume(rules); }

 private:
  CheckpointFile checkpoint_;
};

}  // namespace

std::optional<Failure> check_rules(const RuleSet& rules, const Sink& sink) {
  for (const Rule& rule : rules.rules()) {
    if (auto failure = sink.check(rule)) return failure;
  }
  return {};
}

Result<CheckpointFile> CheckpointFile::open(const SinkOptions& options, const std::string& sink,
                                            const std::string& beside) {
  CheckpointFile out;
  if (!options.resume) return out;
  if (options.checkpoint.empty() && beside.empty())
    return Failure{"--resume: this sink has no file to keep the position beside; say where with --checkpoint FILE"};
  auto checkpoint = Checkpoint::open(options.checkpoint.empty() ? beside + ".checkpoint" : options.checkpoint);
  if (!checkpoint) return checkpoint.failure();
  out.checkpoint_ = std::move(*checkpoint);
  if (!options.checkpoint.empty()) out.sink_ = sink;
  out.accept_changes_ = options.accept_changes;
  return out;
}

Result<ResumePoint> CheckpointFile::resume(const std::string& rules_fingerprint) {
  if (!checkpoint_) return ResumePoint{};
  return checkpoint_->resume(sink_, rules_fingerprint, accept_changes_);
}

std::optional<Failure> CheckpointFile::save(std::span<const InputProgress> progress, std::uint64_t sink_bytes) {
  return checkpoint_ ? checkpoint_->save(progress, sink_bytes) : std::nullopt;
}

Result<std::unique_ptr<Sink>> make_null_sink(const SinkOptions& options) {
  auto checkpoint = CheckpointFile::open(options, "null", "");
  if (!checkpoint) return checkpoint.failure();
  return std::unique_ptr<Sink>(new NullSink(std::move(*checkpoint)));
}

Result<std::unique_ptr<Sink>> make_sink(const std::string& name, const SinkOptions& options) {
  constexpr std::string_view kNdjson = "ndjson:", kLocal = "local:";
  if (name == "null") return make_null_sink(options);
  if (name == "aws") return make_aws_sink(options);
  if (name == "local") return make_local_sink("millrace.db", options);
  if (name.starts_with(kLocal) && name.size() > kLocal.size())
    return make_local_sink(name.substr(kLocal.size()), options);
  if (name.starts_with(kNdjson) && name.size() > kNdjson.size())
    return make_ndjson_sink(name.substr(kNdjson.size()), options);
  return Failure{"--to " + name +
                 ": unknown sink; expected local, local:FILE, ndjson:FILE, ndjson:- for standard output, null or aws"};
}

}  // namespace millrace
