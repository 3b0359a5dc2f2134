#include "norm_guarded.h"

#include <doctest/doctest.h>

#include <cstring>

namespace halogen_tests {

namespace {

// What cannot be told from an error of the emulator is left out: there, tensors end one vector before the page does.
constexpr size_t overrun_margin = 64;

}  // namespace

GuardedNorm::GuardedNorm(size_t capacity) {
  for (auto &buffer : buffers_) buffer = std::make_unique<GuardedBuffer>(capacity + overrun_margin);
}

std::string GuardedNorm::run(const Variant &variant, halogen_norm_path path, const NormProblem &problem,
                             const NormData &data, const NormReference &expected, Flush where, OutputIs output) {
  const bool overrun = variant.isa != HALOGEN_ISA_V2 && masked_loads_overrun();
  NormStorage storage(problem, data);
  const std::vector<StoredTensor *> tensors = storage.all();
  std::array<void *, 11> at{};
  for (size_t i = 0; i < tensors.size(); ++i) {
    at[i] = buffers_[i]->place(tensors[i]->size(), where, where == Flush::end && overrun ? overrun_margin : 0);
    if (tensors[i]->size()) std::memcpy(at[i], tensors[i]->data(), tensors[i]->size());
  }
  // In the order of NormStorage::all().
  NormMemory memory{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], at[8], at[9], at[10]};
  if (output == OutputIs::input) memory.output = memory.input;
  if (output == OutputIs::residual) memory.output = memory.residual;
  NormResult result = run_norm_in(context_of(variant), problem, memory, path);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i]->size()) std::memcpy(tensors[i]->data(), at[i], tensors[i]->size());
    result.gaps_intact = result.gaps_intact && buffers_[i]->intact() && tensors[i]->gaps_intact();
  }
  return verify(problem, expected, result, path, variant.name);
}

void GuardedNorm::check(const NormProblem &problem, OutputIs output) {
  const NormData data = ordinary_data(problem, 1);
  const NormReference expected = reference(problem, data);
  for (const Variant &variant : variants_of(problem.dtype)) {
    for (halogen_norm_path path : norm_paths) {
      if (path == HALOGEN_NORM_PATH_AUTO || !path_applies(problem, path)) continue;
      for (Flush where : {Flush::start, Flush::end}) {
        const std::string wrong = run(variant, path, problem, data, expected, where, output);
        CHECK_MESSAGE(wrong.empty(), std::string(where == Flush::end ? "flush at the end, " : "flush at the start, "),
                      wrong);
      }
    }
  }
}

}  // namespace halogen_tests
