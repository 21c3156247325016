// What a run keeps of its calls in a journal or a cache, and what it finds there.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "host_call.h"
#include "ledger.h"
#include "objects.h"
#include "run_options.h"
#include "store/cache.h"
#include "store/journal.h"
#include "window/run.h"

namespace xcs::python {

// Belongs to the run's thread; everything is called with the GIL.
class Recorder {
 public:
  // Sets what else of the options follows from a journal. `arguments` are those of the run's function.
  // REQUIRES: options.records(). Throws StoreError, nb::python_error.
  static std::unique_ptr<Recorder> make(RunOptions& options, PyObject* function,
                                        const CallArguments& arguments);
  ~Recorder();

  // The answer of the call, when it is known. Otherwise the call is going to be made. Throws StoreError.
  std::optional<nb::object> find(window::Ticket ticket, const HostCall& call);

  // The call of the ticket returned `result`; `refused` by the model when that is known. Returns whether
  // `done` is going to be called, from another thread, when the result is durable; else there is nothing to
  // wait for.
  bool keep(window::Ticket ticket, nb::handle result, bool refused, store::Writer::Done done);
  // It raised, or its result is lost.
  void forget(window::Ticket ticket) { made_.erase(ticket); }
  bool has_cache() const { return cache_ != nullptr; }

  // For answers that are taken piece by piece; see Note [kept streams]. REQUIRES: has_journal()
  bool has_journal() const { return attempt_ != nullptr; }
  store::CallKey stream_key(std::string_view within, const std::string& request, const Place& place);
  std::optional<nb::object> find_stream(const store::CallKey& key);
  // Whether `done` is going to be called.
  bool keep_stream(const store::CallKey& key, nb::handle whole, store::Writer::Done done);

  // The run is over and nothing of it is running. Throws StoreError.
  void finish(bool raised, nb::handle exception);

  // For xcs.stats.
  nb::dict to_python() const;

 private:
  struct Made {
    store::CallKey key;
    store::CacheKey cached;  // with a cache and a context
  };

  Recorder() = default;
  void enter(const std::vector<const ir::Program*>& programs);
  std::optional<nb::object> find_in_journal(const store::CallKey& key);
  std::optional<nb::object> find_in_cache(const store::CallKey& key, const store::CacheKey& cached);

  nb::object session_;  // keeps the attempt's session alive
  std::string path_;
  std::unique_ptr<store::Attempt> attempt_;
  std::shared_ptr<store::Cache> cache_;
  std::unordered_set<const ir::Program*> entered_;
  std::unordered_map<std::string, std::int64_t> ordinals_;         // the next, by request and context
  std::unordered_map<std::string, std::int64_t> stream_ordinals_;  // the next, by path and request
  std::unordered_map<window::Ticket, Made> made_;
  bool caches_ = false;
  std::int64_t recalled_ = 0, cached_ = 0, kept_ = 0;
  std::map<std::string, std::int64_t> unkept_;  // how often, by site and reason
};

// Makes an error of a file the current Python error.
void set_store_error(const Error& error);

// Called when the interpreter exits.
void close_caches();

void bind_recorder(nb::module_& m);

}  // namespace xcs::python
