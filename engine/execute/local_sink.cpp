// Writes starts into the local store, each group and its position in one transaction.
#include "engine/execute/local_store.hpp"
#include "engine/execute/sink.hpp"

namespace millrace {
namespace {

// PERF: of a transaction; fsync is the cost of a group, 16,384 starts make it small beside that of the rows.
constexpr std::size_t kGroupStarts = 16'384;

class LocalSink : public Sink {
 public:
  LocalSink(std::unique_ptr<Database> store, Statement insert, Statement find, std::optional<Checkpoint> checkpoint,
            bool accept_changes)
      : store_(std::move(store)),
        insert_(std::move(insert)),
        find_(std::move(find)),
        checkpoint_(std::move(checkpoint)),
        accept_changes_(accept_changes) {}

  std::size_t group_starts() const override { return kGroupStarts; }
  bool commits_groups() const override { return true; }

  std::optional<Failure> write(std::span<const Start* const> starts, std::span<Outcome> outcomes) override {
    if (auto failure = begin()) return failure;
    const std::string now = time_now();
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const auto kind = insert(*starts[i], now);
      if (!kind) {
        lost_ = true;  // with the transaction
        return store_->failure();
      }
      outcomes[i].kind = *kind;
    }
    return {};
  }

  std::optional<Failure> commit(std::span<const InputProgress> progress) override {
    if (lost_) return {};
    if (checkpoint_) {
      if (auto failure = begin()) return failure;
      if (auto failure = checkpoint_->put(progress, 0)) return failure;
    }
    if (!std::exchange(in_transaction_, false)) return {};
    return store_->run("COMMIT");
  }

  Result<ResumePoint> resume(const std::string& rules) override {
    if (!checkpoint_) return ResumePoint{};
    return checkpoint_->resume("", rules, accept_changes_);
  }

 private:
  std::optional<Failure> begin() {
    if (std::exchange(in_transaction_, true)) return {};
    return store_->run("BEGIN IMMEDIATE");
  }

  // nullopt if the store failed.
  std::optional<OutcomeKind> insert(const Start& start, const std::string& now) {
    const std::string execution_arn = execution_arn_of(start.target->arn, start.name);
    const std::string rule_arn = rule_arn_of(*start.rule, *start.target);
    insert_.bind(2, start.name).bind(3, start.target->arn).bind(4, execution_arn).bind(5, start.rule->name);
    insert_.bind(6, rule_arn).bind(7, start.target->id).bind(8, start.event_id).bind(9, start.event_time);
    insert_.bind(10, start.input).bind(11, now);
    const std::int64_t first = key_of(start.name);
    for (std::int64_t key = first; key <= first + kKeyTriesMax; ++key) {
      insert_.bind(1, key);
      insert_.step();
      insert_.reset();
      if (insert_.result() != SQLITE_DONE) return {};
      if (store_->changes() == 1) return OutcomeKind::started;
      find_.bind(1, key);
      const bool is_this = find_.step() && find_.text(0) == start.name && find_.text(1) == start.target->arn;
      find_.reset();
      if (is_this) return OutcomeKind::duplicate;
    }
    return {};
  }

  std::unique_ptr<Database> store_;
  Statement insert_, find_;
  std::optional<Checkpoint> checkpoint_;
  bool accept_changes_;
  bool in_transaction_ = false, lost_ = false;
};

}  // namespace

Result<std::unique_ptr<Sink>> make_local_sink(const std::string& path, const SinkOptions& options) {
  if (!options.checkpoint.empty())
    return Failure{"--checkpoint: the local store keeps the position itself, with the starts that it belongs to"};
  auto opened = open_store(path);
  if (!opened) return opened.failure();
  auto store = std::make_unique<Database>(std::move(*opened));
  auto insert = store->prepare("INSERT OR IGNORE INTO executions VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,'STARTED',?11)");
  if (!insert) return insert.failure();
  auto find = store->prepare("SELECT name, state_machine_arn FROM executions WHERE key=?1");
  if (!find) return find.failure();
  std::optional<Checkpoint> checkpoint;
  if (options.resume) {
    auto inside = Checkpoint::inside(*store);
    if (!inside) return inside.failure();
    checkpoint = std::move(*inside);
  }
  return std::unique_ptr<Sink>(new LocalSink(std::move(store), std::move(*insert), std::move(*find),
                                             std::move(checkpoint), options.accept_changes));
}

}  // namespace millrace
