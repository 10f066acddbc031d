// What this processor has of all that code made for some processors uses; one that has a part only is asked for none.
//
// Threads: pure. Cost: the processor is asked each time; keep the answer. Errors: none.
#pragma once

namespace millrace {

bool has_avx512();  // F, BW, VL, VBMI and VBMI2, with BMI2, POPCNT and PCLMUL
bool has_avx2();    // with BMI and POPCNT

}  // namespace millrace
