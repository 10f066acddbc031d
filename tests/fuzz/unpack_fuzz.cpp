// Whatever is packed, in however many members, is unpacked to the same bytes; whatever is damaged ends with a failure
// or with bytes, never with a crash.
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

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}

std::string packed(unsigned packing, std::string_view text) {
  if (packing == 0) return gzip(text);
  if (packing == 1) return zstd(text);
  return std::string(text);
}

std::string unpacked(const std::string& bytes, bool& failed) {
  const int file = ::memfd_create("input", MFD_CLOEXEC);
  check(file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  millrace::ByteSource source("/proc/self/fd/" + std::to_string(file));
  std::string out, piece(997, '\0');
  for (std::size_t got; (got = source.read(piece.data(), piece.size())) > 0;) out.append(piece, 0, got);
  failed = !source.failure().empty();
  ::close(file);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const unsigned packing = data[0] % 3;
  const std::string_view text(reinterpret_cast<const char*>(data + 3), size - 3);
  const std::size_t cut = text.empty() ? 0 : data[1] % text.size();
  std::string bytes = packed(packing, text.substr(0, cut)) + packed(packing, text.substr(cut));
  bool failed = false;
  check(packing == 2 || (unpacked(bytes, failed) == text && !failed));
  char& damaged = bytes[bytes.empty() ? 0 : data[2] % bytes.size()];
  if (packing != 2) damaged = static_cast<char>(damaged ^ (1 + data[1] % 255));
  unpacked(bytes, failed);
  return 0;
}
