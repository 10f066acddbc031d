// What the matcher gets to see of an event: the leaves on paths that rules use, and the arrays they lie in.
//
// Shape. Leaves in document order, chained by field. An *element* is an object or array inside an array; scalars inside
// an array are no elements. Everything below an element or array is a range of leaves, since leaves come in document
// order:
//
//     {"a": [ {"b": 1}, {"b": 2, "c": 3} ]}    leaves b:1 b:2 c:3    array [0,3)  elements 0:[0,1) 1:[1,3)
//
// Invariants: I1 a leaf's text is unescaped and lives until clear(); I2 an array's parent has a smaller id than itself.
//
// Threads: one thread an object; reuse it, clear() keeps its memory and costs the leaves that were added.
// Errors:  add_escaped() says false if an escape is malformed.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/ip_address.hpp"
#include "matcher/number.hpp"
#include "matcher/path_trie.hpp"
#include "matcher/wildcard.hpp"

namespace millrace {

using ElementId = std::uint32_t;
using ArrayId = std::uint32_t;
using LeafId = std::uint32_t;

enum class LeafKind : std::uint8_t { string, number, literal };  // literal: true, false, null

struct Leaf {
  const char* data;  // a string's content, else the token's text
  std::uint32_t bytes;
  FieldId field;
  LeafId next;           // of the same field, kNone at the end
  ElementId element;     // innermost, kNone outside of arrays
  std::uint32_t parsed;  // among the numbers or the strings of EventFields, kNone until asked for
  LeafKind kind;
  std::uint64_t hash;  // of the text, 0 until the matcher makes it

  std::string_view text() const { return {data, bytes}; }
};

class EventFields {
 public:
  struct Element {
    ArrayId array;
    LeafId leaf_begin, leaf_end;
    bool has(LeafId leaf) const { return leaf >= leaf_begin && leaf < leaf_end; }
  };
  // `depth`: the segments of its path.
  struct Array {
    ElementId parent;
    LeafId leaf_begin, leaf_end;
    std::uint32_t depth;
    bool has(LeafId leaf) const { return leaf >= leaf_begin && leaf < leaf_end; }
  };

  void reset(std::size_t field_count) {
    leaf_count_ = 0;
    first_.assign(field_count, kNone);
    last_.assign(field_count, kNone);
    clear();
  }

  void clear() {
    for (std::size_t i = 0; i < leaf_count_; ++i) first_[leaves_[i].field] = kNone;
    leaf_count_ = 0;
    if (!elements_.empty()) {
      elements_.clear();
      arrays_.clear();
    }
    current_ = kNone;
    if (!numbers_.empty()) numbers_.clear();
    if (!strings_.empty()) strings_.clear();
    if (!unescaped_.empty()) unescaped_.clear();
  }

  void add(FieldId field, LeafKind kind, std::string_view text) {
    const LeafId id = next_leaf();
    if (leaf_count_ == leaves_.size()) leaves_.resize(2 * leaf_count_ + 16);
    leaves_[leaf_count_++] = {
        text.data(), static_cast<std::uint32_t>(text.size()), field, kNone, current_, kNone, kind, 0};
    if (first_[field] == kNone) {
      first_[field] = id;
    } else {
      leaves_[last_[field]].next = id;
    }
    last_[field] = id;
  }

  struct ChainedString {
    std::string_view text;
    FieldId field;
    LeafId next;
  };

  // Strings outside of arrays that are chained already: string_at(i) is leaf i. REQUIRES: no leaf so far.
  template <typename StringAt>
  void set_strings(std::size_t count, StringAt&& string_at) {
    if (leaves_.size() < count) leaves_.resize(2 * count);
    for (std::size_t i = count; i-- > 0;) {
      const ChainedString string = string_at(i);
      const auto bytes = static_cast<std::uint32_t>(string.text.size());
      leaves_[i] = {string.text.data(), bytes, string.field, string.next, kNone, kNone, LeafKind::string, 0};
      first_[string.field] = static_cast<LeafId>(i);
      if (string.next == kNone) last_[string.field] = static_cast<LeafId>(i);
    }
    leaf_count_ = count;
  }

  // `content`: between the quotes, escapes as they stand.
  bool add_escaped(FieldId field, std::string_view content);

  ArrayId open_array(std::uint32_t depth) {
    arrays_.push_back({current_, next_leaf(), kNone, depth});
    return static_cast<ArrayId>(arrays_.size() - 1);
  }
  void close_array(ArrayId array) { arrays_[array].leaf_end = next_leaf(); }
  void open_element(ArrayId array) {
    elements_.push_back({array, next_leaf(), kNone});
    current_ = static_cast<ElementId>(elements_.size() - 1);
  }
  void close_element(ArrayId array) {
    elements_[current_].leaf_end = next_leaf();
    current_ = arrays_[array].parent;
  }

  // A number's value, if it is comparable, and a string's address, each read at most once. REQUIRES: a leaf of that
  // kind.
  NumberKey number(Leaf& leaf) { return leaf.parsed == kNone ? read_number(leaf) : numbers_[leaf.parsed]; }
  const std::optional<IpAddress>& address(Leaf& leaf);

  // What the wildcards on a string share. REQUIRES: a string; valid until asked for another leaf.
  PairFilter& pairs(Leaf& leaf) { return parsed_string(leaf).pairs; }

  // Valid until it is asked for another text.
  std::string_view lower(std::string_view text);

  LeafId first(FieldId field) const { return first_[field]; }
  Leaf& leaf(LeafId id) { return leaves_[id]; }
  const Leaf& leaf(LeafId id) const { return leaves_[id]; }
  std::size_t leaf_count() const { return leaf_count_; }
  std::size_t field_count() const { return first_.size(); }
  const Element& element(ElementId id) const { return elements_[id]; }
  const Array& array(ArrayId id) const { return arrays_[id]; }
  bool has_arrays() const { return !elements_.empty(); }
  std::size_t element_count() const { return elements_.size(); }
  ElementId parent(ElementId id) const { return arrays_[elements_[id].array].parent; }  // the one around its array
  bool spans_array(ElementId id) const {
    const Element& its = elements_[id];
    return its.leaf_begin == arrays_[its.array].leaf_begin && its.leaf_end == arrays_[its.array].leaf_end;
  }

 private:
  struct ParsedString {
    PairFilter pairs;
    std::optional<IpAddress> address;
    bool address_read = false;
  };
  NumberKey read_number(Leaf& leaf);
  ParsedString& parsed_string(Leaf& leaf) {
    if (leaf.parsed == kNone) {
      leaf.parsed = static_cast<std::uint32_t>(strings_.size());
      strings_.emplace_back();
    }
    return strings_[leaf.parsed];
  }

  LeafId next_leaf() const { return static_cast<LeafId>(leaf_count_); }

  std::vector<Leaf> leaves_;  // leaf_count_ of them, and room
  std::size_t leaf_count_ = 0;
  std::vector<LeafId> first_, last_;
  std::vector<Element> elements_;
  std::vector<Array> arrays_;
  ElementId current_ = kNone;
  std::vector<NumberKey> numbers_;
  std::vector<ParsedString> strings_;
  std::vector<std::unique_ptr<std::string>> unescaped_;
  std::string lower_;
};

}  // namespace millrace
