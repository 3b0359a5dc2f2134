#include "precision.h"

namespace halogen {

using namespace Halide;

namespace {

Expr bits(uint32_t value) { return Expr(value); }

constexpr uint32_t kSign = 0x80000000, kMagnitude = 0x7fffffff, kInfinity = 0x7f800000, kQuietNan = 0x7fc00000;

// f16 by integers, for targets without instructions for it. Exponents differ by 112; numbers below 2^-14 have none.
Expr decode_f16(const Expr &stored) {
  const Expr h = cast<uint32_t>(stored), magnitude = h & bits(0x7fff), wide = magnitude << bits(13);
  const Expr normal = wide + bits(112u << 23);
  const Expr special = wide | bits(kInfinity);
  const Expr tiny = reinterpret<uint32_t>(cast<float>(magnitude) * (1.0f / (1 << 24)));
  const Expr value = select(magnitude >= bits(0x7c00), special, magnitude < bits(0x400), tiny, normal);
  return reinterpret<float>(value | ((h & bits(0x8000)) << bits(16)));
}

Expr encode_f16(const Expr &value) {
  const Expr u = reinterpret<uint32_t>(value), magnitude = u & bits(kMagnitude);
  // Half of the last place, less one if that is even; what carries out of the mantissa goes to the exponent, at the end to infinity.
  const Expr normal = (magnitude - bits(112u << 23) + bits(0xfff) + ((magnitude >> bits(13)) & bits(1))) >> bits(13);
  // Adding 0.5 moves the bits of a number below 2^-14 to where they belong, and rounds.
  const Expr tiny = reinterpret<uint32_t>(strict_float(reinterpret<float>(magnitude) + 0.5f)) - bits(0x3f000000);
  const Expr special = select(magnitude > bits(kInfinity), bits(0x7e00), bits(0x7c00));
  const Expr rounded = select(magnitude >= bits(0x47800000), special, magnitude < bits(0x38800000), tiny, normal);
  return cast<uint16_t>(rounded | ((u & bits(kSign)) >> bits(16)));
}

// Half of the last place, but where u is halfway and even. Without a shift of the last place: vectors have few units for shifts.
Expr round_to_bf16(const Expr &u) {
  const Expr halfway_and_even = (u & bits(0x1ffff)) == bits(0x8000);
  return (u + select(halfway_and_even, bits(0), bits(0x8000))) >> bits(16);
}

Expr nan_bits(const Expr &u) { return (u & bits(kMagnitude)) > bits(kInfinity); }

Expr encode_bf16(const Expr &value) {
  const Expr u = reinterpret<uint32_t>(value);
  return cast<uint16_t>(select(nan_bits(u), (u >> bits(16)) | bits(0x40), round_to_bf16(u)));
}

}  // namespace

Precision::Precision(Dtype d, const Target &target)
    : dtype(d),
      storage(d == Dtype::f32   ? Float(32)
              : d == Dtype::f64 ? Float(64)
                                : UInt(16)),
      compute(d == Dtype::f64 ? Float(64) : Float(32)),
      native_f16(!target.has_gpu_feature() && target.features_any_of({Target::F16C, Target::ARMFp16})),
      gpu(target.has_gpu_feature()) {}

Expr Precision::decode(const Expr &stored) const {
  switch (dtype) {
    case Dtype::f16:
      return native_f16 ? cast<float>(reinterpret<float16_t>(stored)) : decode_f16(stored);
    case Dtype::bf16:
      return reinterpret<float>(cast<uint32_t>(stored) << bits(16));
    default:
      return stored;
  }
}

Expr Precision::encode(const Expr &value) const {
  switch (dtype) {
    case Dtype::f16:
      return native_f16 ? reinterpret<uint16_t>(cast<float16_t>(value)) : encode_f16(value);
    case Dtype::bf16:
      return encode_bf16(value);
    default:
      return value;
  }
}

Expr Precision::operand(const Expr &value) const {
  if (dtype != Dtype::bf16 || gpu) return value;
  const Expr u = reinterpret<uint32_t>(value);
  return reinterpret<float>(select(nan_bits(u), bits(kQuietNan), u));
}

Expr Precision::encode_result(const Expr &value) const {
  if (dtype != Dtype::bf16 || gpu) return encode(value);
  return cast<uint16_t>(round_to_bf16(reinterpret<uint32_t>(value)));
}

}  // namespace halogen
