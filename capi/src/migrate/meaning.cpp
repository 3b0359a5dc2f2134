#include "meaning.h"

#include "tensor.h"

namespace halogen {
namespace {

template <auto member>
bool equal(const Meaning &wanted, const Meaning &got) {
  return wanted.*member == got.*member;
}

template <auto member>
bool equal_init(const Meaning &wanted, const Meaning &got) {
  const halogen_mindspore_init &a = wanted.*member, &b = got.*member;
  return a.kind == b.kind && a.value == b.value && a.mean == b.mean && a.a == b.a && a.b == b.b && a.mode == b.mode &&
         a.nonlinearity == b.nonlinearity && a.tensor == b.tensor;
}

bool always(const Meaning &, const Meaning &) { return true; }

bool same_shape(const Meaning &wanted, const Meaning &got) {
  return wanted.dims == got.dims && wanted.shape == got.shape;
}

bool same_momentum(const Meaning &wanted, const Meaning &got) {
  // Without running statistics that are used it has no effect. 1 - (1 - f) may be another double than f.
  if (wanted.statistics != Statistics::tracked) return true;
  const double difference = wanted.momentum - got.momentum;
  return wanted.momentum_none == got.momentum_none &&
         (wanted.momentum_none || (difference < 1e-15 && difference > -1e-15));
}

bool same_affine(const Meaning &wanted, const Meaning &got) {
  // 1 and 0 that are not trained are none; those that are there are applied.
  return wanted.affine == got.affine || (wanted.affine == Affine::none && got.affine == Affine::fixed) ||
         (wanted.affine == Affine::fixed && got.affine == Affine::both);
}

bool same_statistics(const Meaning &wanted, const Meaning &got) {
  const auto own = [](const Meaning &m) {
    return m.statistics != Statistics::tracked && m.statistics != Statistics::frozen;
  };
  return wanted.statistics == got.statistics || (own(wanted) && own(got));
}

bool same_running_variance(const Meaning &wanted, const Meaning &got) {
  return wanted.statistics != Statistics::tracked || wanted.biased_running == got.biased_running;
}

bool same_crops(const Meaning &wanted, const Meaning &got) {
  return wanted.left == got.left && wanted.right == got.right;
}

bool same_bias_init(const Meaning &wanted, const Meaning &got) {
  return !wanted.bias || equal_init<&Meaning::bias_init>(wanted, got);
}

bool same_type(const Meaning &wanted, const Meaning &got) { return same_dtype(wanted.dtype, got.dtype); }

bool same_device(const Meaning &wanted, const Meaning &got) {
  return wanted.device.device_type == got.device.device_type && wanted.device.device_id == got.device.device_id;
}

constexpr halogen_difference_kind kCannot = HALOGEN_DIFFERENCE_CANNOT, kDefault = HALOGEN_DIFFERENCE_DEFAULT;
constexpr const char *kInitially = "initial values differ: convert the state, or set it";

/// In the order of Concept.
constexpr ConceptRule kRules[] = {
    {equal<&Meaning::channels>, kCannot, nullptr},
    {equal<&Meaning::norm_groups>, kCannot, nullptr},
    {same_shape, kCannot, nullptr},
    {equal<&Meaning::eps>, kCannot, nullptr},
    {same_momentum, kCannot, "momentum=None has no counterpart"},
    {same_affine, kCannot, "a weight without a bias: here the bias would be trained; keep it at 0"},
    {same_statistics, kCannot, nullptr},
    {same_running_variance, kCannot,
     "the running variance is the biased one of MindSpore 2.0; here it is the unbiased one"},
    {equal<&Meaning::channels_last>, kCannot,
     "the shape is (N, C, H, W) here: permute it, or give strides of channels last"},
    {equal<&Meaning::in>, kCannot, nullptr},
    {equal<&Meaning::out>, kCannot, nullptr},
    {equal<&Meaning::kernel>, kCannot, nullptr},
    {equal<&Meaning::stride>, kCannot, nullptr},
    {same_crops, kCannot, nullptr},
    {equal<&Meaning::dilation>, kCannot, nullptr},
    {equal<&Meaning::groups>, kCannot, nullptr},
    {equal<&Meaning::bias>, kCannot, nullptr},
    {equal<&Meaning::padding_mode>, kCannot, "only zeros exist here"},
    {always, kCannot, nullptr},
    {always, kCannot, nullptr},
    {equal_init<&Meaning::weight_init>, kDefault, kInitially},
    {same_bias_init, kDefault, kInitially},
    {equal_init<&Meaning::mean_init>, kDefault, kInitially},
    {equal_init<&Meaning::var_init>, kDefault, kInitially},
    {equal<&Meaning::starts_training>, kDefault,
     "MindSpore's modules begin in inference, the others' in training mode: set it"},
    {same_type, kCannot, "the framework's module does not take this dtype"},
    {same_device, kCannot, nullptr}};
static_assert(sizeof(kRules) / sizeof(*kRules) == static_cast<size_t>(Concept::count), "one rule per concept");

}  // namespace

const ConceptRule &rule_of(Concept what) { return kRules[static_cast<size_t>(what)]; }

}  // namespace halogen
