// Tiles by the level's vectors, and the figures that say so: ./dev tune --op conv_transpose1d writes them. Others follow
// runtime/conv_tiles.h's rule. Shapes: bench/tune/conv_shapes.cpp. Next: the best of the others.
//
// AMD EPYC (znver3), 2026-11-21, v3 (vectors of 32 bytes), one thread, the shortest of 12 times; input channels x rows, 2 taps, positions. Other
// programs were running: three runs named other winners (positions 4 or 5, slices of 128 or 512) by no more than runs differed, so these stayed:
//   conv_rows positions 6 slice 256: 512x64_L86 69.9 256x256_L256 75.5 128x128_L1024 71.1 64x64_L2048 52.6; mean 66.6 GFLOP/s
//   conv_grad_input rows 6 vectors 2 slice 256: 512x64_L86 65.0 256x256_L256 80.1 128x128_L1024 58.4 64x64_L2048 58.6; mean 65.0 GFLOP/s
//   conv_grad_rows taps 6 slice 256: 512x64_L86 73.8 256x256_L256 87.4 128x128_L1024 85.4 64x64_L2048 77.0; mean 80.7 GFLOP/s
//
// AMD EPYC (Zen 4), 2026-11-22, vectors of 64 bytes, one thread, the shortest of 25 times; input channels x rows, 2 taps, positions, for the
// gradient of the input steps. The winners of three runs (positions 8 or 16, rows 6 or 12, taps 8 or 16, any slice) differed by no more than
// runs; the smallest of them, which waste least of short inputs:
//   conv_rows positions 8 slice 256: 512x64_L86 88.4 256x256_L256 98.9 128x128_L1024 90.1 64x64_L2048 75.6; mean 87.9 GFLOP/s
//   conv_grad_input rows 6 vectors 2 slice 256: 512x4096_L86 89.3 256x2048_L256 102.1 128x256_L1024 82.3 64x128_L2048 74.7; mean 86.5 GFLOP/s
//   conv_grad_rows taps 8 slice 256: 512x64_L86 83.7 256x256_L256 99.1 128x128_L1024 91.7 64x64_L2048 78.8; mean 88.0 GFLOP/s
#pragma once

namespace halogen {

struct ConvTuned {
  int vector_bytes, registers;
  int rows_positions, rows_slice;
  int pairs_positions, pairs_slice;
  int length_rows, length_vectors, length1_vectors, length2_vectors;
  int gradient_rows, gradient_vectors, gradient_slice;
  int weight_taps, weight_slice;
  int weight_length_taps, weight_length_vectors;
};

constexpr ConvTuned kConvTuned[] = {
    {32, 16, 6, 256, 6, 256, 4, 3, 12, 6, 6, 2, 256, 6, 256, 4, 2},
    {64, 32, 8, 256, 8, 256, 8, 3, 24, 12, 6, 2, 256, 8, 256, 4, 2},
};

}  // namespace halogen
