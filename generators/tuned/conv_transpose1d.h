// Written by ./dev tune --op conv_transpose1d; not by hand. Tiles that were measured, by the level's vectors; others follow
// runtime/conv_tiles.h's rule.
//
// AMD EPYC, 2026-11-21, vectors of 32 bytes, one thread, the shortest of 12 times; input channels x rows, 2 taps, positions. Other programs
// were running: three runs named other winners (positions 4 or 5, slices of 128 or 512) by no more than runs differed, so these stayed:
//   conv_rows positions 6 slice 256: 512x64_L86 69.9 256x256_L256 75.5 128x128_L1024 71.1 64x64_L2048 52.6; mean 66.6 GFLOP/s
//   conv_grad_input rows 6 vectors 2 slice 256: 512x64_L86 65.0 256x256_L256 80.1 128x128_L1024 58.4 64x64_L2048 58.6; mean 65.0 GFLOP/s
//   conv_grad_rows taps 6 slice 256: 512x64_L86 73.8 256x256_L256 87.4 128x128_L1024 85.4 64x64_L2048 77.0; mean 80.7 GFLOP/s
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
