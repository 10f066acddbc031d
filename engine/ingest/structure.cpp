#include "engine/ingest/structure.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "engine/ingest/structure_loop.hpp"
#include "engine/route/processor.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {

#ifdef __x86_64__
void find_structure_avx512(const char* text, std::size_t bytes, StringState& state, Structure* out);
#endif

namespace {

class Group {
 public:
  explicit Group(const char* at) : bytes_(at) {}
  Group(const char* at, std::size_t count) : bytes_(pad(at, count)) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  std::uint64_t equal(char c) const { return bytes_.equal(c); }
  std::uint64_t brackets() const { return bytes_.equal_folded('{') | bytes_.equal_folded('}'); }
  std::uint64_t may_follow_string() const { return bytes_.may_follow_string(); }

 private:
  const char* pad(const char* at, std::size_t count) {
    padded_.fill(' ');
    std::copy_n(at, count, padded_.begin());
    return padded_.data();
  }
  std::array<char, 64> padded_;
  Bytes64 bytes_;  // which may look at what it was given later
};

std::vector<StructureFinder> finders_of_this_processor() {
  std::vector<StructureFinder> out;
#ifdef __x86_64__
  if (has_avx512()) out.push_back(find_structure_avx512);
#endif
  out.push_back(StructureLoop<Group>::find);
  return out;
}

}  // namespace

std::span<const StructureFinder> structure_finders() {
  static const std::vector<StructureFinder> finders = finders_of_this_processor();
  return finders;
}

}  // namespace millrace
