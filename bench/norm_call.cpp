#include "norm_call.h"

namespace halogen_bench {
namespace {

void plain_copy(halogen_bench_team *team, float *y, const float *x, size_t count) {
  halogen_bench_copy(team, y, x, count, 1.5f);
}

}  // namespace

// Data are odd multiples of 1/1024: exact in 16 bits, and never 0, so that no two of them read as one float are denormal, which
// would slow the copy down.
NormCall::NormCall(const NormLine &line, const Settings &settings)
    : backward_(line.mode == Mode::kBackward),
      context_(make_context(line.threads, settings.isa)),
      vectors_(line.dtype.dl.bits == 64 ? kF64 : kF32),
      x_(line.problem.shape, -1 + 1.0 / 1024, 1.0 / 512, line.dtype, line.channel_last),
      in_(backward_ ? line.problem.shape : std::vector<int64_t>{1}, -0.5 + 1.0 / 1024, 1.0 / 512, line.dtype,
          backward_ && line.channel_last),
      out_(line.problem.shape, 0, 0, line.dtype, line.channel_last),
      spare_({backward_ ? static_cast<int64_t>(x_.floats() / 2) + 1 : 1}, 0, 0),
      weight_({line.problem.c()}, 0.5, 1.0 / 1024, vectors_),
      bias_({line.problem.c()}, -0.5, 1.0 / 1024, vectors_),
      mean_({line.problem.c()}, 0, 1.0 / 4096, vectors_),
      var_({line.problem.c()}, 0.5, 1.0 / 4096, vectors_),
      saved_mean_(line.problem.statistics_shape(), 0, 0, vectors_),
      saved_rstd_(line.problem.statistics_shape(), 0, 0, vectors_) {
  describe_forward(line, settings);
  if (backward_) {
    describe_backward(line, settings);
    check(halogen_norm_forward(context_.get(), &forward_, &error_), error_);
  }
}

void NormCall::describe_forward(const NormLine &line, const Settings &settings) {
  const bool running = line.mode == Mode::kOwn && line.problem.scope == HALOGEN_NORM_SCOPE_BATCH;
  forward_ = HALOGEN_NORM_ARGS_INIT;
  forward_.scope = line.problem.scope;
  forward_.num_groups = static_cast<int32_t>(line.problem.groups);
  forward_.input = x_.dl();
  forward_.output = out_.dl();
  forward_.weight = weight_.dl();
  forward_.bias = bias_.dl();
  forward_.mean = line.mode == Mode::kGiven ? mean_.dl() : nullptr;
  forward_.var = line.mode == Mode::kGiven ? var_.dl() : nullptr;
  forward_.running_mean = running ? mean_.dl() : nullptr;
  forward_.running_var = running ? var_.dl() : nullptr;
  forward_.running_weight = running ? 0.1 : 0;
  forward_.running_var_unbiased = running;
  forward_.saved_mean = backward_ ? saved_mean_.dl() : nullptr;
  forward_.saved_rstd = backward_ ? saved_rstd_.dl() : nullptr;
  forward_.eps = 1e-5;
  forward_.path = backward_ ? HALOGEN_NORM_PATH_AUTO : settings.path;
}

void NormCall::describe_backward(const NormLine &line, const Settings &settings) {
  args_ = HALOGEN_NORM_BACKWARD_ARGS_INIT;
  args_.scope = line.problem.scope;
  args_.num_groups = static_cast<int32_t>(line.problem.groups);
  args_.input = x_.dl();
  args_.grad_output = in_.dl();
  args_.weight = weight_.dl();
  args_.saved_mean = saved_mean_.dl();
  args_.saved_rstd = saved_rstd_.dl();
  args_.grad_input = out_.dl();
  args_.grad_weight = mean_.dl();
  args_.grad_bias = var_.dl();
  args_.eps = 1e-5;
  args_.path = settings.path;
}

void NormCall::operator()() {
  check(backward_ ? halogen_norm_backward(context_.get(), &args_, &error_)
                  : halogen_norm_forward(context_.get(), &forward_, &error_),
        error_);
}

std::string NormCall::kernels() {
  halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
  check(backward_ ? halogen_norm_backward_query(context_.get(), &args_, &info, &error_)
                  : halogen_norm_query(context_.get(), &forward_, &info, &error_),
        error_);
  return info.kernels;
}

void NormCall::copy_with(CopyFunction function, const Team &team) const {
  function(team.get(), out_.data(), x_.data(), x_.floats());
  if (backward_) function(team.get(), spare_.data(), in_.data(), x_.floats() / 2);
}

void NormCall::copy(const Team &team) const { copy_with(plain_copy, team); }
void NormCall::memory_copy(const Team &team) const { copy_with(halogen_bench_memcpy, team); }

}  // namespace halogen_bench
