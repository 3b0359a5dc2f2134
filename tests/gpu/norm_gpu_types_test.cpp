// Every dtype, epilogue and gradient on a GPU, data in slices among them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "placement.h"
#include "support/coverage.h"
#include "support/norm_cases.h"
#include "support/norm_gradient_kernels.h"
#include "support/norm_kernels.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

size_t count_of(const std::string &kernel, const std::vector<std::string> &names) {
  return static_cast<size_t>(std::count(names.begin(), names.end(), kernel));
}

/** Copies of what does not fit are named, by the call and by its query. */
void check_copies(const NormProblem &problem, const halogen_kernel_info &ran, const halogen_kernel_info &query,
                  const std::vector<std::string> &meant) {
  INFO(describe(problem), " ran ", ran.kernels);
  const std::string copy = "tensor_copy_" + std::string(problem.half() ? "f16" : short_name(problem.dtype));
  const size_t copies = count_of(copy, meant), named = count_of(copy, kernel_names(ran));
  // The last names may have no room.
  const bool full = std::strlen(ran.kernels) + std::strlen(" norm_coefficients_f32__opencl") >= sizeof(ran.kernels);
  CHECK((named == copies || (full && named < copies)));
  CHECK((std::strstr(ran.reason, "through copies") != nullptr) == (copies > 0));
  CHECK(std::string(query.kernels) == ran.kernels);
  CHECK(std::string(query.reason) == ran.reason);
  CHECK(query.workspace_bytes == ran.workspace_bytes);
  CHECK(ran.workspace_bytes >= copies * static_cast<size_t>(element_count(problem.shape)) * bytes_of(problem.dtype));
}

void check_forward(const NormProblem &problem, uint64_t stream, bool in_place = false) {
  const NormData data = ordinary_data(problem, stream);
  NormStorage storage(problem, data);
  const std::vector<StoredTensor *> tensors = storage.all();
  void *at[11];
  REQUIRE(tensors.size() == 11);
  for (size_t i = 0; i < 11; ++i) at[i] = placement().put(i, tensors[i]->data(), tensors[i]->size());
  // In the order of NormStorage::all(): input, output, ...
  if (in_place) at[1] = at[0];
  const NormMemory memory{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], at[9], at[10]};
  NormCall call(problem, memory, HALOGEN_NORM_PATH_AUTO, the_device().device());
  halogen_kernel_info query = HALOGEN_KERNEL_INFO_INIT;
  CHECK(halogen_norm_query(device_context(), &call.args, &query, &call.error) == HALOGEN_OK);
  NormResult result;
  result.status = call.run(device_context());
  result.message = call.error.message;
  result.ran = call.ran;
  for (size_t i = 0; i < 11; ++i) {
    placement().get(in_place && i == 1 ? 0 : i, tensors[i]->data(), tensors[i]->size());
    result.gaps_intact = result.gaps_intact && tensors[i]->gaps_intact();
  }
  static_cast<NormOutputs &>(result) = read_outputs(problem, storage.memory());
  const std::string wrong =
      verify(problem, reference(problem, data), result, HALOGEN_NORM_PATH_AUTO, the_device().variant());
  CHECK_MESSAGE(wrong.empty(), wrong);
  check_copies(problem, result.ran, query, expected_kernels(problem, HALOGEN_NORM_PATH_SPLIT));
}

void check_backward(const NormProblem &problem, uint64_t stream) {
  const GradientData data(problem, stream);
  const GradientWish wish{true, stream % 2 == 0, true, true, static_cast<GradientWish::InputIs>(stream % 3)};
  const GradientResult result =
      run_gradients(device_context(), problem, data, wish, HALOGEN_NORM_PATH_AUTO, &placement());
  const std::string wrong =
      verify_gradients(problem, reference_gradients(problem, data), result, wish, the_device().variant());
  CHECK_MESSAGE(wrong.empty(), wrong);
  check_copies(problem, result.ran, result.query, expected_gradient_kernels(problem, wish, HALOGEN_NORM_PATH_SPLIT));
}

}  // namespace

