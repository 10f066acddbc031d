#include "engine/route/shape_keys.hpp"

#include <algorithm>
#include <cstring>

#include "matcher/secret.hpp"

namespace millrace {

ShapeKeys::ShapeKeys(const PathTrie& paths)
    : secret_(fresh_secret()), heads_(paths.node_count()), slots_(2 * kShapeKeysMax) {
  for (NodeId node = 0; node < heads_.size(); ++node) {
    Heads& heads = heads_[node];
    std::size_t bytes = sizeof(heads.mask);
    paths.for_each_child(node, [&](std::string_view segment) { bytes = std::min(bytes, segment.size() + 2); });
    std::memset(&heads.mask, 0xff, bytes);
    paths.for_each_child(node, [&](std::string_view segment) { heads.add(segment); });
  }
}

// A key is the segment, or begins with it and a dot.
void ShapeKeys::Heads::add(std::string_view segment) {
  for (const char behind : {'"', '.'}) {
    std::string key = '"' + std::string(segment) + behind;
    key.resize(std::max(key.size(), sizeof(mask)));
    const std::uint64_t place = place_of(key.data());
    bits[place / 64] |= std::uint64_t{1} << place % 64;
  }
}

std::uint32_t ShapeKeys::number_of(std::string_view quoted) {
  if (quoted.size() > ShortText::kBytesMax) return kNone;
  const KeyText wanted(quoted);
  std::size_t slot = text_hash(secret_, quoted) % slots_.size();
  for (; slots_[slot] != 0; slot = (slot + 1) % slots_.size()) {
    const KeyText& key = texts_[slots_[slot] - 1];
    if (key.bytes == wanted.bytes && key.text == wanted.text) return slots_[slot] - 1u;
  }
  if (texts_.size() == kShapeKeysMax) return kNone;
  texts_.push_back(wanted);
  slots_[slot] = static_cast<std::uint16_t>(texts_.size());
  return static_cast<std::uint32_t>(texts_.size() - 1);
}

}  // namespace millrace
