// Whatever is packed, in however many members, is unpacked to the same bytes; of a member that is damaged, those in
// front of it and behind it are.
//
// Input: a byte that chooses the packing, one that says where the text is cut into members, one that says what is
// damaged, then the text.
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/ingest/byte_source.hpp"
#include "engine/ingest/decompressor.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

std::string gzip(std::string_view text) {
  constexpr int kGzipWindowBits = 15 + 16;
  z_stream stream{};
  check(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  check(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// With a checksum, as the zstd command writes it: without, a damaged frame may seem whole.
std::string zstd(std::string_view text) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  check(context != nullptr && !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

// The members may be of both kinds.
std::string packed(unsigned packing, std::string_view text) { return packing == 0 ? gzip(text) : zstd(text); }

std::string unpacked(const std::string& bytes, bool& failed) {
  const int file = ::memfd_create("input", MFD_CLOEXEC);
  check(file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  millrace::ByteSource source("/proc/self/fd/" + std::to_string(file));
  std::string out, piece(997, '\0');
  failed = false;
  do {
    for (std::size_t got; (got = source.read(piece.data(), piece.size())) > 0;) out.append(piece, 0, got);
    failed |= !source.failure().empty();
  } while (source.go_on_behind_damage());
  ::close(file);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 3), size - 3);
  const std::size_t cut = text.empty() ? 0 : data[1] % text.size();
  const std::string first = packed(data[0] & 1, text.substr(0, cut)), last = packed(data[0] >> 2 & 1, text.substr(cut));
  std::string damaged = packed(data[0] >> 1 & 1, text);
  bool failed = false;
  check(unpacked(first + last, failed) == text && !failed);
  check(unpacked(first + damaged + last, failed).size() == 2 * text.size() && !failed);

  char& at = damaged[data[2] % damaged.size()];
  at = static_cast<char>(at ^ (1 + data[1] % 255));
  constexpr std::size_t kFlags = 4;
  constexpr char kChecksum = 4;
  const bool is_zstd = (data[0] >> 1 & 1) != 0;
  if (is_zstd && (damaged[kFlags] & kChecksum) == 0) return 0;  // it may seem whole now
  // What looks like a member within a damaged one is taken for one.
  const std::string behind = (damaged + last).substr(1, damaged.size() + millrace::kPackedHeadBytes - 2);
  if (millrace::find_packed(behind) != std::string_view::npos) return 0;
  const std::string out = unpacked(first + damaged + last, failed);
  check(out.starts_with(text.substr(0, cut)) && out.ends_with(text.substr(cut)));
  return 0;
}
