// The subset of JSONPath that EventBridge takes in InputPath and InputPathsMap: $, .name, ['name'], [0], and * for
// every member or element.
//
// What a path selects is the value's own text without the space between its tokens, numbers and escapes as they stand;
// of a path with * it is an array of what it selects. Of a key that comes twice, the last value counts.
//
// Threads: immutable after parse(). Cost: a pass over the objects along the path.
// Errors:  parse() says what was expected and where. Source: EventBridge user guide, input transformation.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.hpp"

namespace millrace {

class JsonPath {
 public:
  static Result<JsonPath> parse(std::string_view text);

  // nullopt if nothing is there. REQUIRES: valid JSON, kJsonPaddingBytes readable bytes behind it.
  std::optional<std::string> select(std::string_view json) const;

 private:
  struct Step {
    enum Kind : unsigned char { key, index, every } kind;
    std::string name;
    std::size_t place = 0;
  };

  bool read_step(std::string_view text, std::size_t& at);
  void follow(std::string_view value, std::size_t step, std::vector<std::string_view>& out) const;

  std::vector<Step> steps_;
};

}  // namespace millrace
