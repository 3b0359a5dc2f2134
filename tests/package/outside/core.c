/* Uses a context and no operator: no kernel belongs into this program. */
#include <halogen/core.h>

int main(void) {
  halogen_context *context = NULL;
  halogen_status status = halogen_context_create(HALOGEN_VERSION_NUMBER, NULL, &context, NULL);
  halogen_context_destroy(context);
  return status == HALOGEN_OK ? 0 : 1;
}
