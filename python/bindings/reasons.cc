#include "reasons.h"

#include "explain/reasons.h"

namespace xcs::python {
namespace {

nb::dict reasons() {
  nb::dict all;
  for (const explain::ReasonInfo& r : explain::reasons())
    all[nb::cast(r.code)] = nb::make_tuple(explain::name(r.kind), r.explanation, r.remedy);
  return all;
}

}  // namespace

void bind_reasons(nb::module_& m) {
  m.def("reasons", &reasons,
        "Every reason by its code: its kind (\"missed\", \"ordered\" or \"limit\"), explanation and remedy.");
}

}  // namespace xcs::python
