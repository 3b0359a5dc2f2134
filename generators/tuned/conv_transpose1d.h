// Written by ./dev tune --op conv_transpose1d; not by hand. Tiles that were measured, by the level's vectors; others follow
// runtime/conv_tiles.h's rule.
//
// AMD EPYC, 2026-11-21, vectors of 32 bytes, one thread, the shortest of 25 times; input channels x rows, 2 taps, positions:
//   conv_rows positions 4 slice 128: 512x64_L86 67.5 256x256_L256 79.3 128x128_L1024 67.4 64x64_L2048 60.2; mean 68.3 GFLOP/s
//   conv_grad_input rows 6 vectors 2 slice 512: 512x64_L86 64.3 256x256_L256 80.7 128x128_L1024 69.9 64x64_L2048 58.2; mean 67.8 GFLOP/s
//   conv_grad_rows taps 6 slice 256: 512x64_L86 68.9 256x256_L256 82.8 128x128_L1024 72.4 64x64_L2048 63.1; mean 71.4 GFLOP/s
#pragma once

namespace halogen {

struct ConvTuned {
  int vector_bytes, registers;
  int rows_positions, rows_slice;
  int gradient_rows, gradient_vectors, gradient_slice;
  int weight_taps, weight_slice;
};

constexpr ConvTuned kConvTuned[] = {
    {32, 16, 6, 256, 6, 2, 256, 6, 256},
};

}  // namespace halogen
