// Unpacks what gzip and zstd packed: members and frames that stand one behind the other, of either kind, as one text.
//
// Threads: one thread an object. Cost: gzip at ISA-L's speed. Memory: what the window needs, 128 MiB at most for zstd.
// Errors:  a sentence in Step; reset() makes the object ready for what begins elsewhere.
// Source:  RFC 1952 (gzip), RFC 8878 (zstd).
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace millrace {

constexpr std::size_t kPackedHeadBytes = 10;  // that tell the beginning of a member or a frame

// Does a member or a frame begin here, as far as these first bytes say?
bool is_packed(std::string_view begin);

// The first place where one seems to begin with kPackedHeadBytes; npos if there is none.
std::size_t find_packed(std::string_view bytes);

class Decompressor {
 public:
  struct Step {
    std::size_t consumed = 0, produced = 0;
    const char* error = nullptr;
    bool begins = false;  // with a member or a frame, if it consumed anything
  };

  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Without input: what is held of what was consumed.
  Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes);

  bool complete() const { return between_; }  // nothing is missing if the input ends here
  void reset() { between_ = true; }

 private:
  class Gzip;
  class Zstd;
  const char* begin(char first);

  std::unique_ptr<Gzip> gzip_;
  std::unique_ptr<Zstd> zstd_;
  bool is_gzip_ = false;  // what is being unpacked
  bool between_ = true;   // members or frames
};

}  // namespace millrace
