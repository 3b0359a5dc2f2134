// halogen_prepare(): knows every operator, and is alone in its file so that programs which do not call it link none of them.
#include <halogen/core.h>

#include "conv_gpu.h"
#include "norm_run.h"

using namespace halogen;

extern "C" halogen_status halogen_prepare(halogen_context *context, halogen_error *error) {
  if (context == nullptr) return fail_null({nullptr, error}, "context");
  if (gpu_device_type() == 0) {
    return fail({context, error}, HALOGEN_ERROR_UNSUPPORTED, "this library has no GPU kernels to load");
  }
  const DLDevice device = {static_cast<DLDeviceType>(gpu_device_type()), 0};
  Call call(context, nullptr, device.device_id, error);
  halogen_status status = context->gpu.begin(&call, device);
  for (const auto prepare : {norm_prepare, conv_gpu_prepare}) {
    if (status == HALOGEN_OK) status = call.finish(prepare(&call, device));
  }
  return status;
}
