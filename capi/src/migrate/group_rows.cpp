// GroupNorm and LayerNorm.
#include "row.h"
#include "rows.h"

namespace halogen {
namespace {

#define HALOGEN_GROUP_NORM(P, affine_row, dtypes)                                                             \
  HALOGEN_PLAIN(P, norm_groups, num_groups, norm_groups), HALOGEN_PLAIN(P, channels, num_channels, channels), \
      HALOGEN_PLAIN(P, eps, eps, eps), affine_row(P, affine), HALOGEN_TRAINING(), HALOGEN_PLACE(P, dtypes)
constexpr Row kTorchGroupNormRows[] = {
    HALOGEN_GROUP_NORM(halogen_torch_group_norm_params, HALOGEN_AFFINE_BIAS, Dtypes::all)};
constexpr Row kOneflowGroupNormRows[] = {
    HALOGEN_GROUP_NORM(halogen_oneflow_group_norm_params, HALOGEN_AFFINE, Dtypes::float32_64)};

template <class P>
void read_shape(const void *params, Meaning *to) {
  to->shape = value_of<&P::normalized_shape>(params);
  to->dims = value_of<&P::normalized_dims>(params);
}
template <class P>
Remark write_shape(const Meaning &from, void *params) {
  value_of<&P::normalized_shape>(params) = from.shape;
  value_of<&P::normalized_dims>(params) = from.dims;
  return {};
}
#define HALOGEN_SHAPE(P)                                                                                          \
  Row{Concept::shape,                                                                                             \
      {Field{"normalized_shape", FieldType::shape, offsetof(P, normalized_shape), offsetof(P, normalized_dims)}}, \
      1,                                                                                                          \
      read_shape<P>,                                                                                              \
      write_shape<P>},                                                                                            \
      HALOGEN_PLAIN(P, eps, eps, eps)

using TorchLayerNorm = halogen_torch_layer_norm_params;
constexpr Row kTorchLayerNormRows[] = {HALOGEN_SHAPE(TorchLayerNorm),
                                       HALOGEN_AFFINE_BIAS(TorchLayerNorm, elementwise_affine), HALOGEN_TRAINING(),
                                       HALOGEN_PLACE(TorchLayerNorm, Dtypes::all)};

using OneflowLayerNorm = halogen_oneflow_layer_norm_params;
constexpr Row kOneflowLayerNormRows[] = {HALOGEN_SHAPE(OneflowLayerNorm),
                                         HALOGEN_AFFINE(OneflowLayerNorm, elementwise_affine), HALOGEN_TRAINING(),
                                         HALOGEN_PLACE(OneflowLayerNorm, Dtypes::float32_64)};

}  // namespace

const Rows kTorchGroupNorm = rows(kTorchGroupNormRows), kTorchLayerNorm = rows(kTorchLayerNormRows),
           kOneflowGroupNorm = rows(kOneflowGroupNormRows), kOneflowLayerNorm = rows(kOneflowLayerNormRows);

}  // namespace halogen
