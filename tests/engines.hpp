// The two engines behind one question: which of these patterns does this event match?
//
// Threads: one thread an object.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/route/event_reader.hpp"
#include "matcher/automaton.hpp"
#include "tests/reference/reference.hpp"

namespace millrace::test {

// Ids of the rules that match, ascending; nullopt if the text is no event.
using Verdict = std::optional<std::vector<RuleId>>;

class FastEngine {
 public:
  explicit FastEngine(const std::vector<std::string>& patterns) {
    const std::vector<std::string_view> views(patterns.begin(), patterns.end());
    std::vector<RefusedRule> refused;
    automaton_ = Automaton::compile(views, refused);
    for (auto& [rule, error] : refused) refused_.emplace(rule, error.reason);
    matcher_.emplace(automaton_);
    fields_.reset(automaton_->field_count());
    reader_.emplace(automaton_->paths(), fields_);
  }

  const std::map<RuleId, std::string>& refused() const { return refused_; }

  // Reads the event until the reader has kept its shape, and once more.
  static constexpr int kReadingsToKeep = 3;
  Verdict match(std::string_view event) {
    for (int i = 0; i < kReadingsToKeep; ++i) {
      if (reader_->read(event)) return {};
    }
    std::vector<RuleId> rules;
    decided_ = matcher_->match(fields_, rules);
    return rules;
  }

  bool decided() const { return decided_; }  // the last match()

 private:
  std::shared_ptr<const Automaton> automaton_;
  std::map<RuleId, std::string> refused_;
  std::optional<Matcher> matcher_;
  EventFields fields_;
  std::optional<EventReader> reader_;
  bool decided_ = true;
};

class SlowEngine {
 public:
  explicit SlowEngine(const std::vector<std::string>& patterns) {
    for (RuleId id = 0; id < patterns.size(); ++id) {
      auto rule = reference::Rule::parse(patterns[id]);
      if (const auto* reason = std::get_if<std::string>(&rule)) {
        refused_.emplace(id, *reason);
      } else {
        rules_.emplace(id, std::get<reference::Rule>(std::move(rule)));
      }
    }
  }

  const std::map<RuleId, std::string>& refused() const { return refused_; }

  Verdict match(std::string_view text) const {
    const auto event = reference::parse_event(text);
    if (std::holds_alternative<std::string>(event)) return {};
    std::vector<RuleId> out;
    for (const auto& [id, rule] : rules_) {
      if (reference::matches(rule, std::get<reference::Event>(event))) out.push_back(id);
    }
    return out;
  }

 private:
  std::map<RuleId, std::string> refused_;
  std::map<RuleId, reference::Rule> rules_;
};

}  // namespace millrace::test
