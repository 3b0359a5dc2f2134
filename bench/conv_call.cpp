#include "conv_call.h"

#include <chrono>

namespace halogen_bench {

ConvCall::ConvCall(const ConvProblem &p, const Dtype &dtype, int threads, const Settings &settings)
    : settings_(settings),
      threads_(threads),
      context_(make_context(threads, settings.isa)),
      x_({p.n, p.c_in, p.length}, -1.0, 1.0 / 512, dtype),
      y_({p.n, p.c_out, p.out_length()}, 0, 0, dtype),
      weight_({p.c_in, p.c_out / p.groups, p.kernel}, -0.5, 1.0 / 1024, dtype),
      bias_({p.c_out}, -0.5, 1.0 / 1024, dtype) {
  args_ = HALOGEN_CONV_TRANSPOSE1D_ARGS_INIT;
  args_.input = x_.dl();
  args_.output = y_.dl();
  args_.bias = bias_.dl();
  set_numbers(p, settings, &args_);
  params_ = HALOGEN_CONV_WEIGHTS_PARAMS_INIT;
  params_.weight = weight_.dl();
  params_.stride = args_.stride;
  params_.dilation = args_.dilation;
  params_.groups = args_.groups;
  halogen_conv_weights *packed = nullptr;
  check(halogen_conv_transpose1d_weights_create(context_.get(), &params_, nullptr, 0, &packed, &error_), error_);
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

double ConvCall::first() {
  args_.weight = weight_.dl();
  args_.packed = nullptr;
  const Context fresh = make_context(threads_, settings_.isa);
  const auto begin = std::chrono::steady_clock::now();
  check(halogen_conv_transpose1d_forward(fresh.get(), &args_, &error_), error_);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

size_t ConvCall::packed_bytes() {
  size_t bytes = 0;
  check(halogen_conv_transpose1d_weights_size(context_.get(), &params_, &bytes, &error_), error_);
  return bytes;
}

double ConvCall::idle_lanes(const ConvProblem &p) {
  if (kernels().find("along positions") == std::string::npos) return 0;
  halogen_isa isa = HALOGEN_ISA_AUTO;
  check(halogen_context_isa(context_.get(), &isa, nullptr, &error_), error_);
  const int64_t lanes = isa == HALOGEN_ISA_V2 || isa == HALOGEN_ISA_NEON ? 4 : isa == HALOGEN_ISA_V3 ? 8 : 16;
  const int64_t positions = p.length + (p.kernel + p.stride - 1) / p.stride - 1,
                vectors = (positions + lanes - 1) / lanes;
  return 100.0 - 100.0 * static_cast<double>(positions) / static_cast<double>(vectors * lanes);
}

std::string ConvCall::kernels() {
  halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
  args_.weight = nullptr;
  args_.packed = packed_.get();
  check(halogen_conv_transpose1d_query(context_.get(), &args_, &info, &error_), error_);
  return std::string(info.kernels) + " (" + info.reason + ")";
}

}  // namespace halogen_bench
