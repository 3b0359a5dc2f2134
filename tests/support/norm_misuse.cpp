#include "norm_misuse.h"

#include <doctest/doctest.h>

namespace halogen_tests {

namespace {

constexpr size_t slack = 64;

}  // namespace

NormProblem affine_with_running() {
  NormProblem problem;
  problem.shape = {2, 6, 4, 5};
  problem.running = Running::unbiased;
  return problem;
}

NormProblem with_given() {
  NormProblem problem = affine_with_running();
  problem.running = Running::none;
  problem.given = true;
  return problem;
}

ValidMemory::ValidMemory(const NormProblem &problem) : data(ordinary_data(problem, 21)) {
  output.assign(data.input.size() + slack, 77.0f);
  for (auto *values :
       {&data.input, &data.weight, &data.bias, &data.mean, &data.var, &data.running_mean, &data.running_var}) {
    values->resize(values->size() + slack, 55.0f);
  }
}

NormMemory ValidMemory::memory() {
  return {data.input.data(), output.data(),   data.weight.data(),       data.bias.data(),
          data.mean.data(),  data.var.data(), data.running_mean.data(), data.running_var.data()};
}

std::vector<Watched> ValidMemory::watched() {
  const auto all_of = [](const char *name, std::vector<float> &v) {
    return Watched{name, v.data(), v.size() * sizeof(float)};
  };
  return {all_of("output", output),
          all_of("input", data.input),
          all_of("weight", data.weight),
          all_of("bias", data.bias),
          all_of("mean", data.mean),
          all_of("var", data.var),
          all_of("running_mean", data.running_mean),
          all_of("running_var", data.running_var)};
}

void refused(const std::string &what, halogen_status status, const std::vector<std::string> &words, const Spoil &spoil,
             By by, const NormProblem &problem) {
  ValidMemory valid(problem);
  NormCall call(problem, valid.memory());
  spoil(call);
  halogen_context *context = context_of(variants()[0]);
  check_refused("forward: " + what, status, words, valid.watched(),
                [&](halogen_error *error) { return halogen_norm_forward(context, &call.args, error); });
  if (by == By::forward) return;
  check_refused("query: " + what, status, words, valid.watched(), [&](halogen_error *error) {
    halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
    return halogen_norm_query(context, &call.args, &info, error);
  });
}

void accepted(const std::string &what, const Spoil &change, const NormProblem &problem) {
  ValidMemory valid(problem);
  NormCall call(problem, valid.memory());
  change(call);
  const halogen_status status = call.run(context_of(variants()[0]));
  CHECK_MESSAGE(status == HALOGEN_OK, what, ": ", halogen_status_name(status), ": ", call.error.message);
}

std::vector<std::pair<std::string, TensorView NormCall::*>> tensors() {
  return {{"input", &NormCall::input},
          {"output", &NormCall::output},
          {"weight", &NormCall::weight},
          {"bias", &NormCall::bias},
          {"running_mean", &NormCall::running_mean},
          {"running_var", &NormCall::running_var}};
}

}  // namespace halogen_tests
