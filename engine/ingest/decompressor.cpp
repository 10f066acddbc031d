#include "engine/ingest/decompressor.hpp"

#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstdint>

namespace millrace {
namespace {

constexpr std::string_view kGzipMagic = "\x1f\x8b", kZstdMagic = "\x28\xb5\x2f\xfd";
constexpr std::string_view kSkippableMagicRest = "\x2a\x4d\x18";  // behind a byte from 0x50 to 0x5f

bool is_zstd_begin(char first) { return first == kZstdMagic[0] || (first & 0xf0) == 0x50; }

// Deflate, no reserved flag, and values of the extra flags and the system that writers use.
bool is_gzip_head(std::string_view head) {
  constexpr char kDeflate = 8, kReservedFlags = static_cast<char>(0xe0);
  const auto extra = head[8];
  const auto system = static_cast<unsigned char>(head[9]);
  return head.starts_with(kGzipMagic) && head[2] == kDeflate && (head[3] & kReservedFlags) == 0 &&
         (extra == 0 || extra == 2 || extra == 4) && (system < 14 || system == 255);
}

}  // namespace

bool is_packed(std::string_view begin) {
  const bool is_skippable =
      !begin.empty() && (begin[0] & 0xf0) == 0x50 && begin.substr(1).starts_with(kSkippableMagicRest);
  return begin.starts_with(kGzipMagic) || begin.starts_with(kZstdMagic) || is_skippable;
}

std::size_t find_packed(std::string_view bytes) {
  for (std::size_t at = 0; at + kPackedHeadBytes <= bytes.size(); ++at) {
    const std::string_view head = bytes.substr(at, kPackedHeadBytes);
    if (head.starts_with(kGzipMagic) ? is_gzip_head(head) : is_packed(head)) return at;
  }
  return std::string_view::npos;
}

class Decompressor::Gzip {
 public:
  void begin() { isal_inflate_init(&state_); }

  Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) {
    state_.crc_flag = ISAL_GZIP;
    state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in));
    state_.avail_in = static_cast<std::uint32_t>(in_bytes);
    state_.next_out = reinterpret_cast<std::uint8_t*>(out);
    state_.avail_out = static_cast<std::uint32_t>(out_bytes);
    const int status = isal_inflate(&state_);
    return {in_bytes - state_.avail_in, out_bytes - state_.avail_out,
            status < 0 ? "the gzip data is corrupt" : nullptr};
  }

  bool complete() const { return state_.block_state == ISAL_BLOCK_FINISH; }

 private:
  inflate_state state_;
};

// Block by block: what a call that fails says of its output is not so.
class Decompressor::Zstd {
 public:
  void begin() {
    ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
    left_ = 1;
    holds_more_ = false;
  }

  Step step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) {
    ZSTD_inBuffer input{in, holds_more_ ? 0 : std::min(in_bytes, wanted_bytes()), 0};
    ZSTD_outBuffer output{out, out_bytes, 0};
    left_ = ZSTD_decompressStream(context_.get(), &output, &input);
    holds_more_ = output.pos == out_bytes;
    if (ZSTD_isError(left_)) return {.consumed = input.pos, .error = sentence(left_)};
    return {input.pos, output.pos};
  }

  bool complete() const { return left_ == 0; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  // What zstd asks for is the rest of a block and the next one's header.
  std::size_t wanted_bytes() const {
    constexpr std::size_t kBlockHeaderBytes = 3;
    return left_ > kBlockHeaderBytes ? left_ - kBlockHeaderBytes : std::max<std::size_t>(left_, 1);
  }

  static const char* sentence(std::size_t error) {
    return ZSTD_getErrorCode(error) == ZSTD_error_frameParameter_windowTooLarge
               ? "the zstd data needs a window of more than 128 MiB; unpack it with zstd -d --long=31"
               : "the zstd data is corrupt";
  }

  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  std::size_t left_ = 1;
  bool holds_more_ = false;  // perhaps: the room was full
};

Decompressor::Decompressor() = default;
Decompressor::~Decompressor() = default;

// Says why nothing begins with this byte, if so.
const char* Decompressor::begin(char first) {
  is_gzip_ = first == kGzipMagic[0];
  if (!is_gzip_ && !is_zstd_begin(first)) return "neither gzip nor zstd data begins where it should";
  if (is_gzip_ && !gzip_) gzip_ = std::make_unique_for_overwrite<Gzip>();  // PERF: it has 80 KB
  if (!is_gzip_ && !zstd_) zstd_ = std::make_unique<Zstd>();
  is_gzip_ ? gzip_->begin() : zstd_->begin();
  return nullptr;
}

Decompressor::Step Decompressor::step(const char* in, std::size_t in_bytes, char* out, std::size_t out_bytes) {
  const bool begins = between_;
  if (begins) {
    if (in_bytes == 0) return {};
    // Padding of zeros behind the last member is customary.
    const auto zeros = static_cast<std::size_t>(std::find_if(in, in + in_bytes, [](char c) { return c != 0; }) - in);
    if (zeros > 0) return {.consumed = zeros};
    if (const char* error = begin(in[0])) return {.error = error, .begins = true};
    between_ = false;
  }
  Step step = is_gzip_ ? gzip_->step(in, in_bytes, out, out_bytes) : zstd_->step(in, in_bytes, out, out_bytes);
  step.begins = begins;
  between_ = step.error == nullptr && (is_gzip_ ? gzip_->complete() : zstd_->complete());
  return step;
}

}  // namespace millrace
