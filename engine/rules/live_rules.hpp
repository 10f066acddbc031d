// The rule set in use, which can be replaced while workers run.
//
// A worker takes the set that is in use when it begins a piece of work and keeps it to the end of that: a new set is
// seen whole or not at all, and nobody waits for it longer than a pointer takes to copy.
//
// Threads: any. Cost: get() copies a shared pointer under a lock, once a piece of work; an old set is freed by its last
// user.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "engine/rules/rule_set.hpp"

namespace millrace {

class LiveRules {
 public:
  explicit LiveRules(std::shared_ptr<const RuleSet> rules) : rules_(std::move(rules)) {}

  std::shared_ptr<const RuleSet> get() const {
    const std::lock_guard lock(mutex_);
    return rules_;
  }

  // The old set leaves with the argument, behind the lock.
  void replace(std::shared_ptr<const RuleSet> rules) {
    const std::lock_guard lock(mutex_);
    std::swap(rules_, rules);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const RuleSet> rules_;
};

}  // namespace millrace
