// A whole rule set, compiled: fields in, rule ids out.
//
// Each conjunction of each rule waits under one of its leaf lists, the *access group*, the one least likely to hold; an
// event looks at a conjunction only when its access group holds. Groups are found by hash (exact values, prefixes,
// suffixes), by an interval tree (ranges of numbers, blocks of addresses), or, where neither can be, from a list gone
// through for every event that has the field.
//
// Shape of the two arenas, in 32-bit words; an id is a place in its arena:
//
//     group    field | words | cluster or kNone | split or kNone | alternatives (matcher/values.hpp) x words
//     cluster  words, this one included | { rule, count, group x count in field order } ...
//
// A cluster of many conjunctions is split: those with an exact value on a second field wait under both values together,
// in a *twin* of the second group, and the access group's split names the fields whose values to look up.
//
// Where many conjunctions have exact values on the same two fields, the *pair* of them is looked up at once, so that a
// value that many events have, as a user's, leads nowhere without the other one. The groups so found can be found by
// themselves too: that is done where an event has many values on the fields.
//
// Invariants:
//   I1  field ids are in byte order of their paths, so a conjunction's groups in field order are in path order;
//   I2  a group found by any index is verified on the leaf: the indexes may offer too much, never too little;
//   I3  the verdict on a rule does not depend on other rules.
//
// Threads: immutable after compile(); share one automaton between any number of threads, each with its own Matcher.
// Cost:    see matcher/README.md. Errors: compile() reports every refused rule and goes on; std::bad_alloc.
// Tests:   tests/matcher. Speed: `millrace bench`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/array_consistency.hpp"
#include "matcher/event_fields.hpp"
#include "matcher/hash_index.hpp"
#include "matcher/id_sorter.hpp"
#include "matcher/path_trie.hpp"
#include "matcher/pattern.hpp"
#include "matcher/range_index.hpp"

namespace millrace {

using RuleId = std::uint32_t;
using GroupId = std::uint32_t;

struct RefusedRule {
  RuleId rule;
  PatternError error;
};

struct CompileOptions {
  std::span<const std::string_view> extra_paths = {};  // that paths() must know although no rule may name them
  // Rules that match nothing, by id; their patterns are checked unless they are empty.
  const std::vector<bool>* skipped = nullptr;
};

class Automaton {
 public:
  // Rule i is patterns[i]. A refused rule is added to `refused` and matches nothing.
  static std::shared_ptr<const Automaton> compile(std::span<const std::string_view> patterns,
                                                  std::vector<RefusedRule>& refused,
                                                  const CompileOptions& options = {});

  const PathTrie& paths() const { return trie_; }
  std::size_t field_count() const { return fields_.size(); }
  std::size_t rule_count() const { return rule_count_; }
  FieldId field_of(std::string_view path) const;  // kNone if no rule and no extra path names it
  bool rules_use(FieldId field) const { return fields_[field].used; }
  std::size_t bytes() const;  // resident memory of the compiled set

 private:
  friend class Compiler;
  friend class Matcher;
  Automaton() = default;

  // How one field's access groups are found.
  struct Field {
    bool used = false;     // some rule has a leaf list here
    bool indexed = false;  // any of the below
    bool costly = false;   // a value takes many look-ups, so the matcher remembers what they found
    std::uint64_t seed = 0;
    std::uint64_t string_lengths = 0;  // bit n % 64: some exact string has n bytes
    bool numbers = false, tokens = false, ignore_case = false;
    std::array<std::uint16_t, 4> stems{};  // root masks: prefix, suffix, and the two that ignore case
    std::uint32_t v4_blocks = kNone, v6_blocks = kNone, ranges = kNone;  // in the vectors of these names
    std::uint32_t list_begin = 0, list_end = 0;                          // in lists_
  };

  struct FieldPair {
    FieldId first, second;                                // ascending
    std::uint64_t first_lengths = 0, second_lengths = 0;  // bit n % 64: some text has n bytes

    bool may_be(const Leaf& a, const Leaf& b) const {
      return a.kind == LeafKind::string && b.kind == LeafKind::string && (first_lengths >> a.bytes % 64 & 1) != 0 &&
             (second_lengths >> b.bytes % 64 & 1) != 0;
    }
  };

  // An index value is a group whose first alternative the key is of; or with one of these bits: a place in lists_
  // (count, then each group and the place of the alternative in it), the mask of a stem.
  static constexpr std::uint32_t kPosting = 0x80000000;
  static constexpr std::uint32_t kStem = 0x40000000;

