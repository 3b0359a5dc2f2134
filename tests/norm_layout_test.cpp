// Channel-last data by strides and by the layout field, slices of larger tensors, and strides that go through a copy.
#include <doctest/doctest.h>

#include <functional>

#include "support/env.h"
#include "support/norm_cases.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

constexpr Place output_places[] = {Place::first,  Place::first_slice, Place::first_samples, Place::first_rows,
                                   Place::last,   Place::last_slice,  Place::last_samples,  Place::padded,
                                   Place::gapped, Place::transposed};

void check_scopes(const std::vector<int64_t> &shape, DLDataType dtype, uint64_t turn,
                  const std::function<void(NormProblem &)> &lay) {
  for (NormProblem problem : each_scope(shape)) {
    problem.dtype = dtype;
    set_options(problem, turn);
    lay(problem);
    check_everywhere(problem, ordinary_data(problem, turn));
    turn += 7;
  }
}

}  // namespace

TEST_SUITE("norm_layout") {
  TEST_CASE("norm: channel-last data of every number of channels") {
    uint64_t turn = 0;
    for (const DLDataType dtype : float_types) {
      for (int64_t c = 1; c <= (quick() ? 20 : 70); c += quick() ? 9 : 1) {
        check_scopes({2, c, 3, 5}, dtype, ++turn, [](NormProblem &p) { p.put_all(Place::last); });
      }
    }
  }

  TEST_CASE("norm: channel-last data of several chunks, slabs and tasks") {
    uint64_t turn = 100;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
               {1, 3, 1031}, {3, 6, 31, 33}, {2, 36, 40, 41}, {5, 2051, 7}, {1, 300, 700}, {700, 9, 3}}) {
        if (quick() && element_count(shape) > 7000) continue;
        for (const Place place : {Place::last, Place::last_slice, Place::last_samples}) {
          check_scopes(shape, dtype, ++turn, [&](NormProblem &p) { p.put_all(place); });
        }
      }
    }
  }

  TEST_CASE("norm: every place of input, output and residual, in every rank") {
    uint64_t turn = 200;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
               {5, 6}, {3, 6, 17}, {2, 6, 5, 9}, {3, 6, 4, 3, 5}, {2, 3, 2, 3, 2, 3, 1, 2}}) {
        if (quick() && shape.size() != 4) continue;
        for (const Place place : output_places) {
          check_scopes(shape, dtype, ++turn, [&](NormProblem &p) { p.put_all(place); });
          // All the same, or each at another place.
          check_scopes(shape, dtype, ++turn, [&](NormProblem &p) {
            p.input_place = output_places[turn % 10];
            p.output_place = place;
            p.residual_place = output_places[turn / 10 % 10];
          });
        }
        check_scopes(shape, dtype, ++turn, [](NormProblem &p) { p.input_place = p.residual_place = Place::broadcast; });
      }
    }
  }

  TEST_CASE("norm: dimensions named channel-last, of channel-last and of channel-first memory") {
    uint64_t turn = 300;
    for (const DLDataType dtype : float_types) {
      for (const std::vector<int64_t> &shape :
           std::vector<std::vector<int64_t>>{{4, 5}, {3, 7, 19}, {2, 16, 5, 6}, {2, 6, 3, 4, 5}}) {
        for (const Place place : {Place::last, Place::first, Place::last_slice, Place::gapped}) {
          check_scopes(shape, dtype, ++turn, [&](NormProblem &p) {
            p.put_all(place);
            p.named_last = true;
          });
        }
      }
    }
  }

  TEST_CASE("norm: slices of one tensor, input and output side by side in it") {
    NormProblem problem;
    problem.shape = {3, 4, 5, 6};
    for (const bool last : {false, true}) {
      // Twelve channels: the input is the first four, the output the last four.
      const std::vector<int64_t> strides =
          last ? std::vector<int64_t>{360, 1, 72, 12} : std::vector<int64_t>{360, 30, 6, 1};
      const TensorForm form{float32, problem.shape, strides};
      const size_t output_offset = 8 * static_cast<size_t>(strides[1]);
      const NormData data = ordinary_data(problem, 400);
      const NormReference expected = reference(problem, data);
      for (const Variant &variant : variants()) {
        std::vector<float> whole(3 * 360, 77);
        store(form, data.input, whole.data());
        NormStorage storage(problem, data);
        NormMemory memory = storage.memory();
        memory.input = whole.data();
        memory.output = whole.data() + output_offset;
        NormCall call(problem, memory);
        call.input.set_strides(strides);
        call.output.set_strides(strides);
        REQUIRE_MESSAGE(call.run(context_of(variant)) == HALOGEN_OK, call.error.message);
        const std::string wrong = compare("output", load(form, memory.output), expected.output, expected.tolerance) +
                                  compare("input", load(form, memory.input), data.input, Values(data.input.size(), 0)) +
                                  compare("between", load(form, whole.data() + output_offset / 2),
                                          Values(data.input.size(), 77), Values(data.input.size(), 0));
        CHECK_MESSAGE(wrong.empty(), variant.name, last ? " last: " : " first: ", wrong);
      }
    }
  }
}
