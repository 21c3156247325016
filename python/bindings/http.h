// HTTP requests of adopted clients, on the process's reactor; see python/xcs/_adopt.py.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host_call.h"
#include "net/transport.h"
#include "objects.h"

namespace xcs::python {

// Whether the object that a method was found on is a part of an adopted client that is not asynchronous.
bool is_adopted(PyObject* receiver);

// A call of an SDK's method, made without waiting: the method runs once to make its request, up to where it
// would send it, and once more to read the response, as if that had just come.
class AdoptedCall final : public HostCall {
 public:
  using Done = std::move_only_function<void(Result<net::Response>)>;

  // `arguments` as for the method's function.
  AdoptedCall(nb::object callee, CallArguments arguments, nb::object handled);

  // Makes the request and sends it; `done` is called once on the reactor's thread. Null when the method has
  // ended without sending one: take() tells how.
  net::Handle send(Done done);
  // What the method returned or raised, and whether it raised.
  std::pair<nb::object, bool> receive(const Result<net::Response>& response);
  std::pair<nb::object, bool> take();

 private:
  std::pair<nb::object, bool> ended(nb::object outcome);

  nb::object callee_, context_, handled_, replay_, outcome_;
  CallArguments arguments_;
};

void bind_http(nb::module_& m);

}  // namespace xcs::python
