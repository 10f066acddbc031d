// Keeps shapes and recognises the texts that have them, so that most texts need not be read.
//
// Threads: one thread an object. Cost: recognising, about 45 ns a CloudTrail record; what does not fit is read.
// Errors:  find() gives null if the text is no JSON object by its gaps, or too deep.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "engine/route/shape.hpp"
#include "engine/route/shape_keys.hpp"
#include "engine/route/shape_reader.hpp"
#include "engine/route/string_index.hpp"

namespace millrace {

// LIMIT: shapes kept by a walker; a bucket of logs has hundreds.
constexpr std::size_t kShapesMax = 2048;

class ShapeTable {
 public:
  explicit ShapeTable(ShapeWants wants);
  ShapeTable(const ShapeTable&) = delete;
  ShapeTable& operator=(const ShapeTable&) = delete;

  // The shape of this text, kept or read now; null if it is no JSON object. Valid until the next call.
  const Shape* find(const StringIndex& text, NodeId root);

  // A scalar that is wanted of the text that was found last.
  std::string_view scalar(std::uint32_t index) const { return scalars_[index]; }

 private:
  static constexpr std::size_t kWays = 4, kSets = kShapesMax / kWays, kSeen = 1024;

  // A shape and all that it refers to in one piece of memory. PERF: it is one way to the second-level cache.
  struct FreeShape {
    void operator()(const Shape* shape) const { ::operator delete (const_cast<Shape*>(shape), std::align_val_t{64}); }
  };
  using KeptShape = std::unique_ptr<const Shape, FreeShape>;
  // Shapes that share a hash's low bits.
  struct alignas(64) Set {
    std::array<std::uint64_t, kWays> hashes{};
    std::array<KeptShape, kWays> shapes;
  };
  // Shapes that were read once, by hash of marks and keys; the oldest of a few that share its low bits goes.
  struct Seen {
    std::array<std::uint32_t, 4> hashes{};
    std::uint32_t next = 0;
  };

  bool fits(const Shape& shape, const StringIndex& text);
  bool scalars_fit(std::span<const Shape::ScalarGap> gaps, const StringIndex& text);
  bool others_lead_on(std::span<const Shape::Other> others, const StringIndex& text) const;
  static bool any_escaped(const Shape& shape, const StringIndex& text);
  void keep(const StringIndex& text, std::uint64_t hash);
  static KeptShape copy_of(const Shape& shape);
  bool was_seen(std::uint64_t hash);

  std::uint64_t secret_;
  std::vector<Set> sets_;
  std::uint32_t kept_ = 0;  // whose low bits choose the shape of a set that is replaced
  std::vector<Seen> seen_;
  ShapeKeys keys_;
  std::vector<std::string_view> scalars_;
  ShapeReader reader_;
};

}  // namespace millrace
