// Tensors flush against pages that may not be touched. Halide's objects carry no sanitizer, so this is what finds a load or a
// store outside a tensor: it faults, and the crash note says during which call.
#include <doctest/doctest.h>

#include <memory>

#include "support/env.h"
#include "support/guarded.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

/** All tensors of a call, each in a mapping of its own. */
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t capacity) {
    // Room for a margin.
    capacity += 16;
    for (auto &buffer : buffers_) buffer = std::make_unique<GuardedBuffer>(capacity);
  }

  NormMemory place(const NormData &data, Flush where, size_t margin) {
    return {buffers_[0]->place(data.input, where, margin),        buffers_[1]->place(data.input.size(), where, margin),
            buffers_[2]->place(data.weight, where, margin),       buffers_[3]->place(data.bias, where, margin),
            buffers_[4]->place(data.mean, where, margin),         buffers_[5]->place(data.var, where, margin),
            buffers_[6]->place(data.running_mean, where, margin), buffers_[7]->place(data.running_var, where, margin)};
  }

  bool intact() const {
    for (const auto &buffer : buffers_) {
      if (!buffer->intact()) return false;
    }
    return true;
  }

 private:
  std::unique_ptr<GuardedBuffer> buffers_[8];
};

/** Runs `problem` with its tensors at one end, in place or not, and returns what is wrong. */
std::string run_guarded(const Variant &variant, halogen_norm_path path, const NormProblem &problem,
                        const NormData &data, const NormReference &expected, GuardedMemory &guarded, Flush where,
                        bool in_place) {
  // What cannot be told from an error of the emulator is left out: there, tensors end one vector before the page does.
  const bool overrun = variant.isa != HALOGEN_ISA_V2 && masked_loads_overrun();
  NormMemory memory = guarded.place(data, where, where == Flush::end && overrun ? 64 : 0);
  if (in_place) memory.output = memory.input;
  NormCall call(problem, memory, path);
  NormResult result;
  result.status = call.run(context_of(variant));
  result.message = call.error.message;
  result.ran = call.ran;
  const auto copy = [](const void *from, size_t count) {
    const float *values = static_cast<const float *>(from);
    return std::vector<float>(values, values + count);
  };
  result.output = copy(memory.output, data.input.size());
  result.running_mean = copy(memory.running_mean, data.running_mean.size());
  result.running_var = copy(memory.running_var, data.running_var.size());
  if (!guarded.intact()) return describe(problem) + ": bytes beside a tensor were written";
  return verify(problem, expected, result, path, variant.name);
}

void check(const NormProblem &problem, GuardedMemory &guarded) {
  const NormData data = ordinary_data(problem, 1);
  const NormReference expected = reference(problem, data);
  for (const Variant &variant : variants()) {
    for (halogen_norm_path path : norm_paths) {
      if (path == HALOGEN_NORM_PATH_AUTO || !path_applies(problem, path)) continue;
      INFO(variant.name, " path ", path_name(path), " ", describe(problem));
      for (Flush where : {Flush::start, Flush::end}) {
        for (bool in_place : {false, true}) {
          const std::string wrong = run_guarded(variant, path, problem, data, expected, guarded, where, in_place);
          CHECK_MESSAGE(wrong.empty(), std::string(where == Flush::end ? "flush at the end, " : "flush at the start, "),
                        wrong);
        }
      }
    }
  }
}

/** All scopes and given statistics, with everything that can be passed. */
void check_all(std::vector<int64_t> shape, GuardedMemory &guarded) {
  NormProblem problem;
  problem.shape = std::move(shape);
  problem.running = Running::unbiased;
  problem.scope = HALOGEN_NORM_SCOPE_INSTANCE;
  if (problem.s() > 1) check(problem, guarded);
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  if (problem.s() * problem.n() > 1) check(problem, guarded);
  problem.running = Running::none;
  problem.scope = HALOGEN_NORM_SCOPE_GROUP;
  problem.num_groups = 1;
  check(problem, guarded);
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  problem.num_groups = 0;
  problem.given = true;
  check(problem, guarded);
}

}  // namespace

TEST_SUITE("norm_guard") {
  TEST_CASE("norm: nothing outside a tensor is read or written, every S in 1…130") {
    if (masked_loads_overrun())
      MESSAGE("this emulator reads what masked loads leave out: but for v2, ends are not flush");
    GuardedMemory guarded(2 * 13 * 130);
    for (int64_t s = 1; s <= 130; s += quick() && s > 36 ? 13 : 1) {
      for (int64_t c : {1, 3, 7, 13}) {
        if (quick() && c != 3) continue;
        for (int64_t n : {1, 2}) check_all(shape_of(n, c, s, 1), guarded);
      }
    }
  }

  TEST_CASE("norm: nothing outside a tensor is read or written, every C in 1…130") {
    GuardedMemory guarded(3 * 130 * 7);
    for (int64_t c = 1; c <= 130; c += quick() ? 17 : 1) {
      check_all({3, c}, guarded);
      check_all({1, c, 7}, guarded);
    }
  }

  TEST_CASE("norm: nothing outside a tensor is read or written, with several blocks") {
    GuardedMemory guarded(60000);
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{1, 3, 4097}, {2, 3, 8191}, {1371, 3, 3}, {4099, 3}, {5, 3, 12, 333}}) {
      check_all(shape, guarded);
    }
  }
}
