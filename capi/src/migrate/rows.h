// The parameters of every class.
#pragma once

#include "meaning.h"

namespace halogen {

extern const Rows kTorchBatchNorm, kTorchInstanceNorm, kTorchGroupNorm, kTorchLayerNorm, kTorchConvTranspose;
extern const Rows kMindsporeBatchNorm, kMindsporeInstanceNorm, kMindsporeConvTranspose;
extern const Rows kMegengineBatchNorm, kMegengineInstanceNorm, kMegengineConvTranspose;
extern const Rows kOneflowBatchNorm, kOneflowInstanceNorm, kOneflowGroupNorm, kOneflowLayerNorm, kOneflowConvTranspose;

/// Whether a ConvTranspose2d of MegEngine's is one along both of its axes.
bool spans_two_axes(const halogen_megengine_conv_transpose2d_params &params);

}  // namespace halogen
