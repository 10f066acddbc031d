#include "matcher/event_fields.hpp"

#include "matcher/case_fold.hpp"
#include "matcher/json_escape.hpp"

namespace millrace {

bool EventFields::add_escaped(FieldId field, std::string_view content) {
  auto text = std::make_unique<std::string>();
  if (!unescape_json(content, *text)) return false;
  add(field, LeafKind::string, *text);
  unescaped_.push_back(std::move(text));
  return true;
}

NumberKey EventFields::read_number(Leaf& leaf) {
  leaf.parsed = static_cast<std::uint32_t>(numbers_.size());
  return numbers_.emplace_back(comparable_number(leaf.text()));
}

std::string_view EventFields::lower(std::string_view text) {
  lower_.clear();
  append_ascii_lower(text, lower_);
  return lower_;
}

const std::optional<IpAddress>& EventFields::address(Leaf& leaf) {
  ParsedString& string = parsed_string(leaf);
  if (!string.address_read) {
    string.address = parse_ip(leaf.text());
    string.address_read = true;
  }
  return string.address;
}

}  // namespace millrace
