// The rule set in use, which can be replaced while workers run.
//
// A worker takes the set that is in use when it begins a piece of work and keeps it to the end of that: a new set is
// seen whole or not at all, and nobody waits for it.
//
// Threads: any. Cost: get() copies a shared pointer, once a piece of work; an old set is freed by its last user.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "engine/rules/rule_set.hpp"

namespace millrace {

class LiveRules {
 public:
  explicit LiveRules(std::shared_ptr<const RuleSet> rules) : rules_(std::move(rules)) {}

  std::shared_ptr<const RuleSet> get() const { return rules_.load(); }
  void replace(std::shared_ptr<const RuleSet> rules) { rules_.store(std::move(rules)); }

 private:
  std::atomic<std::shared_ptr<const RuleSet>> rules_;
};

}  // namespace millrace
