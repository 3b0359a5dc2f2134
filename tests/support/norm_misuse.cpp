#include "norm_misuse.h"

#include <doctest/doctest.h>

namespace halogen_tests {

namespace {

constexpr size_t slack = 256;

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

ValidMemory::ValidMemory(const NormProblem &problem) : storage(problem, ordinary_data(problem, 21), slack) {}

std::vector<Watched> ValidMemory::watched() {
  std::vector<Watched> all;
  for (StoredTensor *tensor : storage.all()) all.push_back({"a tensor", tensor->data(), tensor->size()});
  return all;
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
