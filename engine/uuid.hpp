// A UUID made from bytes; the same bytes give the same UUID. Version 8 of RFC 9562. Threads: any. Cost: a pass.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

std::string uuid_from(std::string_view bytes);

}  // namespace millrace
