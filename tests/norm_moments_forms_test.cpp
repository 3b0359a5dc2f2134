// halogen/moments.h wherever the data lie: channels named first or last, slices, tensors that are copied; and what a part has of its own.
#include <doctest/doctest.h>

#include "support/env.h"
#include "support/norm_parts.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

constexpr Place places[] = {Place::first,  Place::first_slice, Place::first_rows,   Place::first_samples,
                            Place::last,   Place::last_slice,  Place::last_samples, Place::padded,
                            Place::gapped, Place::transposed};

/** Short rows, and rows that lanes run along, with as many channels as lanes and some more. */
std::vector<std::vector<int64_t>> shapes() {
  if (quick()) return {{5, 6, 3, 5}};
  return {{7, 6, 3, 5}, {5, 37, 4, 9}};
}

/** Uneven, with an empty part at the beginning, between and at the end. */
std::vector<int64_t> cuts_of(int64_t n) { return {0, 0, n / 4, n / 4, n - 1, n, n}; }

}  // namespace

TEST_SUITE("norm_moments") {
  TEST_CASE("norm: a batch in parts wherever it lies, channels named first or last") {
    uint64_t turn = 8000;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape : shapes()) {
        for (const Place place : places) {
          Shared shared;
          NormProblem &problem = shared.problem;
          problem.shape = shape;
          problem.dtype = dtype;
          problem.put_all(place);
          ++turn;
          problem.saved = turn % 3 != 0;
          problem.residual = turn % 2 == 0;
          problem.running = static_cast<Running>(turn % 3);
          problem.activation = static_cast<halogen_activation>(turn / 2 % 3);
          problem.negative_slope = problem.activation == HALOGEN_ACTIVATION_LEAKY_RELU ? 0.25 : 0;
          shared.cuts = cuts_of(shape[0]);
          const NormData data = ordinary_data(problem, turn);
          for (const Variant &variant : variants_of(dtype)) {
            std::vector<Values> moments;
            for (const bool last : {false, true}) {
              problem.named_last = last;
              PartsRun how;
              how.merge = [&](halogen_context *context, const Shared &whole, const std::vector<Values> &parts) {
                moments.push_back(merged(context, whole, parts));
                return moments.back();
              };
              check_forward_in_parts(context_of(variant), shared, data, how);
            }
            CHECK_MESSAGE(same_bits(moments[0], moments[1]), describe(problem), ": depends on the dimensions' names");
          }
        }
      }
    }
  }

  TEST_CASE("norm: parts' own gradients and sums, and a mask that is taken once, wherever the data lie") {
    uint64_t turn = 8500;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape : shapes()) {
        for (const Place place : places) {
          Shared shared;
          NormProblem &problem = shared.problem;
          problem.shape = shape;
          problem.dtype = dtype;
          problem.put_all(place);
          // Of several places the calls make what they need.
          if (++turn % 4 == 0) problem.residual_place = Place::last_slice;
          problem.named_last = turn % 2 == 0;
          problem.float_vectors = problem.half() && turn % 3 == 0;
          problem.activation = static_cast<halogen_activation>(turn % 3);
          problem.negative_slope = problem.activation == HALOGEN_ACTIVATION_LEAKY_RELU ? 0.25 : 0;
          shared.cuts = cuts_of(shape[0]);
          const GradientData data(problem, turn);
          for (const Variant &variant : variants_of(dtype)) {
            for (const bool once : {false, true}) {
              PartsRun how;
              how.each = true;
              how.mask_once = once;
              how.wish.residual = turn % 2 == 0;
              check_backward_in_parts(context_of(variant), shared, data, how);
            }
          }
        }
      }
    }
  }

  TEST_CASE("norm: with the whole batch's sums, any subset of the gradients") {
    for (int subset = 1; subset < 8; ++subset) {
      Shared shared;
      shared.problem.shape = {6, 9, 5};
      shared.cuts = cuts_of(6);
      PartsRun how;
      how.wish.input = subset & 1;
      how.wish.weight = subset & 2;
      how.wish.bias = subset & 4;
      const GradientData data(shared.problem, 8900);
      for (const Variant &variant : variants()) check_backward_in_parts(context_of(variant), shared, data, how);
    }
  }
}
