// Which closed ranges hold a number or an address? An implicit interval tree: ranges sorted by their low end, the
// middle one of each span being its root, with the greatest high end of the span beside it.
//
// Threads: immutable after build(). Cost: query O(log n + hits) for nested or disjoint ranges; build O(n log n).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace millrace {

template <typename Key>
class RangeIndex {
 public:
  struct Range {
    Key low, high;
    std::uint32_t value;
    Key highest = 0;  // of the span that this range is the root of
  };

  void add(Key low, Key high, std::uint32_t value) { ranges_.push_back({low, high, value}); }

  void build() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.low < b.low; });
    fill(0, ranges_.size());
  }

  template <typename Visit>
  void query(Key number, Visit&& visit) const {
    query_span(0, ranges_.size(), number, visit);
  }

  bool empty() const { return ranges_.empty(); }
  std::size_t bytes() const { return ranges_.size() * sizeof(Range); }

 private:
  Key fill(std::size_t begin, std::size_t end) {
    if (begin == end) return 0;
    const std::size_t root = begin + (end - begin) / 2;
    return ranges_[root].highest = std::max({ranges_[root].high, fill(begin, root), fill(root + 1, end)});
  }

  template <typename Visit>
  void query_span(std::size_t begin, std::size_t end, Key number, Visit& visit) const {
    if (begin == end) return;
    const std::size_t root = begin + (end - begin) / 2;
    const Range& range = ranges_[root];
    if (range.highest < number) return;
    query_span(begin, root, number, visit);
    if (range.low > number) return;
    if (range.high >= number) visit(range.value);
    query_span(root + 1, end, number, visit);
  }

  std::vector<Range> ranges_;
};

}  // namespace millrace
