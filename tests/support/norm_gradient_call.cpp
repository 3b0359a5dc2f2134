#include "norm_gradient_call.h"

#include <cstring>
#include <limits>

#include "coverage.h"

namespace halogen_tests {

namespace {

enum : size_t {
  kInput,
  kGradOutput,
  kOutput,
  kGradInput,
  kGradResidual,
  kWeight,
  kMean,
  kVar,
  kSavedMean,
  kSavedRstd,
  kGradWeight,
  kGradBias,
  kTensors
};
constexpr size_t written_tensors[] = {kGradInput, kGradResidual, kGradWeight, kGradBias};

}  // namespace

GradientCall::GradientCall(const NormProblem &p, const GradientData &data, const GradientWish &wish,
                           halogen_norm_path path, Placement *placement)
    : placement_(placement) {
  const NormForms forms(p);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Values unwritten(data.forward.input.size(), nan), unwritten_vector(data.forward.weight.size(), nan);
  tensors_ = {
      {forms.input, data.forward.input}, {forms.residual, data.grad_output}, {forms.output, data.output},
      {forms.output, unwritten},         {forms.residual, unwritten},        {forms.vector, data.forward.weight},
      {forms.vector, data.forward.mean}, {forms.vector, data.forward.var},   {forms.saved, data.saved_mean},
      {forms.saved, data.saved_rstd},    {forms.vector, unwritten_vector},   {forms.vector, unwritten_vector}};
  for (size_t i = 0; i < kTensors; ++i) {
    void *at = placement != nullptr ? placement->put(i, tensors_[i].data(), tensors_[i].size()) : tensors_[i].data();
    const bool of_data = i <= kGradResidual;
    const TensorForm form = of_data && p.named_last ? with_channels_last(tensors_[i].form()) : tensors_[i].form();
    views_.emplace_back(at, form.shape, form.dtype, placement != nullptr ? placement->device() : cpu);
    if (!form.dense()) views_[i].set_strides(form.strides);
  }
  input_gradient_ = wish.input_is == GradientWish::InputIs::own     ? size_t{kGradInput}
                    : wish.input_is == GradientWish::InputIs::input ? size_t{kInput}
                                                                    : size_t{kGradOutput};
  args.scope = p.scope;
  args.num_groups = p.num_groups;
  args.layout = p.named_last ? HALOGEN_LAYOUT_CHANNEL_LAST : HALOGEN_LAYOUT_CHANNEL_FIRST;
  args.path = path;
  args.input = &views_[kInput].dl;
  args.grad_output = &views_[kGradOutput].dl;
  if (p.weight) args.weight = &views_[kWeight].dl;
  if (p.given) {
    args.mean = &views_[kMean].dl;
    args.var = &views_[kVar].dl;
  } else if (p.saved) {
    args.saved_mean = &views_[kSavedMean].dl;
    args.saved_rstd = &views_[kSavedRstd].dl;
  }
  args.activation = p.activation;
  args.negative_slope = p.negative_slope;
  args.output = &views_[kOutput].dl;
  if (wish.input) args.grad_input = &views_[input_gradient_].dl;
  if (wish.residual) args.grad_residual = &views_[kGradResidual].dl;
  if (wish.weight) args.grad_weight = &views_[kGradWeight].dl;
  if (wish.bias) args.grad_bias = &views_[kGradBias].dl;
  args.eps = p.eps;
  args.ran = &ran;
}

halogen_status GradientCall::run(halogen_context *context) {
  status_ = halogen_norm_backward_query(context, &args, &query, &error);
  if (status_ == HALOGEN_OK) status_ = halogen_norm_backward(context, &args, &error);
  if (status_ == HALOGEN_OK) record_ran(ran);
  return status_;
}

GradientResult GradientCall::result() {
  GradientResult result;
  result.status = status_;
  result.message = error.message;
  result.ran = ran;
  result.query = query;
  for (size_t i = 0; i < kTensors; ++i) {
    if (placement_ != nullptr) placement_->get(i, tensors_[i].data(), tensors_[i].size());
    result.gaps_intact = result.gaps_intact && tensors_[i].gaps_intact();
  }
  result.input = tensors_[input_gradient_].values();
  result.residual = tensors_[kGradResidual].values();
  result.weight = tensors_[kGradWeight].values();
  result.bias = tensors_[kGradBias].values();
  return result;
}

std::vector<unsigned char> GradientCall::written() {
  std::vector<unsigned char> all;
  for (const size_t i : written_tensors) {
    const unsigned char *bytes = static_cast<const unsigned char *>(tensors_[i].data());
    all.insert(all.end(), bytes, bytes + tensors_[i].size());
  }
  return all;
}

void GradientCall::spoil() {
  for (const size_t i : written_tensors) std::memset(tensors_[i].data(), 0xa5, tensors_[i].size());
}

GradientResult run_gradients(halogen_context *context, const NormProblem &problem, const GradientData &data,
                             const GradientWish &wish, halogen_norm_path path, Placement *placement) {
  GradientCall call(problem, data, wish, path, placement);
  call.run(context);
  return call.result();
}

}  // namespace halogen_tests
