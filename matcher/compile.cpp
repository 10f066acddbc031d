// Compiles a rule set: patterns are parsed one by one, equal leaf lists become one group, every conjunction chooses its
// access group, and the groups so chosen are entered into the indexes.
#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "matcher/access_cost.hpp"
#include "matcher/automaton.hpp"
#include "matcher/case_fold.hpp"
#include "matcher/key_hash.hpp"
#include "matcher/long_list.hpp"
#include "matcher/secret.hpp"
#include "matcher/wildcard.hpp"

namespace millrace {
namespace {

constexpr std::size_t kGroupHeadWords = 4;

constexpr int kSecretsMax = 64;  // LIMIT: secrets drawn; one in a thousand fails at a million rules

// LIMIT: conjunctions that a cluster holds before it is split; going through so few costs less than another look-up.
constexpr std::uint32_t kClusterConjunctionsMax = 4;

// LIMIT: pairs of fields that are looked up for each event, the conjunctions that make one worth it, and the keys that
// one conjunction enters.
constexpr std::size_t kPairsMax = 8, kPairConjunctionsMin = 8, kPairTextsMax = 8;

// Finds equal groups while compiling: open addressing over ids, compared by content.
class GroupTable {
 public:
  GroupId intern(FieldId field, Words values, std::vector<std::uint32_t>& groups) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    const std::string_view text(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    const std::uint64_t hash = text_hash(field, text);
    std::size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].group != kNone; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.hash == hash && same(groups.data() + slot.group, field, values)) return slot.group;
    }
    const auto id = static_cast<GroupId>(groups.size());
    slots_[at] = {hash, id};
    ++count_;
    groups.insert(groups.end(), {field, static_cast<std::uint32_t>(values.size()), kNone, kNone});
    groups.insert(groups.end(), values.begin(), values.end());
    return id;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    GroupId group = kNone;
  };

  static bool same(const std::uint32_t* group, FieldId field, Words values) {
    return group[0] == field && group[1] == values.size() &&
           std::equal(values.begin(), values.end(), group + kGroupHeadWords);
  }

  void grow() {
    std::vector<Slot> old(std::max<std::size_t>(slots_.size() * 2, 1024));
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.group == kNone) continue;
      std::size_t at = slot.hash & (slots_.size() - 1);
      while (slots_[at].group != kNone) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

bool is_hashed(Op op) {
  switch (op) {
    case Op::exact_string:
    case Op::exact_number:
    case Op::exact_token:
    case Op::prefix:
    case Op::suffix:
    case Op::ignore_case:
    case Op::prefix_ignore_case:
    case Op::suffix_ignore_case:
    case Op::cidr:
    case Op::range:
      return true;
    default:
      return false;
  }
}

// The literal that a wildcard's values begin or end with; a wildcard with neither is looked for in a list.
bool has_anchor(std::string_view wildcard) {
  return !wildcard.empty() && (wildcard.front() != kStar || wildcard.back() != kStar);
}

}  // namespace

class Compiler {
 public:
  explicit Compiler(Automaton& out) : out_(out) {}

  void run(std::span<const std::string_view> patterns, std::vector<RefusedRule>& refused,
           const CompileOptions& options) {
    out_.rule_count_ = patterns.size();
    for (RuleId rule = 0; rule < patterns.size(); ++rule) {
      const bool skipped = options.skipped != nullptr && (*options.skipped)[rule];
      if (skipped && patterns[rule].empty()) continue;
      if (auto error = pattern_.parse(patterns[rule])) {
        refused.push_back({rule, std::move(*error)});
      } else if (!skipped) {
        add_rule(rule);
      }
    }
    table_ = {};
    for (const std::string_view path : options.extra_paths) field_of(path);
    order_fields();
    count_uses();
    choose_access();
    const std::vector<GroupId> firsts = access_;
    split_clusters();
    pair_fields(firsts);
    note_split_fields();
    lay_out_clusters();
    enter_groups();
    build_indexes();
    out_.groups_.shrink_to_fit();
    out_.lists_.shrink_to_fit();
  }

