// The extension module xcs._core.
#include "cached.h"
#include "contract.h"
#include "executor.h"
#include "http.h"
#include "jitted.h"
#include "llm.h"
#include "lowering.h"
#include "reach.h"
#include "reasons.h"
#include "recorder.h"
#include "resumable_run.h"
#include "seeded_executor.h"

NB_MODULE(_core, m) {
  xcs::python::nb::set_leak_warnings(false);  // what lives as long as the process is not freed
  m.doc() = "The compiled part of xcs.";
  xcs::python::bind_lowering(m);
  xcs::python::bind_contracts(m);
  xcs::python::bind_cached(m);
  xcs::python::bind_jitted(m);
  xcs::python::bind_resumable_run(m);
  xcs::python::bind_http(m);
  xcs::python::bind_ledger(m);
  xcs::python::bind_llm(m);
  xcs::python::bind_reach(m);
  xcs::python::bind_reasons(m);
  xcs::python::bind_recorder(m);
  xcs::python::bind_completion_seed(m);
  const auto at_exit = xcs::python::nb::module_::import_("atexit").attr("register");
  at_exit(xcs::python::nb::cpp_function(&xcs::python::stop_models));
  at_exit(xcs::python::nb::cpp_function(&xcs::python::stop_workers));
  at_exit(xcs::python::nb::cpp_function(&xcs::python::close_caches));
}
