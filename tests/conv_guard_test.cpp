// Tensors of a transposed convolution flush against pages that may not be touched (norm_guard_test.cpp says why).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "support/conv_run.h"
#include "support/env.h"
#include "support/guarded.h"

using namespace halogen_tests;

namespace {

struct GuardedMemory {
  GuardedBuffer input{160000}, output{160000}, weight{160000}, bias{4000};

  static void *place(GuardedBuffer &buffer, const std::vector<float> &values, Flush where, size_t margin) {
    void *to = buffer.place(values.size() * sizeof(float), where, margin);
    if (!values.empty()) std::memcpy(to, values.data(), values.size() * sizeof(float));
    return to;
  }

  std::string run(const Variant &variant, halogen_conv_path path, const ConvProblem &problem, const ConvData &data,
                  const ConvReference &expected, Flush where) {
    // What cannot be told from an error of the emulator is left out: there, tensors end one vector before the page does.
    const bool overrun = variant.isa != HALOGEN_ISA_V2 && masked_loads_overrun();
    const size_t margin = where == Flush::end && overrun ? 64 : 0;
    const ConvMemory memory{place(input, data.input, where, margin),
                            output.place(expected.output.size() * sizeof(float), where, margin),
                            place(weight, data.weight, where, margin), place(bias, data.bias, where, margin)};
    ConvCall call(problem, memory, path);
    ConvResult result;
    result.status = call.run(context_of(variant));
    result.message = call.error.message;
    result.ran = call.ran;
    const auto *values = static_cast<const float *>(memory.output);
    result.output.assign(values, values + expected.output.size());
    for (const GuardedBuffer *buffer : {&input, &output, &weight, &bias}) {
      if (!buffer->intact()) return describe(problem) + ": bytes beside a tensor were written";
    }
    return verify(problem, expected, result, path, variant.name);
  }
};

}  // namespace

TEST_SUITE("conv_guard") {
  TEST_CASE("conv: nothing outside a tensor is read or written") {
    if (masked_loads_overrun())
      MESSAGE("this emulator reads what masked loads leave out: but for v2, ends are not flush");
    GuardedMemory memory;
    Random random(21);
    for (uint64_t i = 0; i < (quick() ? 60 : 800); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvReference expected = reference(problem, data);
      if (std::max({data.input.size(), data.weight.size(), expected.output.size()}) > 39000) continue;
      for (const Variant &variant : variants()) {
        for (halogen_conv_path path : conv_paths) {
          if (!path_applies(problem, path)) continue;
          for (Flush where : {Flush::start, Flush::end}) {
            const std::string wrong = memory.run(variant, path, problem, data, expected, where);
            CHECK_MESSAGE(wrong.empty(), wrong);
          }
        }
      }
    }
  }
}
