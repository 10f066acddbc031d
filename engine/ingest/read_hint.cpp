#include "engine/ingest/read_hint.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace millrace {
namespace {

std::uint64_t page_of(std::uint64_t offset) {
  static const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return offset - offset % page_bytes;
}

}  // namespace

ReadHint::ReadHint(int file, std::uint64_t offset, std::size_t bytes)
    : begin_(page_of(offset)), bytes_(bytes + (offset - begin_)) {
  void* const at = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file, static_cast<off_t>(begin_));
  if (at != MAP_FAILED) mapping_ = at;
}

ReadHint::~ReadHint() {
  if (mapping_ != nullptr) ::munmap(mapping_, bytes_);
}

const char* ReadHint::prepare(std::uint64_t offset, std::size_t bytes) const {
  if (mapping_ == nullptr || offset < begin_ || offset >= begin_ + bytes_) return nullptr;
  const std::uint64_t page = page_of(offset), end = std::min(offset + bytes, begin_ + bytes_);
  char* const at = static_cast<char*>(mapping_) + (page - begin_);
  return ::madvise(at, end - page, MADV_POPULATE_READ) == 0 ? at + (offset - page) : nullptr;
}

}  // namespace millrace
