#include "device_copy.h"

#include <cstring>

#include "halogen_target.h"

namespace halogen {

int device_copy(Call *call, const Memory &from, const Memory &to, int64_t bytes) {
  const bool upload = to.device.device_type != kDLCPU;
  if (!upload && from.device.device_type == kDLCPU) {
    std::memmove(to.address(), from.address(), static_cast<size_t>(bytes));
    return 0;
  }
#if HALOGEN_WITH_CUDA || HALOGEN_WITH_OPENCL
  Buffer there(upload ? to : from, halide_type_t(halide_type_uint, 8), {dim(bytes, 1)});
  halide_buffer_t *buffer = there;
  buffer->host = static_cast<uint8_t *>((upload ? from : to).address());
  buffer->set_host_dirty(upload);
  buffer->set_device_dirty(!upload);
  int code = upload ? halide_copy_to_device(call, buffer, gpu_interface()) : halide_copy_to_host(call, buffer);
  if (code == 0) code = halide_device_sync(call, buffer);
  return code;
#else
  call->note(HALOGEN_ERROR_DEVICE, "this library has no GPU kernels");
  return -1;
#endif
}

}  // namespace halogen
