// Gradients of other types than float32, and of tensors with channels last, between pages that may not be touched
// (conv_backward_forms_test.cpp has dense float32): the bits of the same call on ordinary memory.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "support/conv_guarded.h"
#include "support/conv_storage.h"
#include "support/env.h"

using namespace halogen_tests;

namespace {

enum Place { input, weight, grad_output, output, grad_input, grad_weight, grad_bias, places };

/** A call with all gradients, its tensors at these places. */
void run(const Variant &variant, DLDataType dtype, bool channel_last, halogen_conv_path path,
         const ConvProblem &problem, void *const (&at)[places]) {
  ConvBackwardCall call(
      problem, {at[input], at[weight], at[grad_output], at[output], at[grad_input], at[grad_weight], at[grad_bias]},
      path);
  set_dtype(call, dtype);
  if (channel_last) {
    // Random numbers are as good in any order: the same memory, seen as (N, L, C).
    call.args.layout = HALOGEN_LAYOUT_CHANNEL_LAST;
    for (TensorView *tensor : {&call.input, &call.grad_input, &call.grad_output, &call.output}) {
      tensor->set_shape(swapped(tensor->shape()));
    }
  }
  const halogen_status status = call.run(context_of(variant));
  REQUIRE_MESSAGE(status == HALOGEN_OK, call.error.message);
}

}  // namespace

TEST_SUITE("conv_backward_forms") {
  TEST_CASE("conv backward: in float64, float16, bfloat16, channels first or last, nothing outside is touched") {
    std::deque<GuardedBuffer> buffers;
    for (int i = 0; i < places; ++i) buffers.emplace_back(size_t{64000});
    Random random(122);
    for (uint64_t i = 0; i < (quick() ? 8 : 100); ++i) {
      const ConvProblem problem = random_problem(random);
      const ConvData data = ordinary_data(problem, i);
      const ConvBackwardData backward = ordinary_backward_data(problem, data, i);
      if (std::max({data.input.size(), data.weight.size(), backward.output.size()}) > 8000) continue;
      for (const DLDataType dtype : float_types) {
        const bool channel_last = i % 2 == 1 || same(dtype, float32);
        const Numbers before[places] = {{dtype, data.input},
                                        {dtype, data.weight},
                                        {dtype, backward.grad_output},
                                        {dtype, backward.output},
                                        Numbers::unset(dtype, problem.input_shape()),
                                        Numbers::unset(dtype, problem.weight_shape()),
                                        Numbers::unset(dtype, {problem.c_out})};
        for (const Variant &variant : variants_of(dtype)) {
          for (const halogen_conv_path path : gradient_paths) {
            std::vector<Numbers> expected(before, before + places);
            void *at[places];
            for (int p = 0; p < places; ++p) at[p] = expected[static_cast<size_t>(p)].data();
            run(variant, dtype, channel_last, path, problem, at);
            for (const Flush where : {Flush::start, Flush::end}) {
              for (size_t p = 0; p < places; ++p) at[p] = place(buffers[p], before[p], variant, where);
              INFO(describe(variant, dtype, problem, path), " channel-last ", channel_last, " at the end ",
                   where == Flush::end);
              run(variant, dtype, channel_last, path, problem, at);
              for (size_t p = 0; p < places; ++p) CHECK_MESSAGE(holds(at[p], expected[p]), "tensor ", p);
              for (const GuardedBuffer &buffer : buffers) CHECK(buffer.intact());
            }
          }
        }
      }
    }
  }
}
