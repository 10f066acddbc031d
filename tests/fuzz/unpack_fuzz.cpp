// Whatever is packed, in however many members, is unpacked to the same bytes; whatever is damaged ends with a failure
// or with bytes, never with a crash.
//
// Input: a byte that chooses the packing, one that says where the text is cut into members, one that says what is
// damaged, then the text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/ingest/byte_source.hpp"
#include "tests/inputs.hpp"

namespace {

std::string packed(unsigned packing, std::string_view text) {
  if (packing == 0) return millrace::test::gzip(text);
  if (packing == 1) return millrace::test::zstd(text);
  return std::string(text);
}

std::string unpacked(const std::string& bytes, bool& failed) {
  const millrace::test::TempFile file(bytes);
  millrace::ByteSource source(file.path());
  std::string out, piece(997, '\0');
  for (std::size_t got; (got = source.read(piece.data(), piece.size())) > 0;) out.append(piece, 0, got);
  failed = !source.failure().empty();
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
  if (packing != 2 && (unpacked(bytes, failed) != text || failed)) std::abort();
  char& damaged = bytes[bytes.empty() ? 0 : data[2] % bytes.size()];
  if (packing != 2) damaged = static_cast<char>(damaged ^ (1 + data[1] % 255));
  unpacked(bytes, failed);
  return 0;
}
