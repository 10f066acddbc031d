// A start: one execution of one state machine, as a matching rule's target asks for it.
//
// Threads: plain data; moves with its batch from a worker to the executor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/rules/rule_set.hpp"

namespace millrace {

struct Start {
  const Rule* rule = nullptr;
  const Target* target = nullptr;
  std::string name;  // of the execution
  std::string event_id, event_time;
  std::string input;  // JSON
};

// What happened to the records of a batch. Sums of these make the summary.
struct Tally {
  std::uint64_t files = 0, records = 0, routed = 0, matched_events = 0, matches = 0, starts = 0, bytes = 0;
  std::map<std::string, std::uint64_t> not_delivered, bad;  // by reason

  void add(const Tally& other);
};

// A record that could not be used, for people and for the reject file.
struct Reject {
  std::string kind, message;  // message: input, record number, byte offset, reason
  std::string input, text;
  std::uint64_t offset = 0, number = 0;
};

struct StartBatch {
  std::uint64_t sequence = 0;            // of the work that it came from; batches of one sequence come in order
  bool last = true;                      // of its sequence
  std::shared_ptr<const RuleSet> rules;  // keeps rule and target alive
  std::vector<Start> starts;
  std::vector<Reject> rejects;
  Tally tally;
};

// The execution's name: a function of rule, target and event, so that a replay never starts twice. 80 characters at
// most, of 0-9 A-Z a-z - _ only.
std::string execution_name(const std::string& rule, const std::string& target, const std::string& event_id);

// A UUID made from bytes; the same bytes give the same UUID. Version 8 of RFC 9562.
std::string uuid_from(std::string_view bytes);

}  // namespace millrace
