// equals-ignore-case: which texts does a rule's text stand for?
//
// AWS folds per character of the *rule*: the event may have, at that place, the character itself, its lower or its
// upper case, each with its full Unicode mapping (rule "ß" matches "SS"). It is not symmetric: rule "k" matches K,
// never the Kelvin sign. Characters beyond the basic plane stand for themselves only.
//
// Shape of an encoded text, one entry a character, `size` that of its texts:   size:u8  { bytes:u8, text } ...  size:u8
//
// Invariant: no text of a character begins or ends with another, so a value is read one way, from either end.
//
// Threads: pure functions. Cost: encode asks ICU, once a rule; match is linear in the encoded text that the value has.
// Source:  event-ruler 2.0.1, EqualsIgnoreCaseParser, less its faults on title case and surrogates.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

bool is_ascii(std::string_view text);

// The place of the first byte that is no UTF-8; the text's size if all of it is.
std::size_t find_invalid_utf8(std::string_view text);
void append_ascii_lower(std::string_view text, std::string& out);
bool equals_ascii_lower(std::string_view value, std::string_view lower);  // value folds to `lower`

std::string encode_fold(std::string_view rule_text);

enum class FoldAnchor { whole, head, tail };
bool fold_matches(std::string_view encoded, std::string_view value, FoldAnchor anchor);

}  // namespace millrace
