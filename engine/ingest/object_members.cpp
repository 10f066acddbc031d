#include "engine/ingest/object_members.hpp"

#include "engine/ingest/json_scan.hpp"
#include "engine/route/text_scan.hpp"

namespace millrace {

ObjectMembers::Step ObjectMembers::next() {
  if (!skip_space()) return need_more;
  if (text_[at_] == '}') return ++at_, end;
  if (!first_ && text_[at_++] != ',') return malformed;
  first_ = false;
  if (!skip_space()) return need_more;
  if (text_[at_] != '"') return malformed;
  if (!skip_string(key_) || !skip_space()) return need_more;
  if (text_[at_++] != ':') return malformed;
  return skip_space() ? member : need_more;
}

ObjectMembers::Step ObjectMembers::skip_value() {
  std::string_view ignored;
  if (text_[at_] == '"') return skip_string(ignored) ? member : need_more;
  if (text_[at_] == '{' || text_[at_] == '[') {
    JsonScan scan;
    at_ = scan.find_close(text_.data(), at_, text_.size());
    return scan.malformed() ? malformed : scan.closed() ? member : need_more;
  }
  const std::size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != '\n') ++at_;
  return at_ == begin ? malformed : at_ < text_.size() ? member : need_more;
}

bool ObjectMembers::skip_space() {
  while (at_ < text_.size() && is_json_space(text_[at_])) ++at_;
  return at_ < text_.size();
}

bool ObjectMembers::skip_string(std::string_view& content) {
  const std::size_t begin = ++at_;
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
  if (at_ >= text_.size()) return false;
  content = text_.substr(begin, at_++ - begin);
  return true;
}

}  // namespace millrace
