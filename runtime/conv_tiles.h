// What the kernels of the convolution agree on with those who call them: the shape of packed weights and of a register tile.
// Read by generators/schedules/, too; depends on nothing but what was measured.
#pragma once

#include <cstdint>

#include "../generators/tuned/conv_transpose1d.h"

namespace halogen {

/// Packed weights: a block is this many bytes of rows side by side, a cache line.
constexpr int kConvBlockBytes = 64;

/// Accumulators in a tile, as far as the registers go: what is left holds a step's operands and, where there is no fused multiply-add
/// (vectors of 16 bytes on x86), products.
constexpr int conv_accumulators(int vector_bytes, int registers) {
  return registers >= 32 ? 24 : vector_bytes == 16 ? 8 : 12;
}

/// What a ConvTuned says after the vectors it is for, in its order.
constexpr int ConvTuned::*kConvTiles[] = {
    &ConvTuned::rows_positions,   &ConvTuned::rows_slice,         &ConvTuned::pairs_positions,
    &ConvTuned::pairs_slice,      &ConvTuned::length_rows,        &ConvTuned::length_vectors,
    &ConvTuned::length1_vectors,  &ConvTuned::length2_vectors,    &ConvTuned::gradient_rows,
    &ConvTuned::gradient_vectors, &ConvTuned::gradient_slice,     &ConvTuned::weight_taps,
    &ConvTuned::weight_slice,     &ConvTuned::weight_length_taps, &ConvTuned::weight_length_vectors,
};

/// Tiles of a level: what was measured, or a rule. A slice is as many steps of a sum as stay in L1 while tiles go by; sums are in registers
/// for its length. Zen 3, 2026-11: 1026 channels of 4 taps 78 -> 90 % of the FMA peak.
///   rows kernel, and its twin for pairs of bfloat16: lanes are a whole block; at most twelve positions, as wider tiles waste more of
///   short inputs than they save
///   length kernel: rows, of which whole tiles make a block, by vectors of positions. Where a block has one or two rows, the larger of
///   the two tiles is a multiple of the other
///   the input's gradient: rows by two vectors of positions, for the same reason as above
///   the weights' gradient: lanes are a whole block of channels, by taps; or taps by vectors of positions
constexpr ConvTuned conv_tiles(int vector_bytes, int registers) {
  for (const ConvTuned &tuned : kConvTuned) {
    if (tuned.vector_bytes == vector_bytes && tuned.registers == registers) return tuned;
  }
  const int accumulators = conv_accumulators(vector_bytes, registers);
  const int by_block = accumulators / (kConvBlockBytes / vector_bytes), columns = by_block > 12 ? 12 : by_block;
  ConvTuned rule = {};
  rule.vector_bytes = vector_bytes;
  rule.registers = registers;
  rule.rows_positions = rule.pairs_positions = rule.weight_taps = columns;
  rule.rows_slice = rule.pairs_slice = rule.gradient_slice = rule.weight_slice = 256;
  rule.length_rows = registers >= 32 ? 8 : 4;
  rule.length_vectors = accumulators / rule.length_rows;
  rule.length1_vectors = accumulators;
  rule.length2_vectors = accumulators / 2;
  rule.gradient_rows = accumulators / 2;
  rule.gradient_vectors = 2;
  rule.weight_length_taps = 4;
  rule.weight_length_vectors = 2;
  return rule;
}

/// Few positions have tiles of half the rows kernel's size, and half of that: there weights are read once, and what they wait for is memory.
/// An even tile of less than six is not worth the code.
constexpr bool conv_has_half_tile(int positions) { return positions % 2 == 0 && positions >= 6; }

/// Positions of the smallest tile that has them all.
constexpr int64_t conv_rows_tile(int positions, int64_t count) {
  while (conv_has_half_tile(positions) && count <= positions / 2) positions /= 2;
  return positions;
}

/// Rows in a tile of the input's gradient where one vector has all positions: as many sums as in the other.
constexpr int conv_narrow_rows(const ConvTuned &tiles) { return tiles.gradient_rows * tiles.gradient_vectors; }

/// Vectors of positions in a tile of the length kernel for blocks of one row, of two, and for whole blocks.
constexpr int conv_length_vectors(const ConvTuned &tiles, int64_t rows) {
  return rows == 1 ? tiles.length1_vectors : rows == 2 ? tiles.length2_vectors : tiles.length_vectors;
}

/// Vectors of positions in a tile of the input's gradient where a group has one input channel.
constexpr int kConvSingleVectors = 8;

}  // namespace halogen