  PathTrie trie_;
  std::vector<std::string> path_names_;  // by field
  std::vector<Field> fields_;
  std::vector<FieldId> indexed_;  // fields, ascending
  std::vector<FieldPair> pairs_;
  std::vector<std::uint32_t> groups_;
  std::vector<std::uint32_t> clusters_;
  std::vector<std::uint32_t> lists_;
  std::vector<GroupId> always_;  // access groups that an absent field may satisfy
  std::vector<RangeIndex<NumberKey>> ranges_;
  std::vector<RangeIndex<V4Key>> v4_blocks_;
  std::vector<RangeIndex<V6Key>> v6_blocks_;
  HashIndex index_;
  std::uint64_t secret_ = 0;
  std::size_t rule_count_ = 0;
};

// One thread's way to ask an automaton. Keeps its memory from event to event.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Automaton> automaton);

  // Appends the ids of the rules that match, ascending, each once. Says false if a rule that does not was not decided
  // within kConsistencyStatesMax states of its arrays, which takes an event with several arrays on one path.
  bool match(EventFields& fields, std::vector<RuleId>& rules);

 private:
  // A value that was looked up in a costly field, and the groups that hold for it.
  struct Remembered {
    std::string text;
    std::vector<GroupId> groups;
    bool used = false;
  };
  static constexpr std::size_t kRememberingFieldsMax = 64;  // LIMIT: costly fields whose values are remembered
  static constexpr std::size_t kRememberedMax = 16;         // LIMIT: values remembered of a field
  static constexpr std::size_t kRememberedBytesMax = 256;   // LIMIT: of such a value
  static constexpr std::size_t kRememberedGroupsMax = 64;   // LIMIT: of its groups
  static constexpr std::size_t kPairedLeavesMax = 4;        // LIMIT: of a field, whose pairs are looked up

  void find_groups(EventFields& fields);
  void find_by_field(FieldId id, EventFields& fields);
  void find_by_pair(std::uint32_t pair, EventFields& fields);
  void find_by_pairs(std::uint32_t pair, EventFields& fields);
  std::uint64_t hash_of(Leaf& leaf) const;
  void find_by_leaf(const Automaton::Field& field, Leaf& leaf, EventFields& fields);
  void find_by_text(const Automaton::Field& field, Leaf& leaf, EventFields& fields);
  void find_by_stems(std::uint64_t seed, std::uint32_t mask, std::string_view value, bool from_tail, Leaf& leaf,
                     EventFields& fields);
  void find_by_address(const Automaton::Field& field, Leaf& leaf, EventFields& fields);
  void find_costly(const Automaton::Field& field, Leaf& leaf, EventFields& fields);
  void find_and_remember(const Automaton::Field& field, Leaf& leaf, Remembered& last, EventFields& fields);
  void offer(std::uint64_t hash, Leaf& leaf, EventFields& fields) { offer(hash, leaf, leaf, fields); }
  void offer(std::uint64_t hash, Leaf& first, Leaf& second, EventFields& fields);
  void offer_value(std::uint32_t value, Leaf& first, Leaf& second, EventFields& fields);
  bool offer_entry(GroupId group, std::uint32_t entry, Leaf& leaf, EventFields& fields);
  void add_found(GroupId group);
  void offer_twins(GroupId group, EventFields& fields);
  bool group_holds(GroupId group, EventFields& fields);
  bool holds_in_large_cluster(GroupId group, EventFields& fields);
  Consistency conjunction_holds(GroupId access, std::span<const GroupId> groups, bool large, EventFields& fields);
  void run_cluster(GroupId group, EventFields& fields, std::vector<RuleId>& rules);

  std::shared_ptr<const Automaton> automaton_;
  // A group that was found, or an index value all of whose groups were, and in which event; the last one of those that
  // share the place.
  struct Sighting {
    std::uint32_t of = kNone, event = 0;
  };
  static constexpr std::size_t kSightings = 4096, kSightingsFrom = 64;
  static std::size_t sighting_of(std::uint32_t of) { return of * 0x9e3779b1u >> 20; }
  bool was_sighted(std::uint32_t of) const {
    const Sighting& last = sightings_[sighting_of(of)];
    return last.of == of && last.event == event_ && !find_all_;
  }
  bool is_found(GroupId group) const;

  // Whether a group holds, and in which event.
  struct Known {
    GroupId group = kNone;
    std::uint32_t event = 0;
    bool holds = false;
  };
  static constexpr unsigned kKnownBits = 10;
  static constexpr std::size_t kLargeClusterWords = 256;

  std::vector<GroupId> found_;  // access groups that hold
  std::array<Sighting, kSightings> sightings_{};
  std::array<Known, 1 << kKnownBits> known_{};
  std::vector<RuleId> undecided_;
  IdSorter sorter_;
  std::uint32_t event_ = 0;
  bool find_all_ = false;       // also what was found already: the groups of a value are being remembered
  std::size_t compact_at_ = 0;  // repetitions in found_ are taken out when it has grown so far
  std::vector<std::array<Remembered, kRememberedMax>> remembered_;  // by field, costly ones only
  std::vector<std::uint32_t> remembered_of_field_;
  std::string lower_;
  ArrayConsistency consistency_;
};

}  // namespace millrace
