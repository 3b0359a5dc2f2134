// BatchNorm and InstanceNorm.
#include "row.h"
#include "rows.h"

namespace halogen {
namespace {

// ---- momentum -------------------------------------------------------------------------------------------------------

/// 1 - x, and where that is a neighbour of a shorter decimal, that one: 1 - 0.9 is 0.1.
double complement(double x) {
  const double exact = 1 - x;
  const double rounded = static_cast<double>(static_cast<int64_t>(exact * 1e15 + 0.5)) / 1e15;
  return 1 - rounded == x ? rounded : exact;
}

template <class P>
void read_new(const void *params, Meaning *to) {
  to->momentum = value_of<&P::momentum>(params);
  to->momentum_none = value_of<&P::momentum_is_none>(params) != 0;
}
template <class P>
Remark write_new(const Meaning &from, void *params) {
  value_of<&P::momentum>(params) = from.momentum;
  value_of<&P::momentum_is_none>(params) = from.momentum_none;
  return {};
}
/// Where momentum=None is accepted but fails in training.
template <class P>
Remark write_new_refusing(const Meaning &from, void *params) {
  value_of<&P::momentum>(params) = from.momentum;
  return {};
}
template <class P>
void read_old(const void *params, Meaning *to) {
  to->momentum = complement(value_of<&P::momentum>(params));
}
template <class P>
Remark write_old(const Meaning &from, void *params) {
  value_of<&P::momentum>(params) = complement(from.momentum);
  return {"momentum is the weight of the old statistic here, of the new one in torch and OneFlow"};
}
void read_old_or_none(const void *params, Meaning *to) {
  using P = halogen_megengine_batch_norm_params;
  read_old<P>(params, to);
  to->momentum_none = value_of<&P::momentum_is_none>(params) != 0;
}
#define HALOGEN_MOMENTUM(P, read, write)                                                                             \
  Row {                                                                                                              \
    Concept::momentum, {Field{"momentum", FieldType::number, offsetof(P, momentum), offsetof(P, momentum_is_none)}}, \
        1, read, write                                                                                               \
  }

// ---- affine ---------------------------------------------------------------------------------------------------------

template <class P>
void read_affine_fixed(const void *params, Meaning *to) {
  to->affine = value_of<&P::affine>(params) != 0 ? Affine::both : Affine::fixed;
}
template <class P>
Remark write_affine_fixed(const Meaning &from, void *params) {
  value_of<&P::affine>(params) = from.affine == Affine::both || from.affine == Affine::weight;
  if (from.affine != Affine::none) return {};
  return {"gamma and beta exist and are applied without affine, too: 1 and 0, not trained"};
}
#define HALOGEN_AFFINE_FIXED(P) \
  Row { Concept::affine, {HALOGEN_FIELD(P, affine)}, 1, read_affine_fixed<P>, write_affine_fixed<P> }

// ---- whose statistics -----------------------------------------------------------------------------------------------

constexpr Remark kUseEvaluation = {"no parameter freezes the statistics: keep the module in evaluation mode"};
constexpr Remark kNeverUsed = {"the running statistics are without effect there, and do not exist here"};
constexpr Remark kNeverMissed = {"running statistics exist here, without effect"};

bool is_own(const Meaning &m) { return m.statistics != Statistics::tracked && m.statistics != Statistics::frozen; }

template <class P>
void read_tracked(const void *params, Meaning *to) {
  to->statistics = value_of<&P::track_running_stats>(params) != 0 ? Statistics::tracked : Statistics::own;
}
template <class P>
Remark write_tracked(const Meaning &from, void *params) {
  value_of<&P::track_running_stats>(params) = !is_own(from);
  if (from.statistics == Statistics::frozen) return kUseEvaluation;
  return from.statistics == Statistics::own_moved || from.statistics == Statistics::own_unused ? kNeverUsed : Remark{};
}
#define HALOGEN_TRACKED(P) \
  Row { Concept::statistics, {HALOGEN_FIELD(P, track_running_stats)}, 1, read_tracked<P>, write_tracked<P> }

using MindsporeBatchNorm = halogen_mindspore_batch_norm_params;
void read_batch_statistics(const void *params, Meaning *to) {
  const halogen_tristate use = value_of<&MindsporeBatchNorm::use_batch_statistics>(params);
  to->statistics = use == HALOGEN_NONE   ? Statistics::tracked
                   : use == HALOGEN_TRUE ? Statistics::own_moved
                                         : Statistics::frozen;
}
Remark write_batch_statistics(const Meaning &from, void *params) {
  value_of<&MindsporeBatchNorm::use_batch_statistics>(params) = from.statistics == Statistics::tracked  ? HALOGEN_NONE
                                                                : from.statistics == Statistics::frozen ? HALOGEN_FALSE
                                                                                                        : HALOGEN_TRUE;
  return from.statistics == Statistics::own ? kNeverMissed : Remark{};
}

using MegengineBatchNorm = halogen_megengine_batch_norm_params;
void read_freeze(const void *params, Meaning *to) {
  read_tracked<MegengineBatchNorm>(params, to);
  if (value_of<&MegengineBatchNorm::freeze>(params) != 0) to->statistics = Statistics::frozen;
}
Remark write_freeze(const Meaning &from, void *params) {
  value_of<&MegengineBatchNorm::freeze>(params) = from.statistics == Statistics::frozen;
  const Remark remark = write_tracked<MegengineBatchNorm>(from, params);
  if (from.statistics != Statistics::frozen) return remark;
  return {"freeze also keeps weight and bias from being trained"};
}

void read_own_unused(const void *, Meaning *to) { to->statistics = Statistics::own_unused; }
constexpr Remark kAlwaysOwn = {"InstanceNorm always uses the input's own statistics here"};
Remark write_own(const Meaning &from, void *) { return is_own(from) ? Remark{} : kAlwaysOwn; }

using OneflowInstanceNorm = halogen_oneflow_instance_norm_params;
void read_documented(const void *params, Meaning *to) {
  read_tracked<OneflowInstanceNorm>(params, to);
  if (to->statistics == Statistics::tracked && value_of<&OneflowInstanceNorm::documented_running_stats>(params) == 0) {
    to->statistics = Statistics::own_unused;
  }
}
Remark write_documented(const Meaning &from, void *params) {
  value_of<&OneflowInstanceNorm::track_running_stats>(params) = from.statistics != Statistics::own;
  value_of<&OneflowInstanceNorm::documented_running_stats>(params) = !is_own(from);
  if (is_own(from)) return {};
  return {
      "OneFlow never moves or uses running statistics, against its document; documented_running_stats is Halogen's own",
      true};
}

// ---- MindSpore's version, format and initialisers --------------------------------------------------------------------

constexpr const char *kVersions[] = {"2.7", "2.0", nullptr};
constexpr const char *kFormats[] = {"NCHW", "NHWC", nullptr};

#define HALOGEN_INIT(P, what, member, meaning, kind)                                              \
  Row {                                                                                           \
    Concept::what, {HALOGEN_FIELD(P, member)}, 1, read_init<&P::member, &Meaning::meaning, kind>, \
        write_init<&P::member, &Meaning::meaning, kind>                                           \
  }
#define HALOGEN_AFFINE_FIXED_INITS                                            \
  HALOGEN_FIXED(weight_init, (read_fixed_init<&Meaning::weight_init, kOne>)), \
      HALOGEN_FIXED(bias_init, (read_fixed_init<&Meaning::bias_init, kZero>))
#define HALOGEN_RUNNING_FIXED_INITS                                         \
  HALOGEN_FIXED(mean_init, (read_fixed_init<&Meaning::mean_init, kZero>)),  \
      HALOGEN_FIXED(var_init, (read_fixed_init<&Meaning::var_init, kOne>)), \
      HALOGEN_FIXED(running_variance, read_nothing), HALOGEN_FIXED(data_format, read_nothing)

// ---- the classes ----------------------------------------------------------------------------------------------------

using TorchBatchNorm = halogen_torch_batch_norm_params;
constexpr Row kTorchBatchNormRows[] = {
    HALOGEN_PLAIN(TorchBatchNorm, channels, num_features, channels),
    HALOGEN_PLAIN(TorchBatchNorm, eps, eps, eps),
    HALOGEN_MOMENTUM(TorchBatchNorm, read_new<TorchBatchNorm>, write_new<TorchBatchNorm>),
    HALOGEN_AFFINE_BIAS(TorchBatchNorm, affine),
    HALOGEN_TRACKED(TorchBatchNorm),
    HALOGEN_AFFINE_FIXED_INITS,
    HALOGEN_RUNNING_FIXED_INITS,
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(TorchBatchNorm, Dtypes::all)};

using TorchInstanceNorm = halogen_torch_instance_norm_params;
constexpr Row kTorchInstanceNormRows[] = {
    HALOGEN_PLAIN(TorchInstanceNorm, channels, num_features, channels),
    HALOGEN_PLAIN(TorchInstanceNorm, eps, eps, eps),
    HALOGEN_MOMENTUM(TorchInstanceNorm, read_new<TorchInstanceNorm>, write_new<TorchInstanceNorm>),
    HALOGEN_AFFINE_BIAS(TorchInstanceNorm, affine),
    HALOGEN_TRACKED(TorchInstanceNorm),
    HALOGEN_AFFINE_FIXED_INITS,
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(TorchInstanceNorm, Dtypes::all)};

constexpr Row kMindsporeBatchNormRows[] = {
    HALOGEN_PLAIN(MindsporeBatchNorm, channels, num_features, channels),
    HALOGEN_PLAIN(MindsporeBatchNorm, eps, eps, eps),
    Row{Concept::momentum,
        {HALOGEN_FIELD(MindsporeBatchNorm, momentum)},
        1,
        read_old<MindsporeBatchNorm>,
        write_old<MindsporeBatchNorm>},
    HALOGEN_AFFINE_FIXED(MindsporeBatchNorm),
    Row{Concept::statistics,
        {HALOGEN_FIELD(MindsporeBatchNorm, use_batch_statistics)},
        1,
        read_batch_statistics,
        write_batch_statistics},
    HALOGEN_INIT(MindsporeBatchNorm, weight_init, gamma_init, weight_init, kOne),
    HALOGEN_INIT(MindsporeBatchNorm, bias_init, beta_init, bias_init, kZero),
    HALOGEN_INIT(MindsporeBatchNorm, mean_init, moving_mean_init, mean_init, kZero),
    HALOGEN_INIT(MindsporeBatchNorm, var_init, moving_var_init, var_init, kOne),
    Row{Concept::running_variance,
        {HALOGEN_CHOICE(MindsporeBatchNorm, version, kVersions)},
        1,
        read_plain<&MindsporeBatchNorm::version, &Meaning::biased_running>,
        write_plain<&MindsporeBatchNorm::version, &Meaning::biased_running>},
    Row{Concept::data_format,
        {HALOGEN_CHOICE(MindsporeBatchNorm, data_format, kFormats)},
        1,
        read_plain<&MindsporeBatchNorm::data_format, &Meaning::channels_last>,
        write_plain<&MindsporeBatchNorm::data_format, &Meaning::channels_last>},
    HALOGEN_EVALUATION(),
    HALOGEN_PLACE(MindsporeBatchNorm, Dtypes::float32_only)};

using MindsporeInstanceNorm = halogen_mindspore_instance_norm_params;
Remark write_unused(const Meaning &from, void *params) {
  value_of<&MindsporeInstanceNorm::momentum>(params) = from.momentum;
  return from.momentum_none ? Remark{"without effect there"} : Remark{};
}
constexpr Row kMindsporeInstanceNormRows[] = {
    HALOGEN_PLAIN(MindsporeInstanceNorm, channels, num_features, channels),
    HALOGEN_PLAIN(MindsporeInstanceNorm, eps, eps, eps),
    // Not complemented, and without effect.
    Row{Concept::momentum,
        {HALOGEN_FIELD(MindsporeInstanceNorm, momentum)},
        1,
        read_plain<&MindsporeInstanceNorm::momentum, &Meaning::momentum>,
        write_unused},
    HALOGEN_AFFINE_FIXED(MindsporeInstanceNorm), Row{Concept::statistics, {}, 0, read_own_unused, write_own},
    HALOGEN_INIT(MindsporeInstanceNorm, weight_init, gamma_init, weight_init, kOne),
    HALOGEN_INIT(MindsporeInstanceNorm, bias_init, beta_init, bias_init, kZero), HALOGEN_EVALUATION(),
    HALOGEN_PLACE(MindsporeInstanceNorm, Dtypes::float32_only)};

constexpr Row kMegengineBatchNormRows[] = {
    HALOGEN_PLAIN(MegengineBatchNorm, channels, num_features, channels),
    HALOGEN_PLAIN(MegengineBatchNorm, eps, eps, eps),
    HALOGEN_MOMENTUM(MegengineBatchNorm, read_old_or_none, write_old<MegengineBatchNorm>),
    HALOGEN_AFFINE(MegengineBatchNorm, affine),
    Row{Concept::statistics,
        {HALOGEN_FIELD(MegengineBatchNorm, track_running_stats), HALOGEN_FIELD(MegengineBatchNorm, freeze)},
        2,
        read_freeze,
        write_freeze},
    HALOGEN_AFFINE_FIXED_INITS,
    HALOGEN_RUNNING_FIXED_INITS,
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(MegengineBatchNorm, Dtypes::float32_only)};

using MegengineInstanceNorm = halogen_megengine_instance_norm_params;
constexpr Row kMegengineInstanceNormRows[] = {HALOGEN_PLAIN(MegengineInstanceNorm, channels, num_channels, channels),
                                              HALOGEN_PLAIN(MegengineInstanceNorm, eps, eps, eps),
                                              HALOGEN_FIXED(momentum, read_nothing),
                                              HALOGEN_AFFINE(MegengineInstanceNorm, affine),
                                              Row{Concept::statistics, {}, 0, read_nothing, write_own},
                                              HALOGEN_AFFINE_FIXED_INITS,
                                              HALOGEN_TRAINING(),
                                              HALOGEN_PLACE(MegengineInstanceNorm, Dtypes::float32_16)};

using OneflowBatchNorm = halogen_oneflow_batch_norm_params;
constexpr Row kOneflowBatchNormRows[] = {
    HALOGEN_PLAIN(OneflowBatchNorm, channels, num_features, channels),
    HALOGEN_PLAIN(OneflowBatchNorm, eps, eps, eps),
    HALOGEN_MOMENTUM(OneflowBatchNorm, read_new<OneflowBatchNorm>, write_new_refusing<OneflowBatchNorm>),
    HALOGEN_AFFINE(OneflowBatchNorm, affine),
    HALOGEN_TRACKED(OneflowBatchNorm),
    HALOGEN_AFFINE_FIXED_INITS,
    HALOGEN_RUNNING_FIXED_INITS,
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(OneflowBatchNorm, Dtypes::float32_64)};

constexpr Row kOneflowInstanceNormRows[] = {
    HALOGEN_PLAIN(OneflowInstanceNorm, channels, num_features, channels),
    HALOGEN_PLAIN(OneflowInstanceNorm, eps, eps, eps),
    HALOGEN_MOMENTUM(OneflowInstanceNorm, read_new<OneflowInstanceNorm>, write_new<OneflowInstanceNorm>),
    HALOGEN_AFFINE(OneflowInstanceNorm, affine),
    Row{Concept::statistics,
        {HALOGEN_FIELD(OneflowInstanceNorm, track_running_stats),
         HALOGEN_FIELD(OneflowInstanceNorm, documented_running_stats)},
        2,
        read_documented,
        write_documented},
    HALOGEN_AFFINE_FIXED_INITS,
    HALOGEN_TRAINING(),
    HALOGEN_PLACE(OneflowInstanceNorm, Dtypes::float32_64)};

}  // namespace

const Rows kTorchBatchNorm = rows(kTorchBatchNormRows), kTorchInstanceNorm = rows(kTorchInstanceNormRows),
           kMindsporeBatchNorm = rows(kMindsporeBatchNormRows),
           kMindsporeInstanceNorm = rows(kMindsporeInstanceNormRows),
           kMegengineBatchNorm = rows(kMegengineBatchNormRows),
           kMegengineInstanceNorm = rows(kMegengineInstanceNormRows), kOneflowBatchNorm = rows(kOneflowBatchNormRows),
           kOneflowInstanceNorm = rows(kOneflowInstanceNormRows);

}  // namespace halogen
