#include "matcher/array_consistency.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "matcher/evaluate.hpp"

namespace millrace {
namespace {

using State = std::vector<ElementId>;  // sorted

struct Candidates {
  std::vector<LeafId> all;         // every leaf of the field, ascending
  std::vector<LeafId> satisfying;  // those that satisfy an alternative
  bool absence = false;            // the field may be absent
};

struct LeafRange {
  LeafId begin, end;
};

Candidates candidates_of(const ConsistencyField& wanted, EventFields& fields) {
  Candidates out;
  for (Words words = wanted.values; !words.empty();) out.absence |= read_entry(words).op == Op::not_exists;
  for (LeafId id = fields.first(wanted.field); id != kNone; id = fields.leaf(id).next) {
    out.all.push_back(id);
    if (any_entry_holds(wanted.values, fields.leaf(id), fields)) out.satisfying.push_back(id);
  }
  return out;
}

// The ranges of leaves that agree with the state.
std::vector<LeafRange> agreeing_ranges(const State& state, const EventFields& fields) {
  std::vector<LeafRange> excluded;
  for (const ElementId chosen : state) {
    const auto& element = fields.element(chosen);
    const auto& array = fields.array(element.array);
    excluded.push_back({array.leaf_begin, element.leaf_begin});
    excluded.push_back({element.leaf_end, array.leaf_end});
  }
  std::sort(excluded.begin(), excluded.end(), [](auto a, auto b) { return a.begin < b.begin; });
  std::vector<LeafRange> out;
  LeafId at = 0;
  for (const LeafRange& range : excluded) {
    if (range.begin > at) out.push_back({at, range.begin});
    at = std::max(at, range.end);
  }
  out.push_back({at, kNone});
  return out;
}

// Calls visit(leaf) for the leaves within the ranges; stops and says true once a visit does.
template <typename Visit>
bool any_leaf_in(const std::vector<LeafRange>& ranges, const std::vector<LeafId>& leaves, Visit&& visit) {
  for (const LeafRange& range : ranges) {
    for (auto at = std::lower_bound(leaves.begin(), leaves.end(), range.begin); at != leaves.end() && *at < range.end;
         ++at) {
      if (visit(*at)) return true;
    }
  }
  return false;
}

bool has_leaf_in(const std::vector<LeafId>& leaves, LeafId begin, LeafId end) {
  const auto at = std::lower_bound(leaves.begin(), leaves.end(), begin);
  return at != leaves.end() && *at < end;
}

bool array_matters_later(ArrayId array, std::span<const Candidates> later, const EventFields& fields) {
  const auto& range = fields.array(array);
  return std::any_of(later.begin(), later.end(),
                     [&](const Candidates& c) { return has_leaf_in(c.all, range.leaf_begin, range.leaf_end); });
}

State extended(const State& state, LeafId leaf, std::span<const Candidates> later, const EventFields& fields) {
  State out = state;
  for (ElementId e = fields.leaf(leaf).element; e != kNone; e = fields.array(fields.element(e).array).parent)
    out.push_back(e);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  std::erase_if(out, [&](ElementId e) { return !array_matters_later(fields.element(e).array, later, fields); });
  return out;
}

}  // namespace

Consistency check_consistency(std::span<const ConsistencyField> conjunction, EventFields& fields) {
  std::vector<Candidates> candidates;
  for (const auto& wanted : conjunction) {
    candidates.push_back(candidates_of(wanted, fields));
    if (candidates.back().satisfying.empty() && !candidates.back().absence) return Consistency::inconsistent;
  }
  std::set<State> states{State{}};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto later = std::span<const Candidates>(candidates).subspan(i + 1);
    std::set<State> next;
    for (const State& state : states) {
      const auto ranges = agreeing_ranges(state, fields);
      if (candidates[i].absence && !any_leaf_in(ranges, candidates[i].all, [](LeafId) { return true; }))
        next.insert(state);
      any_leaf_in(ranges, candidates[i].satisfying, [&](LeafId leaf) {
        next.insert(extended(state, leaf, later, fields));
        return later.empty() || next.size() > kConsistencyStatesMax;
      });
      if (later.empty() && !next.empty()) return Consistency::consistent;
      if (next.size() > kConsistencyStatesMax) return Consistency::undecided;
    }
    if (next.empty()) return Consistency::inconsistent;
    states = std::move(next);
  }
  return Consistency::consistent;
}

}  // namespace millrace
