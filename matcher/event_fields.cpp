#include "matcher/event_fields.hpp"

#include "matcher/json_cursor.hpp"

namespace millrace {

bool EventFields::add_escaped(FieldId field, std::string_view content) {
  auto text = std::make_unique<std::string>();
  if (!unescape_json(content, *text)) return false;
  add(field, LeafKind::string, *text);
  unescaped_.push_back(std::move(text));
  return true;
}

const EventFields::Parsed& EventFields::parsed(Leaf& leaf) {
  if (leaf.parsed == kNone) {
    leaf.parsed = static_cast<std::uint32_t>(parsed_.size());
    parsed_.emplace_back();
    if (leaf.kind == LeafKind::number) parsed_.back().number = comparable_number(leaf.text());
    if (leaf.kind == LeafKind::string) parsed_.back().address = parse_ip(leaf.text());
  }
  return parsed_[leaf.parsed];
}

}  // namespace millrace
