// A rule set as people have it: names, states, patterns, targets; read from a file and compiled.
//
// Shape of a file: {"Rules": [rule, ...]}, a bare array, one rule, or one rule a line; .yaml and .yml hold the same.
// Members have AWS's names: Name, Arn, State, EventPattern (an object or a string that holds one), Targets [{Id, Arn,
// Input, InputPath, InputTransformer, RetryPolicy, ...}].
//
// Invariants: I1 rule ids are places in rules(); I2 a DISABLED rule and one without EventPattern (a schedule) match
// nothing;
//             I3 names are unique.
//
// Threads: immutable after load(). Cost: a million rules load and compile in about two seconds.
// Errors:  the file, the place or the rule, what was found, what is expected; every refused pattern is listed.
// Source:  EventBridge's PutRule, PutTargets, ListRules and ListTargetsByRule shapes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.hpp"
#include "engine/rules/target_input.hpp"
#include "matcher/automaton.hpp"

namespace millrace {

enum class RuleState : std::uint8_t { enabled, enabled_with_all, disabled };  // with all CloudTrail management events

// How often and how long a start is tried again. Source: EventBridge's RetryPolicy and its defaults.
struct RetryPolicy {
  std::uint32_t attempts_max = 185;  // tries after the first one
  std::uint32_t age_seconds_max = 86'400;
  bool operator==(const RetryPolicy&) const = default;
};

struct Target {
  std::string id;
  std::string arn;
  std::shared_ptr<const TargetInput> input;  // null: the whole event
  RetryPolicy retry;
  std::string dead_letter_arn;  // of its DeadLetterConfig; empty if it has none
};

struct Rule {
  std::string name;
  std::string arn;  // as the file has it; empty if it has none
  RuleState state = RuleState::enabled;
  std::vector<Target> targets;
};

struct RuleSetOptions {
  std::vector<std::string_view> extra_paths;
  bool check_targets = false;  // refuse targets that are no state machines
  bool converted = false;      // from another format: places in the text are not those in the file
};

class RuleSet {
 public:
  static Result<std::shared_ptr<const RuleSet>> load(const std::string& path, const RuleSetOptions& options = {});
  static Result<std::shared_ptr<const RuleSet>> parse(std::string text, const std::string& source,
                                                      const RuleSetOptions& options = {});

  const std::vector<Rule>& rules() const { return rules_; }
  const std::shared_ptr<const Automaton>& automaton() const { return automaton_; }
  const std::string& fingerprint() const { return fingerprint_; }  // of the file's bytes
  bool any_enabled() const { return any_enabled_; }                // some rule is not DISABLED
  bool any_with_all() const { return any_with_all_; }              // some rule wants read-only management events
  double compile_seconds() const { return compile_seconds_; }      // rule text in memory to automaton

 private:
  friend class RuleSetReader;
  std::vector<Rule> rules_;
  std::shared_ptr<const Automaton> automaton_;
  std::string fingerprint_;
  bool any_enabled_ = false, any_with_all_ = false;
  double compile_seconds_ = 0;
};

}  // namespace millrace
