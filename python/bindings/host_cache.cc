// Calls of what functools.lru_cache makes: entered as functions of xcs._prelude.
#include <algorithm>
#include <array>

#include "cached.h"
#include "host.h"
#include "reach.h"
#include "tracing.h"

namespace xcs::python {
namespace {

// Whether hashing it and comparing it runs no code of the program's. What cannot be hashed raises the error
// that the cache raises.
bool makes_plain_key(PyObject* object) {
  if (is_atom(object)) return true;
  if (PyTuple_CheckExact(object)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
      if (!makes_plain_key(PyTuple_GET_ITEM(object, i))) return false;
    return true;
  }
  if (PyList_CheckExact(object) || PyDict_CheckExact(object) || PySet_CheckExact(object)) return true;
  const PyTypeObject* type = Py_TYPE(object);
  return shape_of(object) != Shape::kPlaceholder && type->tp_hash == PyBaseObject_Type.tp_hash &&
         type->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

bool makes_plain_key(const Value& v) {
  return v.ready() ? makes_plain_key(object_of(v)) : (v.flags() & (kAtom | kData)) != 0;
}

}  // namespace

// Note [caches]
// What a cache holds is a dict of the run's (xcs._caches), in which a call that is still in flight leaves a
// pending answer: a second call with the same arguments takes that, and one with others goes ahead. The real
// cache is called in program order, with its function answering what the run has found.
bool PythonHost::enter_cached(const Site& s, PyObject* cache, const Arguments& arguments, Action& answer) {
  static auto* of = nb::object(imported("xcs._caches", "Cached").attr("of")).release().ptr();
  static auto* unbounded = imported("xcs._prelude", "remembered").release().ptr();
  static auto* bounded = imported("xcs._prelude", "remembered_recent").release().ptr();
  if (!is_lru_cache(cache) || is_traced()) return false;
  auto found = caches_.find(cache);
  if (found == caches_.end())
    found = caches_.emplace(cache, std::pair(nb::borrow(cache), nb::handle(of)(nb::handle(cache)))).first;
  const nb::object& model = found->second.second;
  if (model.is_none()) return false;
  const nb::object function = model.attr("function");
  if (!PyFunction_Check(function.ptr())) return false;
  if (s.view.quiet() && arguments.ready() && !reaches_independent(function.ptr())) {
    answer = call_framed(s, cache, arguments);
    return true;
  }
  std::vector<Value> values;
  nb::list names;
  for (const auto& [name, v] : arguments.keywords) {
    names.append(name);
    values.push_back(v);
  }
  const auto plain = [](const Value& v) { return makes_plain_key(v); };
  if (!std::ranges::all_of(arguments.positional, plain) || !std::ranges::all_of(values, plain)) return false;
  if (!nb::cast<bool>(model.attr("sync")())) return false;
  Arguments all = arguments;
  const std::array<Value, 5> first = {borrow_value(model.ptr()), steal_value(nb::object(model.attr("held"))),
                                      steal_value(tuple_of(arguments.positional, placeholders_)),
                                      steal_value(nb::object(nb::tuple(names))),
                                      steal_value(tuple_of(values, placeholders_))};
  all.positional.insert(all.positional.begin(), first.begin(), first.end());
  all.has_self = false;
  return enter_function(model.attr("most").is_none() ? unbounded : bounded, std::move(all), answer);
}

}  // namespace xcs::python
