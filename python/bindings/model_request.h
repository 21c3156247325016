// Arguments of xcs.llm and xcs.embed as a request.
#pragma once

#include "digest.h"
#include "llm/chat.h"
#include "objects.h"

namespace xcs::python {

bool is_named(PyObject* text, const char* ascii);

// What two calls of xcs.llm are told apart by, besides their arguments: which of these say what is asked for,
// rather than how it is sent or with which key, and the addresses that the environment names.
bool says_what(PyObject* name);
void add_addresses(Digest& digest);

// Puts arguments into a request. All functions throw nb::python_error when one is of no use.
class RequestReader {
 public:
  explicit RequestReader(llm::ChatRequest& request) : request_(request) {}

  void prompt(nb::handle value);
  void input(nb::handle value);  // of xcs.embed
  void add(nb::handle name, nb::handle value);
  // Returns whether the whole answer is asked for.
  bool finish();

  // The class that the answer is made into, or null.
  nb::object result() const { return result_; }

 private:
  bool add_field(PyObject* n, nb::handle value);
  bool add_shape(PyObject* n, nb::handle value);
  void set_result(nb::handle type);

  llm::ChatRequest& request_;
  nb::object extra_;  // a dict, or null
  nb::object result_;
  bool full_ = false;
};

}  // namespace xcs::python
