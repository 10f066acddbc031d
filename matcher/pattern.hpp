// Checks a pattern's text and takes it apart: from JSON to conjunctions of leaf lists, `$or` multiplied out.
//
// Shape. {"a":[1], "$or":[{"b":[2]}, {"c":[3]}]}  is two conjunctions,  a:[1] AND b:[2]  and  a:[1] AND c:[3].
//
// Invariants, established by parse():
//   I1  a conjunction names each path once, in byte order; the last of several lists for a path in document order
//   stands; I2  a conjunction has 1 to kPatternFieldsMax fields, a pattern 1 to kPatternCombinationsMax conjunctions;
//   I3  values are encoded as matcher/values.hpp says.
//
// Threads: one thread an object; reuse it, parse() keeps its memory.
// Cost:    one pass over the text, about 1 ns a byte for ordinary rules; no exceptions.
// Errors:  the first line of AWS's reason, and the place.
// Source:  event-ruler 2.0.1, JsonRuleCompiler, as AWS's recorded refusals show it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matcher/values.hpp"

namespace millrace {

// LIMIT: of a pattern's text; AWS takes 4,096 characters. Encoded, no operand or list of it reaches 2^24 (values.hpp).
constexpr std::size_t kPatternBytesMax = std::size_t{2} << 20;
constexpr std::size_t kPatternFieldsMax = 256;         // LIMIT: AWS's, for one conjunction
constexpr std::size_t kPatternCombinationsMax = 1000;  // LIMIT: AWS's; side by side `$or`s multiply

struct PatternError {
  std::string reason;            // first line of AWS's reason
  std::size_t offset_bytes = 0;  // into the pattern's text
};

class Pattern {
 public:
  struct Field {
    std::uint32_t path_begin, path_bytes;
    std::uint32_t values_begin, values_words;
  };

  // Replaces what the object held; on an error it holds nothing.
  std::optional<PatternError> parse(std::string_view text);

  std::size_t conjunction_count() const { return conjunctions_.size(); }
  const std::vector<std::uint32_t>& conjunction(std::size_t i) const { return conjunctions_[i]; }  // indices of fields
  std::size_t field_count() const { return fields_.size(); }
  std::string_view path(std::uint32_t field) const {
    return std::string_view(paths_).substr(fields_[field].path_begin, fields_[field].path_bytes);
  }
  Words values(std::uint32_t field) const {
    return {values_.data() + fields_[field].values_begin, fields_[field].values_words};
  }

 private:
  friend class PatternParser;
  std::string paths_;
  std::vector<std::uint32_t> values_;
  std::vector<Field> fields_;
  std::vector<std::vector<std::uint32_t>> conjunctions_;
};

}  // namespace millrace
