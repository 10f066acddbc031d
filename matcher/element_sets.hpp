// Can the leaves that satisfy a conjunction be chosen so that they agree? Decided for all choices of a field at once,
// as sets of elements, where arrays lie as they do without duplicate keys.
//
// Two fields share the arrays on the common beginning of their paths. The *anchor* of a leaf is the innermost element
// around it that lies in such an array. Where all anchors of two fields part within one array, their leaves agree if
// and only if they have the same anchor; and since fields come in path order, a leaf that agrees with the last choice
// agrees with all before it. So the choices for the first fields of a conjunction come down to one set, the elements of
// the last leaf:
//
//     {"a": [ {"x": 1, "y": 1}, {"x": 1}, {"y": 1} ]}       x: {0, 1}     then y: {0, 2}, of which {0} agrees
//
// A field that may be absent leaves the set as it is, less what some leaf of the field agrees with. So there may be
// several sets, told apart by the field that was chosen last: *branches*.
//
// Threads: one thread an object; it keeps its memory from event to event.
// Cost:    a list evaluates the leaves of its field once an event; a conjunction takes a bit for each of their
// elements,
//          or some nanoseconds where its fields lie in arrays of different depth. Memory: kSetWordsMax.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "matcher/event_fields.hpp"
#include "matcher/leaf_lists.hpp"
#include "matcher/secret.hpp"

namespace millrace {

// LIMIT: 64-bit words of the sets that are kept of an event, 2 MiB; beyond, lists are evaluated anew.
constexpr std::size_t kSetWordsMax = 1 << 18;

class ElementSets {
 public:
  explicit ElementSets(std::span<const std::string> paths) : paths_(paths) {}  // by field; they must outlive it

  // Forgets the event; REQUIRED before the first question about another.
  void clear();

  // `conjunction`: the places of its lists that exclude leaves, in path order. nullopt if arrays lie otherwise.
  std::optional<bool> agree(std::span<const std::uint32_t> conjunction, LeafLists& lists, EventFields& fields);

 private:
  using Word = std::uint64_t;
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  // Bit i of word w is element 64 * (begin + w) + i.
  struct Set {
    std::size_t begin;
    std::span<const Word> words;

    Word word(std::size_t at) const { return at - begin < words.size() ? words[at - begin] : 0; }
    bool has(ElementId element) const { return (word(element / 64) >> element % 64 & 1) != 0; }
  };
  // Of a field: the words that its elements are in, the depth of its deepest array, where the set of all is, and how
  // many lists were evaluated.
  struct Extent {
    std::size_t begin = 0, words = 0;
    std::uint32_t deepest = 0;
    std::size_t all = kNowhere;
    std::uint32_t lists = 0;
  };
  // The different values of a field, each with a leaf that has it and the elements of all that do, as a chain.
  struct Values {
    struct Value {
      LeafId leaf;
      std::uint32_t last;
    };
    struct Link {
      ElementId element;
      std::uint32_t before;
    };
    std::vector<Value> values;
    std::vector<Link> links;
  };
  // Of two fields: the depth of the paths in common, whether leaves lie in an array there, whether anchors part in one.
  struct Junction {
    std::uint32_t depth = 0;
    bool shares = false, regular = true;
  };
  // The elements of the leaves chosen last. `field`: a place; kNone before the first choice.
  struct Branch {
    std::uint32_t field = kNone;
    std::size_t begin = 0;
    std::vector<Word> words;

    Set set() const { return {begin, words}; }
  };

  bool take_step(std::uint32_t place);
  bool choose(const Branch& from, const Junction& junction, std::uint32_t place, Branch& to);
  bool leave_out(Branch& from, const Junction& junction, std::uint32_t field);

  Junction junction_of(std::uint32_t first, std::uint32_t second);
  void examine(const LeafLists::Leaves& first, const LeafLists::Leaves& second, Junction& out) const;
  bool part_in_one_array(ElementId a, LeafId leaf_of_a, ElementId b) const;
  ElementId anchor(ElementId element, std::uint32_t depth) const;
  Set anchors_of(Set set, std::uint32_t field, std::uint32_t depth);

  Extent& extent_of(std::uint32_t field);
  Set set_of(std::uint32_t place);
  void evaluate_leaves(const LeafLists::List& list, const Extent& extent, std::size_t set);
  void evaluate_values(const LeafLists::List& list, const Extent& extent, std::size_t set);
  const Values& values_of(std::uint32_t field);
  Set all_of(std::uint32_t field);
  std::size_t new_set(std::size_t words);
  void add_to(std::size_t set, const Extent& extent, ElementId element) {
    if (element != kNone) words_[set + element / 64 - extent.begin] |= Word{1} << element % 64;
  }

  std::span<const std::string> paths_;
  const std::uint64_t secret_ = fresh_secret();  // so that nobody can aim at collisions
  LeafLists* lists_ = nullptr;
  EventFields* fields_ = nullptr;
  std::vector<Word> words_;          // sets of lists and fields
  std::vector<std::size_t> set_at_;  // by list, in words_ or kNowhere
  std::vector<Extent> extents_;      // by field
  std::vector<Values> values_;       // by field, empty until made
  std::unordered_map<std::uint64_t, Junction> junctions_;
  std::vector<Branch> branches_;
  std::vector<Word> anchors_;
};

}  // namespace millrace