TEST_CASE("gpu: every dtype forward and backward agrees with the reference") {
  constexpr Place places[] = {Place::first, Place::last, Place::first_slice, Place::last_slice, Place::last_samples};
  for (const DLDataType dtype : float_types) {
    uint64_t turn = 0;
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{3, 6, 7}, {2, 3, 33}, {2, 6, 300}, {1, 2, 5000}, {600, 3, 2}}) {
      for (NormProblem problem : each_scope(shape)) {
        problem.dtype = dtype;
        set_options(problem, turn);
        problem.put_all(places[turn / 7 % 5]);
        check_forward(problem, turn);
        check_backward(problem, turn);
        turn += 7;
      }
    }
  }
}

TEST_CASE("gpu: channel-last data in many chunks, whose last is short, of one sample or several") {
  for (const DLDataType dtype : {float32, float16}) {
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{2, 70, 1100}, {1, 3, 9001}, {3, 33, 65}}) {
      for (NormProblem problem : each_scope(shape)) {
        problem.dtype = dtype;
        for (const Place place : {Place::last, Place::last_samples}) {
          problem.put_all(place);
          check_forward(problem, 1);
          check_forward(problem, 1, true);
          check_backward(problem, 2);
        }
      }
    }
  }
}

TEST_CASE("gpu: short rows of many samples go across channels") {
  for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{3000, 40}, {2100, 3, 31}}) {
    for (NormProblem problem : each_scope(shape)) {
      check_forward(problem, 3);
      check_backward(problem, 4);
    }
  }
}

TEST_CASE("gpu: strides that are neither channel-first nor channel-last go through copies") {
  constexpr Place others[] = {Place::padded, Place::gapped, Place::transposed};
  constexpr Place places[] = {Place::first,  Place::last,       Place::padded,    Place::last_slice,
                              Place::gapped, Place::first_rows, Place::transposed};
  uint64_t turn = 0;
  for (const DLDataType dtype : float_types) {
    // Of few and many values a plane, of more dimensions than a plane and its planes have, and long enough both ways for tiles.
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
             {5, 6}, {2, 6, 5, 9}, {17, 6, 9, 20}, {2, 40, 5, 7}, {1, 2, 90, 40}, {2, 3, 2, 3, 2, 3, 1, 2}}) {
      for (NormProblem problem : each_scope(shape)) {
        problem.dtype = dtype;
        set_options(problem, turn);
        problem.put_all(others[turn % 3]);
        check_forward(problem, turn);
        check_forward(problem, turn, true);
        check_backward(problem, turn);
        problem.output_place = places[turn / 7 % 7];
        problem.residual_place = places[turn / 49 % 7];
        problem.named_last = turn % 2 == 1;
        check_forward(problem, turn);
        problem.named_last = false;
        check_backward(problem, turn);
        problem.input_place = problem.residual_place = Place::broadcast;
        check_forward(problem, turn);
        turn += 7;
      }
    }
  }
}

TEST_CASE("gpu: gradients of an empty batch are zero") {
  for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{0, 3, 4}, {2, 3, 0}}) {
    for (NormProblem problem : each_scope(shape)) {
      if (problem.scope == HALOGEN_NORM_SCOPE_GROUP) problem.num_groups = 1;
      for (const bool weight : {true, false}) {
        const GradientWish wish{true, false, weight, true};
        const GradientData data(problem, 1);
        const GradientResult result =
            run_gradients(device_context(), problem, data, wish, HALOGEN_NORM_PATH_AUTO, &placement());
        CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
        if (weight) CHECK(same_bits(result.weight, Values(3, 0.0)));
        CHECK(same_bits(result.bias, Values(3, 0.0)));
      }
    }
  }
}
