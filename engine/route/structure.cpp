#include "engine/route/structure.hpp"

#include <array>
#include <bit>
#include <vector>

#include "engine/route/structure_finder.hpp"

namespace millrace {

#ifdef __x86_64__
StructureEnd find_structure_avx2(const char* text, std::size_t bytes, char* marks, std::uint32_t* places);
StructureEnd find_structure_avx512(const char* text, std::size_t bytes, char* marks, std::uint32_t* places);
#endif

namespace {

enum Kind : std::uint8_t { kind_scalar, kind_operator, kind_space };

constexpr auto kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (const char c : {'{', '}', '[', ']', ':', ',', '\x1a', '\f'})
    kinds[static_cast<unsigned char>(c)] = kind_operator;
  for (const char c : {' ', '\t', '\r', '\n'}) kinds[static_cast<unsigned char>(c)] = kind_space;
  return kinds;
}();

// Any processor: byte by byte.
class Group {
 public:
  explicit Group(const char* at, std::size_t count = 64) : at_(at), count_(count) {}
  std::uint64_t equal(char c) const {
    return mask([&](unsigned char byte) { return byte == static_cast<unsigned char>(c); });
  }
  std::uint64_t operators() const {
    return mask([](unsigned char byte) { return kKinds[byte] == kind_operator; });
  }
  std::uint64_t spaces() const {
    return mask([](unsigned char byte) { return kKinds[byte] == kind_space; });
  }
  using Lowest = bool;
  static Lowest nothing_seen() { return false; }
  Lowest lowest(Lowest before) const {
    return before || mask([](unsigned char byte) { return byte < 0x20; }) != 0;
  }
  static bool any_control(Lowest lowest) { return lowest; }
  static std::uint64_t parity(std::uint64_t bits) {
    for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }
  void write(std::uint64_t starts, std::uint64_t plain, std::uint32_t place, char* marks, std::uint32_t* places) const {
    for (; starts != 0; starts &= starts - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(starts));
      *marks++ = (plain >> i & 1) != 0 ? kScalarMark : at_[i];
      *places++ = place + i;
    }
  }

 private:
  template <typename Test>
  std::uint64_t mask(Test&& test) const {
    std::uint64_t out = 0;
    for (unsigned i = 0; i < 64; ++i) out |= std::uint64_t{test(i < count_ ? byte(i) : ' ')} << i;
    return out;
  }
  unsigned char byte(unsigned i) const { return static_cast<unsigned char>(at_[i]); }

  const char* at_;
  std::size_t count_;
};

std::vector<StructureFinder> finders_of_this_processor() {
  std::vector<StructureFinder> out;
#ifdef __x86_64__
  __builtin_cpu_init();
  const auto has = [](auto... answers) { return (... && (answers != 0)); };
  if (has(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512vl"),
          __builtin_cpu_supports("avx512vbmi2"), __builtin_cpu_supports("pclmul"), __builtin_cpu_supports("bmi2")))
    out.push_back(find_structure_avx512);
  if (has(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("pclmul"), __builtin_cpu_supports("bmi")))
    out.push_back(find_structure_avx2);
#endif
  out.push_back(StructureLoop<Group>::find);
  return out;
}

}  // namespace

std::span<const StructureFinder> structure_finders() {
  static const std::vector<StructureFinder> finders = finders_of_this_processor();
  return finders;
}

void Structure::grow(std::size_t bytes) {
  room_ = bytes + bytes / 2;
  marks_ = std::make_unique<char[]>(room_ + kStructureSlack);
  places_ = std::make_unique<std::uint32_t[]>(room_ + kStructureSlack);
}

}  // namespace millrace