 private:
  struct Key {
    std::uint64_t hash;
    GroupId group;
    std::uint32_t entry;  // place of the alternative in the group's values
  };
  struct Twin {
    GroupId of, group;
  };
  // Conjunctions wait under `access`, which is `first` or a twin of `second`, for values of both.
  struct PairedGroups {
    GroupId first, second, access;
    std::uint32_t pair;
    auto operator<=>(const PairedGroups&) const = default;
  };

  FieldId field_of(std::string_view path) {
    const auto at = field_ids_.find(path);
    if (at != field_ids_.end()) return at->second;
    const auto id = static_cast<FieldId>(out_.path_names_.size());
    out_.path_names_.emplace_back(path);
    out_.fields_.emplace_back();
    field_ids_.emplace(path, id);
    return id;
  }

  void add_rule(RuleId rule) {
    pattern_groups_.clear();
    for (std::uint32_t i = 0; i < pattern_.field_count(); ++i) {
      const FieldId field = field_of(pattern_.path(i));
      out_.fields_[field].used = true;
      pattern_groups_.push_back(table_.intern(field, pattern_.values(i), out_.groups_));
    }
    for (std::size_t c = 0; c < pattern_.conjunction_count(); ++c) {
      const auto& conjunction = pattern_.conjunction(c);
      conjunctions_.push_back(rule);
      conjunctions_.push_back(static_cast<std::uint32_t>(conjunction.size()));
      for (const auto i : conjunction) conjunctions_.push_back(pattern_groups_[i]);
    }
  }

