#include "cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace halogen {

#if defined(__x86_64__)
namespace {

struct Registers {
  unsigned eax, ebx, ecx, edx;
};

Registers cpuid(unsigned leaf, unsigned part = 0) {
  Registers r = {0, 0, 0, 0};
  // Fails, leaving zeros, where the CPU has no such leaf.
  __get_cpuid_count(leaf, part, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

constexpr bool has(unsigned value, unsigned bits) { return (value & bits) == bits; }

/// Which register states the operating system saves. Only to be called where OSXSAVE is set.
unsigned saved_states() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

// Every instruction that LLVM may choose for the kernels' target CPUs is asked for, not only the vector extensions that the
// schedules are about: a virtual machine may hide any single bit. LLVM's CPU for v2 is penryn, which is within x86-64-v2;
// for v3 haswell; for v4 skylake-avx512, for v4_spr sapphirerapids, for v4_zen4 znver4, whose further bits (ADX, CLWB, SHA, AMX, ...)
// the code generator never uses by itself. No CPU has both of the last two: one has FP16 and AVX-VNNI, the other SSE4A.
CpuFeatures cpu_features() {
  constexpr unsigned kXmmYmm = 0x6;
  constexpr unsigned kOpmaskZmm = 0xe0;
  constexpr unsigned kLzcnt = 1u << 5;  // leaf 0x80000001, ecx
  constexpr unsigned kSevenEcx = bit_AVX512VBMI | bit_AVX512VBMI2 | bit_GFNI | bit_VAES | bit_VPCLMULQDQ |
                                 bit_AVX512VNNI | bit_AVX512BITALG | bit_AVX512VPOPCNTDQ;

  const Registers one = cpuid(1);
  const Registers seven = cpuid(7);
  const Registers seven_one = cpuid(7, 1);
  const Registers extended = cpuid(0x80000001u);

  CpuFeatures f = {};
  f.v2 = has(one.ecx, bit_SSE3 | bit_SSSE3 | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT | bit_CMPXCHG16B);
  const unsigned states = has(one.ecx, bit_OSXSAVE) ? saved_states() : 0;
  f.v3 = f.v2 && has(one.ecx, bit_AVX | bit_F16C | bit_FMA | bit_MOVBE | bit_OSXSAVE) &&
         has(seven.ebx, bit_AVX2 | bit_BMI | bit_BMI2) && has(extended.ecx, kLzcnt) && has(states, kXmmYmm);
  f.v4 = f.v3 && has(seven.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL) &&
         has(states, kXmmYmm | kOpmaskZmm);
  const bool dots =
      f.v4 && has(seven.ebx, bit_AVX512IFMA) && has(seven.ecx, kSevenEcx) && has(seven_one.eax, bit_AVX512BF16);
  f.v4_spr = dots && has(seven.edx, bit_AVX512FP16) && has(seven_one.eax, bit_AVXVNNI);
  f.v4_zen4 = dots && has(extended.ecx, bit_SSE4a);
  return f;
}

#else

// AArch64 has Advanced SIMD wherever it has an operating system.
CpuFeatures cpu_features() {
  CpuFeatures f = {};
  f.neon = true;
  return f;
}

#endif

}  // namespace halogen
