#include "matcher/event_fields.hpp"

#include "matcher/json_cursor.hpp"

namespace millrace {

bool EventFields::add_string(FieldId field, std::string_view content) {
  if (content.find('\\') == std::string_view::npos) {
    add(field, LeafKind::string, content);
    return true;
  }
  auto text = std::make_unique<std::string>();
  if (!unescape_json(content, *text)) return false;
  add(field, LeafKind::string, *text);
  unescaped_.push_back(std::move(text));
  return true;
}

}  // namespace millrace
