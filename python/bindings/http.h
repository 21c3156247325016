// HTTP requests of adopted clients, on the process's reactor; see python/xcs/_adopt.py.
#pragma once

#include <optional>
#include <utility>

#include "host_call.h"
#include "ledger.h"
#include "llm/relayed.h"
#include "net/transport.h"
#include "objects.h"

namespace xcs::python {

// Whether the object that a method was found on is a part of an adopted client that is not asynchronous.
bool is_adopted(PyObject* receiver);

// A call of an SDK's method, made without waiting: the method runs once to make its request, up to where it
// would send it, and once more to read the response, as if that had just come.
class AdoptedCall final : public HostCall {
 public:
  // `arguments` as for the method's function.
  AdoptedCall(nb::object callee, CallArguments arguments, nb::object handled, const Place& place);

  // Makes the request and sends it as part of a run; `done` is as for Client::relay. Nothing when the method
  // has ended without sending one: take() tells how.
  std::optional<net::Handle> send(Ledger& ledger, llm::OnResponse done);
  // What the method returned or raised, and whether it raised.
  std::pair<nb::object, bool> receive(const Result<net::Response>& response);
  std::pair<nb::object, bool> take();

 private:
  std::pair<nb::object, bool> ended(nb::object outcome);

  nb::object callee_, context_, handled_, replay_, outcome_;
  CallArguments arguments_;
  Place place_;
};

void bind_http(nb::module_& m);

}  // namespace xcs::python
