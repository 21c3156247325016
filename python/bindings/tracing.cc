#include "tracing.h"

#include "objects.h"

namespace xcs::python {
namespace {

#if PY_VERSION_HEX >= 0x030C0000
// Whether a tool of sys.monitoring is in use.
bool is_monitored() {
  constexpr int kTools = 6;
  static auto* get_tool = nb::object(imported("sys", "monitoring").attr("get_tool")).release().ptr();
  for (int id = 0; id < kTools; ++id)
    if (!nb::handle(get_tool)(id).is_none()) return true;
  return false;
}
#else
bool is_monitored() { return false; }
#endif

}  // namespace

bool is_traced() {
  const PyThreadState* thread = PyThreadState_Get();
  return thread->c_tracefunc != nullptr || thread->c_profilefunc != nullptr || is_monitored();
}

}  // namespace xcs::python
