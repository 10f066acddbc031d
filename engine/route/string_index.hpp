// Where the strings of a JSON text begin and end. All else that it has stands in the gaps between them, which are
// short.
//
// Shape. Gap i stands before string i, the last gap behind the last string. A gap's *head* is its first byte, with the
// high bit set if a quote stands behind that byte, as in most gaps:
//
//     text    {"a":[1,"b"]}      strings  a  b      gaps  {   :[1,   ]}      heads  -  :  -
//     text    {"a":"b","c":1}    strings  a  b  c   gaps  {   :   ,   :1}    heads  -  :+80  ,+80  -
//
// Threads: one thread an object, which keeps its memory. Cost: 0.03 ns a byte with AVX-512, 0.06 with AVX2; the
// processor is asked once which it has. 5 bytes of memory a byte of the longest text.
// Errors: ends_in_string(); what stands in the gaps is not checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace millrace {

constexpr std::size_t kJsonPaddingBytes = 80;  // to be readable behind a text

struct QuotesFound {
  std::size_t count = 0;
  bool backslash = false;  // the text has one
};

// Where a finder writes: the places of the quotes that no backslash escapes, and as heads, what stands behind each.
// There is room for the text's bytes and kQuotesSlack more of each.
struct QuoteRoom {
  std::uint32_t* places;
  char* heads;
};
constexpr std::size_t kQuotesSlack = 128;
constexpr char kQuoteFollows = '\x80';

// REQUIRES: kJsonPaddingBytes readable bytes behind the text.
using QuoteFinder = QuotesFound (*)(const char* text, std::size_t bytes, QuoteRoom room);

// Those that this processor can run, the fastest one first; the last one runs everywhere.
std::span<const QuoteFinder> quote_finders();

class StringIndex {
 public:
  explicit StringIndex(QuoteFinder finder = quote_finders().front()) : finder_(finder) {}

  // REQUIRES: kJsonPaddingBytes readable bytes behind `text`, which outlives what is asked of it.
  void find(std::string_view text);

  std::string_view text() const { return text_; }
  std::size_t count() const { return found_.count / 2; }
  bool ends_in_string() const { return found_.count % 2 != 0; }
  bool has_backslash() const { return found_.backslash; }

  const char* quote(std::size_t i) const { return text_.data() + places_[2 * i + 1]; }  // the opening one
  const char* end_quote(std::size_t i) const { return text_.data() + places_[2 * i + 2]; }
  // What stands between the quotes, escapes as they are.
  std::string_view string(std::size_t i) const {
    const std::uint32_t begin = places_[2 * i + 1] + 1;
    return {text_.data() + begin, places_[2 * i + 2] - begin};
  }
  const char* gap(std::size_t i) const { return text_.data() + std::uint32_t{places_[2 * i] + 1}; }
  const char* gap_end(std::size_t i) const { return text_.data() + places_[2 * i + 1]; }

  std::uint32_t gap_bytes(std::size_t i) const { return places_[2 * i + 1] - places_[2 * i] - 1; }

  // Byte 2i is the head of gap i; instead of those of the first and the last gap there are zeros, kHeadsSlack of them.
  const char* heads() const { return heads_.get(); }
  static constexpr std::size_t kHeadsSlack = 32;

 private:
  void grow(std::size_t bytes);

  QuoteFinder finder_;
  std::string_view text_;
  QuotesFound found_;
  std::size_t room_ = 0;
  std::unique_ptr<std::uint32_t[]> places_;  // of quotes, from 1 on; as if one stood right before and behind the text
  std::unique_ptr<char[]> heads_;
};

}  // namespace millrace
