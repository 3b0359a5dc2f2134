// What the kernels of the convolution agree on with those who call them: the shape of packed weights and of a register tile.
// Read by generators/schedules/, too; depends on nothing.
#pragma once

namespace halogen {

/// Packed weights: a block is this many bytes of rows side by side, a cache line.
constexpr int kConvBlockBytes = 64;

/// Accumulators in a tile, as far as the registers go: what is left holds a step's operands and, where there is no fused multiply-add
/// (vectors of 16 bytes on x86), products.
constexpr int conv_accumulators(int vector_bytes, int registers) {
  return registers >= 32 ? 24 : vector_bytes == 16 ? 8 : 12;
}

/// Positions in a tile of the rows kernel, whose lanes are a whole block. Twelve at most: wider tiles waste more of short inputs than
/// they save.
constexpr int conv_rows_positions(int vector_bytes, int registers) {
  const int positions = conv_accumulators(vector_bytes, registers) / (kConvBlockBytes / vector_bytes);
  return positions > 12 ? 12 : positions;
}

/// Rows in a tile of the length kernel for whole blocks, and vectors of positions in a tile of some rows.
constexpr int conv_length_rows(int registers) { return registers >= 32 ? 8 : 4; }
constexpr int conv_length_vectors(int vector_bytes, int registers, int rows) {
  return conv_accumulators(vector_bytes, registers) / rows;
}

/// Vectors of positions, and rows, in a tile of the input's gradient. Two vectors: more would waste more of short inputs.
constexpr int kConvGradientVectors = 2;
constexpr int conv_gradient_rows(int vector_bytes, int registers) {
  return conv_accumulators(vector_bytes, registers) / kConvGradientVectors;
}

/// Taps in a tile of the weights' gradient with lanes along positions.
constexpr int kConvGradientTaps = 4;

}  // namespace halogen