  // Renumbers the fields so that ids follow the byte order of paths (I1), and builds the trie.
  void order_fields() {
    std::vector<FieldId> order(out_.path_names_.size());
    for (FieldId i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](FieldId a, FieldId b) { return out_.path_names_[a] < out_.path_names_[b]; });
    std::vector<FieldId> renumbered(order.size());
    std::vector<std::string> names;
    std::vector<Automaton::Field> fields;
    for (FieldId i = 0; i < order.size(); ++i) {
      renumbered[order[i]] = i;
      names.push_back(std::move(out_.path_names_[order[i]]));
      fields.push_back(out_.fields_[order[i]]);
    }
    out_.path_names_ = std::move(names);
    out_.fields_ = std::move(fields);
    for (const auto& name : out_.path_names_) priors_.push_back(prior_of(name));
    lists_on_field_.assign(order.size(), 0);
    for_each_group([&](GroupId group) {
      std::uint32_t& field = out_.groups_[group];
      field = renumbered[field];
      ++lists_on_field_[field];
    });
    out_.trie_.build(out_.path_names_);
    field_ids_.clear();
  }

  template <typename Visit>
  void for_each_group(Visit&& visit) {
    for (std::size_t at = 0; at < out_.groups_.size(); at += kGroupHeadWords + out_.groups_[at + 1])
      visit(static_cast<GroupId>(at));
  }

  Words values_of(GroupId group) const {
    return {out_.groups_.data() + group + kGroupHeadWords, out_.groups_[group + 1]};
  }
  std::uint32_t& cluster_of(GroupId group) { return out_.groups_[group + 2]; }

  // Until note_split_fields(), a group's fourth word counts the conjunctions that have it; a twin's is not asked for.
  void count_uses() {
    uses_on_field_.resize(out_.fields_.size());
    for_each_group([&](GroupId group) { out_.groups_[group + 3] = 0; });
    for_each_conjunction([&](std::size_t at, std::size_t) {
      for (std::uint32_t i = 0; i < conjunctions_[at + 1]; ++i) {
        const GroupId group = conjunctions_[at + 2 + i];
        ++out_.groups_[group + 3];
        ++uses_on_field_[out_.groups_[group]];
      }
    });
  }

  double chance(GroupId group) const {
    const FieldId field = out_.groups_[group];
    const double used = static_cast<double>(out_.groups_[group + 3]) / static_cast<double>(uses_on_field_[field]);
    return chance_of(priors_[field], values_of(group), lists_on_field_[field], used);
  }

  void choose_access() {
    for_each_conjunction(
        [&](std::size_t at, std::size_t) { access_.push_back(best_group(at, [](GroupId) { return true; })); });
  }

  template <typename Visit>
  void for_each_conjunction(Visit&& visit) {
    std::size_t i = 0;
    for (std::size_t at = 0; at < conjunctions_.size(); at += 2 + conjunctions_[at + 1]) visit(at, i++);
  }

  template <typename Allowed>
  GroupId best_group(std::size_t at, Allowed&& allowed) const {
    GroupId best = kNone;
    double best_chance = 2;
    for (std::uint32_t i = 0; i < conjunctions_[at + 1]; ++i) {
      const GroupId group = conjunctions_[at + 2 + i];
      const double its_chance = allowed(group) ? chance(group) : 2;
      if (its_chance < best_chance) {
        best = group;
        best_chance = its_chance;
      }
    }
    return best;
  }

  bool is_exact(GroupId group) const {
    for (Words words = alternatives_of(values_of(group)); !words.empty();) {
      if (read_entry(words).op != Op::exact_string) return false;
    }
    return true;
  }

  // Moves the conjunctions of crowded clusters to twins: copies of their second-best group, one for each pair of
  // groups.
  void split_clusters() {
    // Until clusters are laid out, a group's cluster word counts the conjunctions that wait under it.
    for (const GroupId group : access_) ++(cluster_of(group) == kNone ? cluster_of(group) = 0 : cluster_of(group));
    std::map<std::pair<GroupId, GroupId>, GroupId> twins;
    for_each_conjunction([&](std::size_t at, std::size_t i) {
      const GroupId first = access_[i];
      if (cluster_of(first) <= kClusterConjunctionsMax) return;
      const GroupId second = best_group(at, [&](GroupId group) { return group != first && is_exact(group); });
      if (second == kNone) return;
      const auto [twin, added] = twins.try_emplace({first, second}, static_cast<GroupId>(out_.groups_.size()));
      if (added) {
        const Words values = values_of(second);
        const std::vector<std::uint32_t> copy(values.begin(), values.end());
        out_.groups_.insert(out_.groups_.end(),
                            {out_.groups_[second], static_cast<std::uint32_t>(copy.size()), kNone, kNone});
        out_.groups_.insert(out_.groups_.end(), copy.begin(), copy.end());
        fields_of_split_[first].insert(out_.groups_[second]);
        twins_.push_back({first, twin->second});
      }
      access_[i] = twin->second;
    });
  }

  void note_split_fields() {
    for_each_group([&](GroupId group) { cluster_of(group) = out_.groups_[group + 3] = kNone; });
    for (const auto& [group, fields] : fields_of_split_) {
      out_.groups_[group + 3] = static_cast<std::uint32_t>(out_.lists_.size());
      out_.lists_.push_back(static_cast<std::uint32_t>(fields.size()));
      out_.lists_.insert(out_.lists_.end(), fields.begin(), fields.end());
      cluster_of(group) = 1;  // it is looked up even if nothing waits under it alone
    }
  }

  // Finds the two fields that many conjunctions have exact values on. A group that all its conjunctions are found
  // through pairs of need not be looked up by itself.
  void pair_fields(const std::vector<GroupId>& firsts) {
    std::map<std::pair<FieldId, FieldId>, std::size_t> counts;
    for_each_conjunction([&](std::size_t at, std::size_t i) {
      const GroupId first = firsts[i], second = is_exact(first) ? second_of(at, first) : kNone;
      paired_.push_back({first, second, access_[i], kNone});
      if (second != kNone) ++counts[fields_of(first, second)];
    });
    std::vector<std::pair<std::size_t, std::pair<FieldId, FieldId>>> chosen;
    for (const auto& [fields, count] : counts) {
      if (count >= kPairConjunctionsMin) chosen.emplace_back(count, fields);
    }
    std::sort(chosen.rbegin(), chosen.rend());
    chosen.resize(std::min(chosen.size(), kPairsMax));
    for (const auto& [count, fields] : chosen) out_.pairs_.push_back({fields.first, fields.second});
    is_paired_.assign(out_.groups_.size(), true);
    for (PairedGroups& paired : paired_) {
      const auto is_its = [&](const auto& pair) {
        return std::pair(pair.first, pair.second) == fields_of(paired.first, paired.second);
      };
      const auto at =
          paired.second == kNone ? out_.pairs_.end() : std::find_if(out_.pairs_.begin(), out_.pairs_.end(), is_its);
      if (at == out_.pairs_.end()) {
        is_paired_[paired.first] = false;
      } else {
        paired.pair = static_cast<std::uint32_t>(at - out_.pairs_.begin());
      }
    }
    std::erase_if(paired_, [&](const PairedGroups& paired) { return !is_paired_[paired.first]; });
    std::sort(paired_.begin(), paired_.end());
    paired_.erase(std::unique(paired_.begin(), paired_.end()), paired_.end());
  }

  // Of two groups, ascending.
  std::pair<FieldId, FieldId> fields_of(GroupId a, GroupId b) const {
    return std::minmax(FieldId{out_.groups_[a]}, FieldId{out_.groups_[b]});
  }

  // The second-best exact group, unless the two have too many values to enter each with each.
  GroupId second_of(std::size_t at, GroupId first) const {
    const GroupId second = best_group(at, [&](GroupId group) { return group != first && is_exact(group); });
    if (second == kNone || out_.groups_[second] == out_.groups_[first]) return kNone;
    return text_count(first) * text_count(second) <= kPairTextsMax ? second : kNone;
  }

  std::size_t text_count(GroupId group) const {
    std::size_t count = 0;
    for_each_text(group, [&](std::string_view, std::uint32_t) { ++count; });
    return count;
  }

  void lay_out_clusters() {
    for_each_conjunction([&](std::size_t at, std::size_t i) {
      std::uint32_t& words = cluster_of(access_[i]);
      words = (words == kNone ? 1 : words) + 2 + conjunctions_[at + 1];
    });
    std::set<GroupId> twins;
    for (const Twin& twin : twins_) twins.insert(twin.group);
    std::uint32_t begin = 0;
    for_each_group([&](GroupId group) {
      std::uint32_t& words = cluster_of(group);
      if (words == kNone) return;
      begin += std::exchange(words, begin);
      if (!twins.contains(group)) access_groups_.push_back(group);
    });
    out_.clusters_.assign(begin, 0);
    // A cluster's first word counts the words filled so far, itself included.
    for_each_group([&](GroupId group) {
      if (cluster_of(group) != kNone) out_.clusters_[cluster_of(group)] = 1;
    });
    for_each_conjunction([&](std::size_t at, std::size_t i) {
      const std::uint32_t words = 2 + conjunctions_[at + 1];
      std::uint32_t* cluster = out_.clusters_.data() + cluster_of(access_[i]);
      std::copy_n(conjunctions_.data() + at, words, cluster + cluster[0]);
      cluster[0] += words;
    });
    conjunctions_ = {};
    access_ = {};
  }

  bool in_index(Words values) const {
    for (Words words = alternatives_of(values); !words.empty();) {
      const Entry entry = read_entry(words);
      if (!is_hashed(entry.op) && !(entry.op == Op::wildcard && has_anchor(entry.text()))) return false;
    }
    return true;
  }

  // Each access group goes to one of three places: the indexes, its field's list, or the list for every event.
  void enter_groups() {
    std::vector<std::pair<FieldId, GroupId>> listed;
    for (const GroupId group : access_groups_) {
      const FieldId field = out_.groups_[group];
      if (in_index(values_of(group))) {
        indexed_.push_back(group);
      } else if (accepts_absence(values_of(group))) {
        out_.always_.push_back(group);
      } else {
        listed.emplace_back(field, group);
      }
    }
    std::sort(listed.begin(), listed.end());
    for (std::size_t i = 0; i < listed.size();) {
      auto& field = out_.fields_[listed[i].first];
      field.indexed = true;
      field.list_begin = static_cast<std::uint32_t>(out_.lists_.size());
      for (const FieldId id = listed[i].first; i < listed.size() && listed[i].first == id; ++i)
        out_.lists_.push_back(listed[i].second);
      field.list_end = static_cast<std::uint32_t>(out_.lists_.size());
    }
    access_groups_ = {};
  }

  // Draws secrets until no two keys collide; with 64-bit hashes and 32-bit tags the first one nearly always does.
  void build_indexes() {
    const auto lists_before = out_.lists_;
    for (int secrets = 1;; ++secrets) {
      out_.lists_ = lists_before;
      out_.ranges_.clear();
      out_.v4_blocks_.clear();
      out_.v6_blocks_.clear();
      out_.secret_ = fresh_secret();
      for (FieldId i = 0; i < out_.fields_.size(); ++i) {
        out_.fields_[i].ranges = out_.fields_[i].v4_blocks = out_.fields_[i].v6_blocks = kNone;
        out_.fields_[i].seed = field_seed(out_.secret_, i);
      }
      keys_.clear();
      stems_.clear();
      for (const GroupId group : indexed_) index_group(group);
      for (const Twin& twin : twins_) index_twin(twin);
      for (const PairedGroups& paired : paired_) index_pair(paired);
      if (build_table()) break;
      if (secrets == kSecretsMax) throw std::runtime_error("the rule set's keys collide under every secret");
    }
    for (FieldId i = 0; i < out_.fields_.size(); ++i) {
      out_.fields_[i].costly = is_costly(out_.fields_[i]);
      if (out_.fields_[i].indexed) out_.indexed_.push_back(i);
    }
    for (auto& ranges : out_.ranges_) ranges.build();
    for (auto& blocks : out_.v4_blocks_) blocks.build();
    for (auto& blocks : out_.v6_blocks_) blocks.build();
  }

  static bool is_costly(const Automaton::Field& field) {
    const auto any = [](const auto& words) {
      return std::any_of(words.begin(), words.end(), [](auto w) { return w != 0; });
    };
    return field.ignore_case || any(field.stems) || field.v4_blocks != kNone || field.v6_blocks != kNone;
  }

  void add_key(std::uint64_t hash) { keys_.push_back({hash, group_, entry_}); }

  void index_group(GroupId group) {
    group_ = group;
    const FieldId id = out_.groups_[group];
    auto& field = out_.fields_[id];
    const bool paired = is_paired_[group];
    field.indexed |= !paired;
    const auto seed = [&](KeyKind kind) { return key_seed(field.seed, kind); };
    for (Words words = alternatives_of(values_of(group)); !words.empty();) {
      entry_ = static_cast<std::uint32_t>(values_of(group).size() - words.size());
      const Entry entry = read_entry(words);
      switch (entry.op) {
        case Op::exact_string:
          if (!paired) field.string_lengths |= std::uint64_t{1} << entry.count % 64;
          add_key(string_hash(text_hash(out_.secret_, entry.text()), id));
          break;
        case Op::exact_number:
          field.numbers = true;
          add_key(number_hash(seed(KeyKind::number), entry.number(0)));
          break;
        case Op::exact_token:
          field.tokens = true;
          add_key(text_hash(seed(KeyKind::token), entry.text()));
          break;
        case Op::ignore_case:
          field.ignore_case = true;
          add_key(text_hash(seed(KeyKind::ignore_case), entry.text()));
          break;
        case Op::prefix:
          index_affix(field.stems[0], seed(KeyKind::prefix), entry.text(), false);
          break;
        case Op::suffix:
          index_affix(field.stems[1], seed(KeyKind::suffix), entry.text(), true);
          break;
        case Op::prefix_ignore_case:
          index_affix(field.stems[2], seed(KeyKind::prefix_ignore_case), entry.text(), false);
          break;
        case Op::suffix_ignore_case:
          index_affix(field.stems[3], seed(KeyKind::suffix_ignore_case), entry.text(), true);
          break;
        case Op::wildcard:
          index_wildcard(field, seed(KeyKind::prefix), seed(KeyKind::suffix), entry.text());
          break;
        case Op::cidr:
          index_block(group, field, entry.block());
          break;
        default:
          index_in(field.ranges, out_.ranges_).add(entry.number(0), entry.number(1), group);
          break;
      }
    }
  }

  void index_twin(const Twin& twin) {
    group_ = twin.group;
    for_each_text(twin.group, [&](std::string_view text, std::uint32_t entry) {
      entry_ = entry;
      add_key(twin_hash(text_hash(out_.secret_, text), twin.of, out_.groups_[twin.group]));
    });
  }

  void index_pair(const PairedGroups& paired) {
    group_ = paired.access;
    Automaton::FieldPair& pair = out_.pairs_[paired.pair];
    const bool in_order = out_.groups_[paired.first] == pair.first;
    const GroupId first_group = in_order ? paired.first : paired.second;
    const GroupId second_group = in_order ? paired.second : paired.first;
    for_each_text(first_group, [&](std::string_view first, std::uint32_t first_entry) {
      for_each_text(second_group, [&](std::string_view second, std::uint32_t second_entry) {
        entry_ = group_ == first_group ? first_entry : second_entry;
        pair.first_lengths |= std::uint64_t{1} << first.size() % 64;
        pair.second_lengths |= std::uint64_t{1} << second.size() % 64;
        add_key(pair_hash(text_hash(out_.secret_, first), text_hash(out_.secret_, second), paired.pair));
      });
    });
  }

  // Visits the texts of a list of exact strings, and where they are in it.
  template <typename Visit>
  void for_each_text(GroupId group, Visit&& visit) const {
    for (Words words = alternatives_of(values_of(group)); !words.empty();) {
      const auto entry = static_cast<std::uint32_t>(values_of(group).size() - words.size());
      visit(read_entry(words).text(), entry);
    }
  }

  void index_affix(std::uint16_t& root_mask, std::uint64_t hash, std::string_view text, bool from_tail) {
    std::uint32_t mask_of_root = 0;
    std::uint32_t* mask = &mask_of_root;
    std::size_t i = 0;
    for (; (i + 1) * kStemBytes <= text.size(); ++i) {
      *mask |= kStemGoesOn;
      hash = stem_hash(hash, word_at(text, i, kStemBytes, from_tail));
      stems_.push_back({hash, Automaton::kStem});
      mask = &stems_.back().value;
    }
    const std::size_t rest = text.size() - i * kStemBytes;
    *mask |= 1u << rest;
    add_key(tail_hash(hash, rest == 0 ? 0 : word_at(text, i, rest, from_tail), rest));
    root_mask = static_cast<std::uint16_t>(root_mask | mask_of_root);
  }

  void index_wildcard(Automaton::Field& field, std::uint64_t prefix_seed, std::uint64_t suffix_seed,
                      std::string_view text) {
    const auto first = std::min(text.find(kStar), text.size());
    const auto last = text.rfind(kStar);
    const std::string_view head = text.substr(0, first);
    const std::string_view tail = last == std::string_view::npos ? text : text.substr(last + 1);
    if (head.size() >= tail.size()) {
      index_affix(field.stems[0], prefix_seed, head, false);
    } else {
      index_affix(field.stems[1], suffix_seed, tail, true);
    }
  }

  void index_block(GroupId group, Automaton::Field& field, const IpBlock& block) {
    const IpAddress &first = block.base, last = last_of(block);
    if (first.is_v6) {
      index_in(field.v6_blocks, out_.v6_blocks_).add(key_of<V6Key>(first), key_of<V6Key>(last), group);
    } else {
      index_in(field.v4_blocks, out_.v4_blocks_).add(key_of<V4Key>(first), key_of<V4Key>(last), group);
    }
  }

  // A field's index of those, made if it has none yet.
  template <typename Index>
  static Index& index_in(std::uint32_t& place, std::vector<Index>& indexes) {
    if (place == kNone) {
      place = static_cast<std::uint32_t>(indexes.size());
      indexes.emplace_back();
    }
    return indexes[place];
  }

  bool build_table() {
    const auto by_hash = [](const auto& a, const auto& b) { return a.hash < b.hash; };
    std::sort(keys_.begin(), keys_.end(), by_hash);
    std::sort(stems_.begin(), stems_.end(), by_hash);
    std::vector<HashIndex::Item> items;
    items.reserve(keys_.size() + stems_.size());
    for (std::size_t i = 0; i < keys_.size();) {
      std::size_t end = i + 1;
      while (end < keys_.size() && keys_[end].hash == keys_[i].hash) ++end;
      items.push_back({keys_[i].hash, end == i + 1 && keys_[i].entry == 0 ? keys_[i].group : posting(i, end)});
      i = end;
    }
    for (std::size_t i = 0; i < stems_.size();) {
      HashIndex::Item merged{stems_[i].hash, Automaton::kStem};
      for (; i < stems_.size() && stems_[i].hash == merged.hash; ++i) merged.value |= stems_[i].value;
      items.push_back(merged);
    }
    return out_.index_.build(items);
  }

  std::uint32_t posting(std::size_t begin, std::size_t end) {
    const auto at = static_cast<std::uint32_t>(out_.lists_.size());
    out_.lists_.push_back(static_cast<std::uint32_t>(end - begin));
    for (std::size_t i = begin; i < end; ++i) out_.lists_.insert(out_.lists_.end(), {keys_[i].group, keys_[i].entry});
    return at | Automaton::kPosting;
  }

  Automaton& out_;
  Pattern pattern_;
  GroupTable table_;
  std::unordered_map<std::string, FieldId, StringHash, std::equal_to<>> field_ids_;
  std::vector<GroupId> pattern_groups_;
  std::vector<std::uint32_t> conjunctions_;  // rule, count, groups; one behind the other
  std::vector<double> priors_;               // by field
  std::vector<std::size_t> lists_on_field_;
  std::vector<GroupId> access_;  // by conjunction
  std::vector<GroupId> access_groups_, indexed_;
  std::vector<Twin> twins_;
  std::vector<std::size_t> uses_on_field_;
  std::map<GroupId, std::set<FieldId>> fields_of_split_;
  std::vector<PairedGroups> paired_;
  std::vector<bool> is_paired_;  // by group: it need not be looked up by itself
  GroupId group_ = kNone;        // being indexed, and its alternative
  std::uint32_t entry_ = 0;
  std::vector<Key> keys_;
  std::vector<HashIndex::Item> stems_;
};

std::shared_ptr<const Automaton> Automaton::compile(std::span<const std::string_view> patterns,
                                                    std::vector<RefusedRule>& refused, const CompileOptions& options) {
  std::shared_ptr<Automaton> out(new Automaton);
  Compiler(*out).run(patterns, refused, options);
  return out;
}

FieldId Automaton::field_of(std::string_view path) const {
  const NodeId node = trie_.descend(0, path);
  return node == kNone ? kNone : trie_.field(node);
}

std::size_t Automaton::bytes() const {
  std::size_t total = trie_.bytes() + fields_.size() * sizeof(Field) + index_.bytes();
  total += 4 * (groups_.size() + clusters_.size() + lists_.size() + always_.size());
  for (const auto& ranges : ranges_) total += ranges.bytes();
  for (const auto& blocks : v4_blocks_) total += blocks.bytes();
  for (const auto& blocks : v6_blocks_) total += blocks.bytes();
  for (const auto& name : path_names_) total += sizeof(name) + name.size();
  return total;
}

}  // namespace millrace
