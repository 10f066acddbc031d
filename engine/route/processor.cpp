#include "engine/route/processor.hpp"

namespace millrace {

#ifdef __x86_64__

bool has_avx512() {
  __builtin_cpu_init();
  const auto has = [](auto... answers) { return (... && (answers != 0)); };
  return has(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512vl"),
             __builtin_cpu_supports("avx512vbmi"), __builtin_cpu_supports("avx512vbmi2"),
             __builtin_cpu_supports("bmi2"), __builtin_cpu_supports("popcnt"), __builtin_cpu_supports("pclmul"));
}

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
}

#else

bool has_avx512() { return false; }
bool has_avx2() { return false; }

#endif

}  // namespace millrace
