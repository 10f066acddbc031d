// Finds the structure of JSON text: where its brackets, colons, commas, strings and scalars begin, 64 bytes at a time.
//
// Shape. A mark and a place for each of them, in order; a scalar is whatever else stands outside of strings:
//
//     text    {"a": [1, "b"]}        marks   { " : [ 0 , " ] }        places  0 1 4 6 7 8 10 13 14
//
// Invariants: I1 between two marks stands what the first one begins, then white space, and nothing else, so a string
//             ends at the last quote before the next mark;
//             I2 the marks are { } [ ] : , " 0, and 0x0c and 0x1a, which may stand nowhere.
//
// Threads: one thread an object, which keeps its memory. Cost: about 0.06 ns a byte with AVX-512, 0.13 with AVX2; the
// processor is asked once which it has. 5 bytes of memory a byte of the longest text.
// Errors: ends_in_string(); what stands between the marks is not checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace millrace {

constexpr std::size_t kJsonPaddingBytes = 64;  // to be readable behind a text

constexpr char kScalarMark = '0';

// What a finder says besides the marks.
struct StructureEnd {
  std::size_t count = 0;
  bool in_string = false;  // the text ends inside of a string
  bool backslash = false;  // the text has one
  bool control = false;    // the text has a byte under 0x20, white space included
};

// Writes marks and places; both have room for the text's bytes and kStructureSlack more.
using StructureFinder = StructureEnd (*)(const char* text, std::size_t bytes, char* marks, std::uint32_t* places);
constexpr std::size_t kStructureSlack = 128;

// Those that this processor can run, the fastest one first; the last one runs everywhere.
std::span<const StructureFinder> structure_finders();

class Structure {
 public:
  explicit Structure(StructureFinder finder = structure_finders().front()) : finder_(finder) {}

  // REQUIRES: kJsonPaddingBytes readable bytes behind `text`, which outlives what is asked of it.
  void find(std::string_view text) {
    if (text.size() > room_) grow(text.size());
    text_ = text;
    end_ = finder_(text.data(), text.size(), marks_.get(), places_.get());
  }

  std::string_view text() const { return text_; }
  std::size_t count() const { return end_.count; }
  const char* marks() const { return marks_.get(); }  // 32 more bytes can be read
  char mark(std::size_t i) const { return marks_[i]; }
  const char* at(std::size_t i) const { return text_.data() + places_[i]; }
  bool ends_in_string() const { return end_.in_string; }
  bool has_backslash() const { return end_.backslash; }
  bool has_control() const { return end_.control; }

  // What the mark begins, without white space behind it; of a string, what stands between its quotes, escapes as they
  // are. REQUIRES: a mark behind it.
  std::string_view string(std::size_t i) const {
    const char *const begin = at(i) + 1, *end = at(i + 1) - 1;
    while (*end != '"') --end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }
  std::string_view scalar(std::size_t i) const {
    const char *const begin = at(i), *end = at(i + 1);
    while (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\t') --end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

 private:
  void grow(std::size_t bytes);

  StructureFinder finder_;
  std::string_view text_;
  StructureEnd end_;
  std::size_t room_ = 0;
  std::unique_ptr<char[]> marks_;
  std::unique_ptr<std::uint32_t[]> places_;
};

}  // namespace millrace
