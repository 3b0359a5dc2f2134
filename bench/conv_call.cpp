#include "conv_call.h"

namespace halogen_bench {

ConvCall::ConvCall(const ConvProblem &p, const Dtype &dtype, int threads, const Settings &settings)
    : context_(make_context(threads, settings.isa)),
      x_({p.n, p.c_in, p.length}, -1.0, 1.0 / 512, dtype),
      y_({p.n, p.c_out, p.out_length()}, 0, 0, dtype),
      weight_({p.c_in, p.c_out / p.groups, p.kernel}, -0.5, 1.0 / 1024, dtype),
      bias_({p.c_out}, -0.5, 1.0 / 1024, dtype) {
  args_ = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args_.input = x_.dl();
  args_.output = y_.dl();
  args_.bias = bias_.dl();
  set_numbers(p, settings, &args_);
  halogen_conv_weights_params params = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params.weight = weight_.dl();
  params.stride = args_.stride;
  params.dilation = args_.dilation;
  params.groups = args_.groups;
  halogen_conv_weights *packed = nullptr;
  check(halogen_conv_transpose1d_weights_create(context_.get(), &params, nullptr, 0, &packed, &error_), error_);
  packed_.reset(packed);
}

void ConvCall::operator()() {
  args_.weight = nullptr;
  args_.packed = packed_.get();
  check(halogen_conv_transpose1d_forward(context_.get(), &args_, &error_), error_);
}

void ConvCall::one_shot() {
  args_.weight = weight_.dl();
  args_.packed = nullptr;
  check(halogen_conv_transpose1d_forward(context_.get(), &args_, &error_), error_);
}

std::string ConvCall::kernels() {
  halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
  args_.weight = nullptr;
  args_.packed = packed_.get();
  check(halogen_conv_transpose1d_query(context_.get(), &args_, &info, &error_), error_);
  return std::string(info.kernels) + " (" + info.reason + ")";
}

}  // namespace halogen_bench
