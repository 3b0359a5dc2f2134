// Tensors of more than 2^31 elements, where int32 arithmetic wraps: computed right, or refused with HALOGEN_ERROR_SIZE.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "support/env.h"
#include "support/norm_run.h"
#include "support/repeated.h"

using namespace halogen_tests;

namespace {

// 513 times the same 2^22 values: 2^31 + 2^22 elements.
constexpr size_t block = size_t{1} << 22;
constexpr size_t repeats = 513;

/** The problem of one block, whose statistics are those of all blocks. */
NormProblem one_block(int64_t channels) {
  NormProblem problem;
  problem.shape = {1, channels, static_cast<int64_t>(block) / channels};
  problem.running = Running::biased;
  return problem;
}

void check(const NormProblem &problem, std::vector<int64_t> shape, const RepeatedMapping &input,
           const RepeatedMapping &output) {
  const NormData data = ordinary_data(problem, 1);
  const NormReference expected = reference(problem, data);
  NormStorage storage(problem, data);
  std::memcpy(input.data(), storage.input.data(), storage.input.size());
  std::memcpy(output.data(), storage.output.data(), storage.output.size());
  NormMemory memory = storage.memory();
  memory.input = input.data();
  memory.output = output.data();
  NormProblem whole = problem;
  whole.shape = std::move(shape);
  NormResult result;
  NormCall call(whole, memory);
  result.status = call.run(context_of(variants()[0]));
  result.message = call.error.message;
  if (result.status == HALOGEN_ERROR_SIZE) {
    MESSAGE(describe(whole), " is refused: ", result.message);
    CHECK(std::isnan(output.data()[0]));
    return;
  }
  result.ran = call.ran;
  static_cast<NormOutputs &>(result) = read_outputs(problem, memory);
  const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, variants()[0].name);
  CHECK_MESSAGE(wrong.empty(), wrong);
}

}  // namespace

TEST_SUITE("norm_large") {
  TEST_CASE("norm: 2^28 values in a channel, and more than 2^31 elements, are computed right or refused") {
    if (quick()) {
      MESSAGE("left out: takes too long in an emulator");
      return;
    }
    const RepeatedMapping input(block * sizeof(float), repeats), output(block * sizeof(float), repeats);
    if (!input.data() || !output.data()) {
      MESSAGE("left out: this system gives no two tensors of 8 GiB of addresses");
      return;
    }
    NormProblem problem = one_block(2);
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    problem.scope = HALOGEN_NORM_SCOPE_BATCH;
    problem.running = Running::none;
    problem.given = true;
    check(problem, {static_cast<int64_t>(repeats), 2, static_cast<int64_t>(block) / 2}, input, output);
    // Channel-last samples have chunks of their own; with one sample less, the last pass is of one.
    problem = one_block(2);
    problem.put_all(Place::last);
    check(problem, {static_cast<int64_t>(repeats) - 1, 2, static_cast<int64_t>(block) / 2}, input, output);
    // 2^28 values in one channel: long sums, and many blocks to merge.
    problem = one_block(1);
    check(problem, {64, 1, static_cast<int64_t>(block)}, input, output);
    check(problem, {1, 1, static_cast<int64_t>(64 * block)}, input, output);
    // One row alone is beyond 2^31.
    problem = one_block(1);
    check(problem, {1, 1, static_cast<int64_t>(repeats * block)}, input, output);
  }
}
