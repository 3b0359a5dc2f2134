// What both ways to the gradients of a transposed convolution share: tensors on their way in and out, and the gradient of the bias.
#pragma once

#include "conv_gradient.h"
#include "conv_kernels.h"
#include "integers.h"

namespace halogen {

/// Positions [first, first + positions) of a sample.
struct ConvUnit {
  int64_t sample, first, positions;
};

class ConvGradientWork {
 public:
  ConvGradientWork(Call *call, const ConvGradientProblem &problem, const ConvGradientPlan &plan,
                   const ConvGradientTensors &tensors, const ConvGradientScalars &scalars)
      : call_(call),
        p_(problem),
        w_(problem.shape),
        plan_(plan),
        t_(tensors),
        scalars_(scalars),
        layout_(conv_gradient_layout(problem, plan, tensors)),
        variant_(variant_of(call->context->options.isa)),
        dtype_(problem.shape.dtype),
        compute_dtype_(compute_dtype(problem.shape.dtype)),
        storage_(type_of(dtype_)),
        compute_(type_of(compute_dtype_)),
        bytes_(dtype_bytes(dtype_)),
        size_(dtype_bytes(compute_dtype_)) {}

  int64_t bytes() const { return layout_.end; }
  /// With `memory` of so many bytes: the gradient of the bias, and the weights as dense rows.
  int begin(const Memory &memory);

 protected:
  static constexpr DLDevice kCpu = {kDLCPU, 0};

  Memory part(int64_t offset, int64_t elements = 0) const { return memory_.at(offset + elements * size_, 1); }

  /// conv_pad of channels [channel, channel + count): the gradient of the output behind the activation. Position i of phase r is element
  /// i*step + r*spread - left of a sample's row.
  int pad_gradient(int64_t sample, int64_t channel, int64_t count, int64_t left, int64_t step, int64_t spread,
                   halide_buffer_t *to) const;
  /// The same of the input behind its activation, positions as they are.
  int pad_input(const ConvUnit &unit, int64_t channel, int64_t count, halide_buffer_t *to) const;

  /// Sums in rows, to the gradient of the input.
  int finish_input(const Memory &sums, int64_t row, const ConvUnit &unit, int64_t channel, int64_t channels) const;
  /// Taps [first, first + taps) of some channels, in rows, to the gradient of the weights.
  int finish_weight(const Memory &from, int64_t row, int64_t channel, int64_t channels, int64_t first,
                    int64_t taps) const;

  Call *call_;
  const ConvGradientProblem &p_;
  const ConvWeightShape &w_;
  const ConvGradientPlan &plan_;
  const ConvGradientTensors &t_;
  const ConvGradientScalars &scalars_;
  ConvGradientLayout layout_;
  Variant variant_;
  Dtype dtype_, compute_dtype_;
  halide_type_t storage_, compute_;
  int64_t bytes_, size_;  ///< of an element: stored, computed in
  Memory memory_ = {};
  Memory weight_ = {};  ///< dense rows in what is computed in
  int64_t weight_row_ = 0;

 private:
  int prepare_weights();
  int finish(halide_buffer_t *z, halide_buffer_t *y, int64_t channels) const;
  int bias() const;
  int sum_bias(const ConvUnit &unit, int64_t channel, int64_t channels, double *to) const;
  /// Positions by channels of a tensor.
  Buffer rows_of(const Memory &tensor, const ConvStrides &strides, const ConvUnit &unit, int64_t channel,
                 int64_t channels) const;
  /// Of the output, which the activation's gradient is known by; without one nobody reads it, and it need not be there.
  Buffer result_of(const ConvUnit &unit, int64_t channel, int64_t channels) const;
};

}  // namespace halogen
