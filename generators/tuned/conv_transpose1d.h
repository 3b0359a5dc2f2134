// Tiles by the level's vectors, and the figures that say so: ./dev tune --op conv_transpose1d writes them. Others follow
// runtime/conv_tiles.h's rule. Shapes: bench/tune/conv_shapes.cpp. Next: the best of the others.
//
// AMD EPYC (znver3), 2026-11-21, v3 (vectors of 32 bytes), one thread, the shortest of 12 times; input channels x rows, 2 taps, positions. Other
// programs were running: three runs named other winners (positions 4 or 5, slices of 128 or 512) by no more than runs differed, so these stayed:
//   conv_rows positions 6 slice 256: 512x64_L86 69.9 256x256_L256 75.5 128x128_L1024 71.1 64x64_L2048 52.6; mean 66.6 GFLOP/s
//   conv_grad_input rows 6 vectors 2 slice 256: 512x64_L86 65.0 256x256_L256 80.1 128x128_L1024 58.4 64x64_L2048 58.6; mean 65.0 GFLOP/s
//   conv_grad_rows taps 6 slice 256: 512x64_L86 73.8 256x256_L256 87.4 128x128_L1024 85.4 64x64_L2048 77.0; mean 80.7 GFLOP/s
//
// AMD EPYC (znver4), 2026-11-23, v4 (vectors of 64 bytes), one thread, the best of 3 passes, the shortest of 25 times each, GFLOP/s. The
// tiles of one row and of two, which were of 24 and of 12 vectors, won in five runs of five:
//   conv_rows positions 8 slice 256: 512x64_L86 110.2 256x256_L256 107.4 128x128_L1024 99.4 64x64_L2048 86.8; mean 100.5, next 8/512: 100.8
//   conv_length tile_rows 8 vectors 3: 256x256_L256 104.4 128x128_L1024 113.5 64x64_L2048 115.4 32x32_L4096 114.0; mean 111.8, next 8/2: 116.1
//   conv_length rows 1 vectors 6: 64x1_k7_L200 42.8 64x1_k2_L500 38.7 16x1_k7_L2048 59.2 1x32_k2_L1024 54.3; mean 48.0, next 12: 45.3
//   conv_length rows 2 vectors 6: 64x1_k7_L200 65.8 64x1_k2_L500 45.7 16x1_k7_L2048 92.3 1x32_k2_L1024 100.7; mean 72.7, next 12: 65.4
//   conv_grad_input rows 6 vectors 2 slice 256: 512x4096_L86 89.2 256x2048_L256 99.6 128x256_L1024 110.2 64x128_L2048 108.3; mean 101.5, next 6/2/512: 103.4
//   conv_grad_rows taps 8 slice 256: 512x64_L86 114.3 256x256_L256 116.3 128x128_L1024 116.1 64x64_L2048 116.0; mean 115.6, next 8/512: 116.1
//   conv_grad_length taps 4 vectors 2: 64x1_k7_L256 42.3 8x128_L2048 42.2 512x1_of_2048 20.3 512x4_of_2048 48.1; mean 36.3, next 2/2: 37.5
//
// AMD EPYC (znver4), 2026-11-23, v3 (vectors of 32 bytes), one thread, the best of 3 passes, the shortest of 25 times each, GFLOP/s. A tile of 6
// vectors of one row won in two runs of four, by no more than 9 %, so the present one stayed:
//   conv_rows positions 6 slice 256: 512x64_L86 106.3 256x256_L256 104.6 128x128_L1024 95.7 64x64_L2048 80.7; mean 96.3, next 6/512: 96.5
//   conv_length tile_rows 4 vectors 3: 256x256_L256 111.1 128x128_L1024 93.5 64x64_L2048 109.0 32x32_L4096 107.7; mean 105.1, next 4/2: 92.3
//   conv_length rows 1 vectors 12: 64x1_k7_L200 46.0 64x1_k2_L500 43.2 16x1_k7_L2048 66.6 1x32_k2_L1024 54.5; mean 51.8, next 6: 55.0
//   conv_length rows 2 vectors 6: 64x1_k7_L200 80.1 64x1_k2_L500 59.2 16x1_k7_L2048 98.3 1x32_k2_L1024 95.5; mean 81.7, next 3: 69.7
//   conv_grad_input rows 6 vectors 2 slice 256: 512x4096_L86 61.3 256x2048_L256 83.3 128x256_L1024 104.1 64x128_L2048 102.7; mean 85.9, next 4/3/256: 92.1
//   conv_grad_rows taps 6 slice 256: 512x64_L86 108.8 256x256_L256 114.4 128x128_L1024 98.5 64x64_L2048 105.0; mean 106.5, next 6/512: 107.5
//   conv_grad_length taps 4 vectors 2: 64x1_k7_L256 41.2 8x128_L2048 42.1 512x1_of_2048 20.1 512x4_of_2048 28.1; mean 31.4, next 2/4: 32.8
//
// AMD EPYC (znver4), 2026-11-23, v2 (vectors of 16 bytes), one thread, the best of 3 passes, the shortest of 25 times each, GFLOP/s. The first two
// layers of conv_grad_input, of 4 MiB and more, differed by a factor of two between runs: another tile won in two of four, so these stayed:
//   conv_rows positions 2 slice 256: 512x64_L86 40.6 256x256_L256 35.1 128x128_L1024 31.8 64x64_L2048 30.6; mean 34.3, next 2/128: 35.3
//   conv_length tile_rows 4 vectors 2: 256x256_L256 32.5 128x128_L1024 32.0 64x64_L2048 31.0 32x32_L4096 31.1; mean 31.6, next 2/4: 33.9
//   conv_length rows 1 vectors 8: 64x1_k7_L200 25.3 64x1_k2_L500 20.4 16x1_k7_L2048 29.0 1x32_k2_L1024 20.7; mean 23.6, next 4: 22.8
//   conv_length rows 2 vectors 4: 64x1_k7_L200 32.9 64x1_k2_L500 25.4 16x1_k7_L2048 34.0 1x32_k2_L1024 29.9; mean 30.4, next 2: 27.3
//   conv_grad_input rows 4 vectors 2 slice 256: 512x4096_L86 14.6 256x2048_L256 15.5 128x256_L1024 33.3 64x128_L2048 35.1; mean 22.7, next 2/4/256: 27.1
//   conv_grad_rows taps 2 slice 256: 512x64_L86 39.2 256x256_L256 39.9 128x128_L1024 39.9 64x64_L2048 39.8; mean 39.7, next 2/512: 40.5
//   conv_grad_length taps 4 vectors 2: 64x1_k7_L256 25.7 8x128_L2048 25.2 512x1_of_2048 11.2 512x4_of_2048 29.5; mean 21.5, next 2/4: 23.3
//
// AMD EPYC (znver4), 2026-11-23, v4_zen4 (vectors of 64 bytes), one thread, the best of 3 passes, the shortest of 25 times each, GFLOP/s:
//   conv_pairs positions 8 slice 256: 512x64_L86 208.9 256x256_L256 196.5 128x128_L1024 171.0 64x64_L2048 134.0; mean 175.1, next 8/512: 175.5
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
    {64, 32, 8, 256, 8, 256, 8, 3, 6, 6, 6, 2, 256, 8, 256, 4, 2},
    {16, 16, 2, 256, 2, 256, 4, 2, 8, 4, 4, 2, 256, 2, 256, 4, 2},
};

}  // namespace halogen
