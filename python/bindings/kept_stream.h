// Answers that code of a run takes piece by piece, kept in the run's journal.
//
// Note [kept streams]
// Such code runs in order, or within a call that was issued. The answer is known by the path of that call, if
// it is in one, by what is asked for, and by how many times the same was asked for there before. It is kept
// once it has ended as it should, and its end is handed on when it is durable. Found again, it comes in the
// same pieces.
#pragma once

#include <optional>
#include <string>

#include "ledger.h"
#include "objects.h"
#include "store/journal.h"

namespace xcs::python {

// Used with the GIL, by the thread that reads the answer.
class KeptStream {
 public:
  KeptStream() = default;  // nothing is kept
  // Whether something may be kept of requests made here.
  static bool wanted();
  // Of a request, a digest, that is made here. Nothing is kept where no run with a journal is about.
  static KeptStream here(const std::string& request);

  bool keeps() const { return key_.has_value(); }
  // What was kept, or null: it has to be asked for. Throws StoreError.
  nb::object recall();
  // Keeps an object that stands for the answer and can be pickled, and waits until it is durable. Throws
  // StoreError.
  void keep(nb::handle whole);

 private:
  Spender spender_;
  std::optional<store::CallKey> key_;
};

}  // namespace xcs::python
