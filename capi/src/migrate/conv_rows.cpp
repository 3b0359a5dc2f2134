// Transposed convolutions along one axis.
#include "frameworks/conv_pads.h"
#include "init/initializer.h"
#include "row.h"
#include "rows.h"

namespace halogen {
namespace {

// ---- padding: how much is cropped on the left and the right ---------------------------------------------------------

constexpr Remark kLessOnTheRight = {
    "one more position is cropped on the right than on the left; output_padding cannot be -1", true};

/// The crops of a mode for a layer, which do not depend on the input's length.
ConvPads pads_of(const Meaning &layer, ConvPadMode mode, int64_t padding, int64_t output_padding) {
  ConvPads pads = {};
  conv_pads({nullptr, nullptr}, {mode, padding, output_padding, 0, 1, layer.kernel, layer.stride, layer.dilation},
            &pads);
  return pads;
}

template <class P>
void read_sides(const void *params, Meaning *to) {
  to->left = value_of<&P::padding>(params);
  to->right = to->left - value_of<&P::output_padding>(params);
}
/// What padding and output_padding, at least 0, come nearest.
int64_t output_padding_of(const Meaning &from) { return from.left > from.right ? from.left - from.right : 0; }

template <class P>
Remark write_sides(const Meaning &from, void *params) {
  value_of<&P::padding>(params) = from.left;
  value_of<&P::output_padding>(params) = output_padding_of(from);
  return from.left < from.right ? kLessOnTheRight : Remark{};
}
Remark write_torch_sides(const Meaning &from, void *params) {
  const Remark remark = write_sides<halogen_torch_conv_transpose1d_params>(from, params);
  const int64_t more = output_padding_of(from);
  if (more < from.stride || more < from.dilation) return remark;
  return {"output padding must be smaller than either stride or dilation", true};
}

using Mindspore = halogen_mindspore_conv1d_transpose_params;
void read_layer(const Mindspore &p, Meaning *to) {
  to->kernel = p.kernel_size;
  to->stride = p.stride;
  to->dilation = p.dilation;
}
ConvPads mode_pads(const Meaning &layer, halogen_mindspore_pad_mode mode, int64_t padding) {
  return mode == HALOGEN_MINDSPORE_PAD_SAME    ? pads_of(layer, ConvPadMode::same, 0, 0)
         : mode == HALOGEN_MINDSPORE_PAD_VALID ? pads_of(layer, ConvPadMode::valid, 0, 0)
                                               : pads_of(layer, ConvPadMode::sides, padding, 0);
}
void read_mode(const void *params, Meaning *to) {
  const auto &p = *static_cast<const Mindspore *>(params);
  Meaning layer;
  read_layer(p, &layer);
  const ConvPads pads = mode_pads(layer, p.pad_mode, p.padding);
  to->left = pads.left;
  to->right = pads.right;
}
Remark write_mode(const Meaning &from, void *params) {
  auto &p = *static_cast<Mindspore *>(params);
  for (const halogen_mindspore_pad_mode mode :
       {HALOGEN_MINDSPORE_PAD_PAD, HALOGEN_MINDSPORE_PAD_SAME, HALOGEN_MINDSPORE_PAD_VALID}) {
    const ConvPads pads = mode_pads(from, mode, from.left);
    if (pads.left != from.left || pads.right != from.right) continue;
    p.pad_mode = mode;
    p.padding = mode == HALOGEN_MINDSPORE_PAD_PAD ? from.left : 0;
    return {};
  }
  p.pad_mode = HALOGEN_MINDSPORE_PAD_PAD;
  p.padding = from.left;
  return {"there is no output_padding, and neither \"same\" nor \"valid\" crops as much here", true};
}

// ---- MegEngine: two axes --------------------------------------------------------------------------------------------

using Megengine = halogen_megengine_conv_transpose2d_params;
bool works_along(const Megengine &p, int axis) {
  return p.kernel_size[axis] != 1 || p.stride[axis] != 1 || p.dilation[axis] != 1 || p.padding[axis] != 0 ||
         p.output_padding[axis] != 0;
}
/// The axis that is not 1 in everything; the width if both are.
int axis_of(const Megengine &p) { return works_along(p, 0) ? 0 : 1; }
/// Output padding works along the height only.
int axis_for(const Meaning &layer) { return output_padding_of(layer) > 0 ? 0 : 1; }

template <auto member, auto meaning>
void read_axis(const void *params, Meaning *to) {
  to->*meaning = value_of<member>(params)[axis_of(*static_cast<const Megengine *>(params))];
}
template <auto member, auto meaning>
Remark write_axis(const Meaning &from, void *params) {
  const int axis = axis_for(from);
  value_of<member>(params)[axis] = from.*meaning;
  value_of<member>(params)[1 - axis] = 1;
  return {};
}
void read_axis_sides(const void *params, Meaning *to) {
  const auto &p = *static_cast<const Megengine *>(params);
  const int axis = axis_of(p);
  to->left = p.padding[axis];
  // Only the height's is looked at: tests/golden/README.md, fact 9.
  to->right = to->left - p.output_padding[0];
}
Remark write_axis_sides(const Meaning &from, void *params) {
  auto &p = *static_cast<Megengine *>(params);
  const int axis = axis_for(from);
  const int64_t more = output_padding_of(from);
  p.padding[axis] = from.left;
  p.padding[1 - axis] = 0;
  p.output_padding[axis] = more;
  p.output_padding[1 - axis] = 0;
  if (from.left < from.right) return kLessOnTheRight;
  if (more >= from.stride) return {"output_padding must be smaller than stride", true};
  if (more > 0 && from.groups > 1) return {"MegEngine 1.13 fails with groups and output_padding", true};
  return more > 0 ? Remark{"along the height: MegEngine 1.13 ignores an output_padding that is only in the width"}
                  : Remark{};
}

// ---- initial values -------------------------------------------------------------------------------------------------

halogen_mindspore_init as_argument(const halogen_initializer &from) {
  switch (from.kind) {
    case HALOGEN_INITIALIZER_UNIFORM:
      return init_of(HALOGEN_MINDSPORE_INIT_UNIFORM, from.high);
    case HALOGEN_INITIALIZER_NORMAL:
      return init_of(HALOGEN_MINDSPORE_INIT_NORMAL, from.sigma);
    default:
      return init_of(kZero);
  }
}
template <auto out, auto groups, auto kernel>
ConvInitializers defaults_of(const void *params, ConvDefaults defaults) {
  return conv_transpose_initializers(defaults, value_of<out>(params), value_of<groups>(params),
                                     value_of<kernel>(params));
}
template <class P>
void read_weight(const void *params, Meaning *to) {
  to->weight_init =
      as_argument(defaults_of<&P::out_channels, &P::groups, &P::kernel_size>(params, ConvDefaults::by_fan).weight);
}
template <class P>
void read_bias(const void *params, Meaning *to) {
  to->bias_init =
      as_argument(defaults_of<&P::out_channels, &P::groups, &P::kernel_size>(params, ConvDefaults::by_fan).bias);
}
ConvInitializers megengine_defaults(const void *params) {
  const auto &p = *static_cast<const Megengine *>(params);
  return conv_transpose_initializers(ConvDefaults::megengine, p.out_channels, p.groups,
                                     p.kernel_size[0] * p.kernel_size[1]);
}
void read_megengine_weight(const void *params, Meaning *to) {
  to->weight_init = as_argument(megengine_defaults(params).weight);
}
void read_megengine_bias(const void *, Meaning *to) { to->bias_init = init_of(kZero); }

ConvInitializers mindspore_defaults(const void *params) {
  const bool old = value_of<&Mindspore::version>(params) == HALOGEN_MINDSPORE_2_0;
  return defaults_of<&Mindspore::out_channels, &Mindspore::group, &Mindspore::kernel_size>(
      params, old ? ConvDefaults::mindspore_2_0 : ConvDefaults::by_fan);
}
template <auto member, auto meaning, auto which>
void read_argument(const void *params, Meaning *to) {
  const halogen_mindspore_init &init = value_of<member>(params);
  to->*meaning = init.kind == HALOGEN_MINDSPORE_INIT_DEFAULT ? as_argument(mindspore_defaults(params).*which) : init;
}
template <auto member, auto meaning, auto which>
Remark write_argument(const Meaning &from, void *params) {
  const halogen_mindspore_init by_default = as_argument(mindspore_defaults(params).*which), &wanted = from.*meaning;
  const bool same = by_default.kind == wanted.kind && by_default.value == wanted.value;
  value_of<member>(params) = same ? halogen_mindspore_init{} : wanted;
  return {};
}
/// What reset_parameters draws where no argument says it.
constexpr const char *kByFan[] = {"U(-b, b), b = 1/sqrt(out/groups * kernel)", nullptr};
constexpr const char *kByOutputs[] = {"N(0, 1/(out * kernel))", nullptr};
constexpr const char *kZeros[] = {"zeros", nullptr};
#define HALOGEN_DRAWN(what, text, read) \
  Row { Concept::what, {Field{"(" #what ")", FieldType::literal, 0, kNeverNone, text}}, 1, read, nullptr }

// ---- the classes ----------------------------------------------------------------------------------------------------

constexpr const char *kPaddingModes[] = {"zeros", "reflect", "replicate", "circular", nullptr};
constexpr const char *kPadModes[] = {"same", "valid", "pad", nullptr};
constexpr const char *kVersions[] = {"2.7", "2.0", nullptr};
constexpr const char *kConvModes[] = {"cross_correlation", "convolution", nullptr};
constexpr const char *kComputeModes[] = {"default", "float32", nullptr};

#define HALOGEN_CHANNELS(P) \
  HALOGEN_PLAIN(P, in_channels, in_channels, in), HALOGEN_PLAIN(P, out_channels, out_channels, out)
#define HALOGEN_ONE_AXIS(P)                                                                \
  HALOGEN_PLAIN(P, kernel, kernel_size, kernel), HALOGEN_PLAIN(P, stride, stride, stride), \
      HALOGEN_PLAIN(P, dilation, dilation, dilation)
#define HALOGEN_AS_TORCH(P, write, dtypes)                                                                         \
  HALOGEN_CHANNELS(P), HALOGEN_ONE_AXIS(P), HALOGEN_PLAIN(P, groups, groups, groups),                              \
      HALOGEN_PLAIN(P, bias, bias, bias),                                                                          \
      Row{Concept::crops, {HALOGEN_FIELD(P, padding), HALOGEN_FIELD(P, output_padding)}, 2, read_sides<P>, write}, \
      Row{Concept::padding_mode,                                                                                   \
          {HALOGEN_CHOICE(P, padding_mode, kPaddingModes)},                                                        \
          1,                                                                                                       \
          read_plain<&P::padding_mode, &Meaning::padding_mode>,                                                    \
          write_plain<&P::padding_mode, &Meaning::padding_mode>},                                                  \
      HALOGEN_DRAWN(weight_init, kByFan, read_weight<P>), HALOGEN_DRAWN(bias_init, kByFan, read_bias<P>),          \
      HALOGEN_TRAINING(), HALOGEN_PLACE(P, dtypes)

constexpr Row kTorchRows[] = {HALOGEN_AS_TORCH(halogen_torch_conv_transpose1d_params, write_torch_sides, Dtypes::all)};
constexpr Row kOneflowRows[] = {HALOGEN_AS_TORCH(
    halogen_oneflow_conv_transpose1d_params, write_sides<halogen_oneflow_conv_transpose1d_params>, Dtypes::float32_64)};

constexpr Row kMindsporeRows[] = {
    HALOGEN_CHANNELS(Mindspore), HALOGEN_ONE_AXIS(Mindspore), HALOGEN_PLAIN(Mindspore, groups, group, groups),
    HALOGEN_PLAIN(Mindspore, bias, has_bias, bias),
    Row{Concept::crops,
        {HALOGEN_CHOICE(Mindspore, pad_mode, kPadModes), HALOGEN_FIELD(Mindspore, padding)},
        2,
        read_mode,
        write_mode},
    HALOGEN_FIXED(padding_mode, read_nothing),
    // The version decides what the default is.
    Row{Concept::weight_init,
        {HALOGEN_FIELD(Mindspore, weight_init), HALOGEN_CHOICE(Mindspore, version, kVersions)},
        2,
        read_argument<&Mindspore::weight_init, &Meaning::weight_init, &ConvInitializers::weight>,
        write_argument<&Mindspore::weight_init, &Meaning::weight_init, &ConvInitializers::weight>},
    Row{Concept::bias_init,
        {HALOGEN_FIELD(Mindspore, bias_init)},
        1,
        read_argument<&Mindspore::bias_init, &Meaning::bias_init, &ConvInitializers::bias>,
        write_argument<&Mindspore::bias_init, &Meaning::bias_init, &ConvInitializers::bias>},
    HALOGEN_EVALUATION(), HALOGEN_PLACE(Mindspore, Dtypes::float32_16)};

#define HALOGEN_AXIS(what, member, meaning)                                                                 \
  Row {                                                                                                     \
    Concept::what, {HALOGEN_FIELD(Megengine, member)}, 1, read_axis<&Megengine::member, &Meaning::meaning>, \
        write_axis<&Megengine::member, &Meaning::meaning>                                                   \
  }
constexpr Row kMegengineRows[] = {
    HALOGEN_CHANNELS(Megengine),
    HALOGEN_AXIS(kernel, kernel_size, kernel),
    HALOGEN_AXIS(stride, stride, stride),
    HALOGEN_AXIS(dilation, dilation, dilation),
    HALOGEN_PLAIN(Megengine, groups, groups, groups),
    HALOGEN_PLAIN(Megengine, bias, bias, bias),
    Row{Concept::crops,
        {HALOGEN_FIELD(Megengine, padding), HALOGEN_FIELD(Megengine, output_padding)},
        2,
        read_axis_sides,
        write_axis_sides},
    HALOGEN_FIXED(padding_mode, read_nothing),
    Row{Concept::conv_mode, {HALOGEN_CHOICE(Megengine, conv_mode, kConvModes)}, 1, read_nothing, nullptr},
    Row{Concept::compute_mode, {HALOGEN_CHOICE(Megengine, compute_mode, kComputeModes)}, 1, read_nothing, nullptr},
    HALOGEN_DRAWN(weight_init, kByOutputs, read_megengine_weight),
    HALOGEN_DRAWN(bias_init, kZeros, read_megengine_bias),
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(Megengine, Dtypes::float32_only)};

}  // namespace

bool spans_two_axes(const Megengine &params) { return works_along(params, 0) && works_along(params, 1); }

const Rows kTorchConvTranspose = rows(kTorchRows), kOneflowConvTranspose = rows(kOneflowRows),
           kMindsporeConvTranspose = rows(kMindsporeRows), kMegengineConvTranspose = rows(kMegengineRows);

}  // namespace halogen
