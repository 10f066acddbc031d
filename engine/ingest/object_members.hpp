// The members of a JSON object one after the other, as far as its text is there.
//
// Threads: one thread an object. Cost: each byte once, values at a scan's speed. Errors: Step::malformed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

class ObjectMembers {
 public:
  enum Step : std::uint8_t { member, end, need_more, malformed };

  // `at`: behind the opening brace, or behind a member's value.
  ObjectMembers(std::string_view text, std::size_t at, bool behind_member)
      : text_(text), at_(at), first_(!behind_member) {}

  // Goes to the next member: key() and at(), which is its value's first byte. Its value must be skipped before.
  Step next();
  Step skip_value();  // member, need_more or malformed

  std::string_view key() const { return key_; }  // escapes as they are
  std::size_t at() const { return at_; }

 private:
  bool skip_space();
  bool skip_string(std::string_view& content);

  std::string_view text_;
  std::size_t at_;
  bool first_;
  std::string_view key_;
};

}  // namespace millrace
