// The hot path of a worker: records in, matching rules out, starts for what matches.
//
// A record is told from a ready event by its first key, and by detail-type and detail where that misleads. Members of
// the envelope are derived as leaves where a rule asks for them; the envelope is written only when a rule matches.
//
// Invariants: I1 every record is counted once: routed, not delivered, or bad;
//             I2 a record that matches is valid JSON to its last byte, or it is bad;
//             I3 what a record yields does not depend on the records around it.
//
// Threads: one router a worker; rule sets are shared. Cost: README of this folder.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/execute/start.hpp"
#include "engine/ingest/block.hpp"
#include "engine/route/envelope.hpp"
#include "engine/route/event_reader.hpp"
#include "engine/rules/rule_set.hpp"

namespace millrace {

struct RouteOptions {
  ReadOnlyRule read_only = ReadOnlyRule::name;
  bool strict = false;  // check every record to its last byte, also those that match nothing
  std::string since = {},
              until = {};  // of event times, YYYY-MM-DDTHH:MM:SS[.F], since <= time < until; empty: no bound
};

// The paths that a rule set given to a Router must know whether a rule names them or not.
std::vector<std::string_view> router_paths();

class Router {
 public:
  Router(std::shared_ptr<const RuleSet> rules, RouteOptions options);

  const std::shared_ptr<const RuleSet>& rules() const { return rules_; }

  // Routes the block's records and adds what comes of them to `out`, starts included.
  void route(const Block& block, StartBatch& out);

  // Visits each record that is an event: its id and its rules, ascending. Starts nothing.
  using Visit = std::function<void(std::string_view id, std::span<const RuleId> rules)>;
  void match(const Block& block, StartBatch& out, const Visit& visit);

  // Matches without making anything of it; returns how many rules matched. For measuring.
  std::uint64_t count_matches(const Block& block);

 private:
  enum class Form : std::uint8_t { record, envelope };

  // Calls handle(record, bad_kind) for each record of the block; bad_kind is null for an event, whose fields are then
  // set.
  template <typename Handle>
  void for_each_record(const Block& block, Handle&& handle);

  static std::vector<RecordRef> pieces_of(const Block& block, const RecordRef& ref);
  const char* examine(std::string_view record);
  bool walk(Form form);
  bool is_confirmed();
  bool is_read_only();
  void complete_envelope(std::string_view record);
  void add_derived_fields(std::string_view record);
  void derive_source();
  std::string derived_id(std::string_view record);
  const char* out_of_range();
  bool match_fields(const char*& bad_kind);
  void add_starts(std::string_view record, std::uint64_t number, StartBatch& out);
  std::string event_of(std::string_view record) const;
  void add_input(std::string_view event, Start& start);
  void reject(const Block& block, const RecordRef& ref, const char* kind, StartBatch& out);

  std::shared_ptr<const RuleSet> rules_;
  RouteOptions options_;
  const Automaton& automaton_;
  Matcher matcher_;
  EventFields fields_;
  StringIndex strings_;
  NodeId detail_node_;
  Walker record_walker_, envelope_walker_;
  JsonValidator validator_, input_validator_;

  FieldId version_, id_, detail_type_, source_, account_, time_, region_;  // kNone where no rule asks
  Form form_ = Form::record;
  Envelope envelope_;
  // An eventSource and the source made of it. The last one of those that share a place.
  struct DerivedSource {
    std::string from, source;
  };
  static constexpr std::size_t kDerivedSources = 64;
  std::array<DerivedSource, kDerivedSources> derived_sources_;
  std::vector<RuleId> matched_;
};

}  // namespace millrace
