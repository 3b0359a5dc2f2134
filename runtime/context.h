// What a halogen_context is made of.
#pragma once

#include <halogen/core.h>

#include "gpu.h"
#include "machine.h"
#include "status.h"
#include "thread_pool.h"
#include "workspace.h"

/// Constant after creation, but for the members that guard themselves.
struct halogen_context {
  halogen_context_options options;  ///< as given, in this version's layout; num_threads and isa resolved
  halogen::Caches caches;
  halogen::Workspace workspace;
  halogen::ThreadPool pool;
  halogen::GpuState gpu;
};
