#include "recorder.h"

#include <unistd.h>

#include "digest.h"
#include "gil.h"
#include "program.h"

namespace xcs::python {
namespace {

// How the bytes of an answer are to be read.
enum Form : int { kText, kPickle };

// Journals are closed with their last session, caches when the process ends.
struct Files {
  std::unordered_map<std::string, std::weak_ptr<store::Journal>> journals;
  std::unordered_map<std::string, std::shared_ptr<store::Cache>> caches;
};

// The files that this process has open, by path. A process made by fork opens them anew, and leaves its
// parent's connections alone: SQLite forbids to use or close them.
Files& files() {
  static Files* files = nullptr;
  static pid_t owner = 0;
  if (owner != getpid()) {
    owner = getpid();
    files = new Files;
  }
  return *files;
}

std::shared_ptr<store::Journal> opened_journal(const std::string& path) {
  std::weak_ptr<store::Journal>& known = files().journals[path];
  std::shared_ptr<store::Journal> journal = known.lock();
  if (journal == nullptr) known = journal = std::make_shared<store::Journal>(path);
  return journal;
}

std::shared_ptr<store::Cache> opened_cache(const std::string& path) {
  std::shared_ptr<store::Cache>& cache = files().caches[path];
  if (cache == nullptr) cache = std::make_shared<store::Cache>(path);
  return cache;
}

// A store::Session for Python.
class Session {
 public:
  explicit Session(const std::string& path)
      : path_(path), owner_(getpid()), session_(std::make_unique<store::Session>(opened_journal(path))) {}
  // In a process made by fork it is its parent's still.
  ~Session() {
    if (owner_ != getpid()) static_cast<void>(session_.release());
  }
  void finish() {
    const WithoutGil waiting;
    session_->finish();
  }
  std::unique_ptr<store::Attempt> begin(const store::RunKey& key) {
    const WithoutGil waiting;
    return session_->begin(key);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  const pid_t owner_;
  std::unique_ptr<store::Session> session_;
};

std::optional<store::Answer> written(nb::handle result) {
  if (PyUnicode_CheckExact(result.ptr()) != 0) {
    Py_ssize_t size = 0;
    if (const char* text = PyUnicode_AsUTF8AndSize(result.ptr(), &size))
      return store::Answer{kText, {text, static_cast<std::size_t>(size)}};
    PyErr_Clear();  // lone surrogates
  }
  static auto* dump = imported("xcs._journal", "dump").release().ptr();
  const nb::object bytes = nb::handle(dump)(result);
  if (bytes.is_none()) return std::nullopt;
  return store::Answer{
      kPickle, {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))}};
}

// Nothing when the bytes cannot be read any more: a class that is gone, say.
std::optional<nb::object> read(const store::Answer& answer) {
  if (answer.form == kText) return nb::str(answer.bytes.data(), answer.bytes.size());
  static auto* load = imported("xcs._journal", "load").release().ptr();
  const nb::object held = nb::handle(load)(nb::bytes(answer.bytes.data(), answer.bytes.size()));
  if (held.is_none()) return std::nullopt;
  return nb::object(held[0]);
}

std::string program_name(nb::handle globals, std::string_view qualname) {
  const nb::object module = nb::borrow<nb::dict>(globals).get("__name__", nb::str(""));
  return nb::cast<std::string>(nb::str(module)) + "." + std::string(qualname);
}

store::RunKey key_of(PyObject* function, const CallArguments& arguments) {
  static auto* leniently = imported("xcs._identity", "Leniently").release().ptr();
  Digest digest;
  for (nb::handle value : nb::borrow<nb::tuple>(arguments.positional))
    digest.add(nb::handle(leniently)(value));
  for (auto [name, value] : arguments.keywords) {
    digest.add(name);
    digest.add(nb::handle(leniently)(value));
  }
  const std::string name = nb::cast<std::string>(nb::handle(function).attr("__qualname__"));
  return {program_name(PyFunction_GET_GLOBALS(function), name), digest.finish()};
}

}  // namespace

void set_store_error(const Error& error) {
  static auto* make = imported("xcs._errors", "store_error").release().ptr();
  set_error(nb::handle(make)(name(error.kind), error.code, error.message).ptr());
}

std::unique_ptr<Recorder> Recorder::make(RunOptions& options, PyObject* function,
                                         const CallArguments& arguments) {
  std::unique_ptr<Recorder> made(new Recorder);
  if (!options.journal.is_none()) {
    options.window.paths = true;
    made->session_ = imported("xcs._journal", "session_of")(options.journal);
    auto& session = nb::cast<Session&>(made->session_);
    made->path_ = session.path();
    made->attempt_ = session.begin(key_of(function, arguments));
  }
  if (!options.cache.is_none())
    made->cache_ = opened_cache(nb::cast<std::string>(imported("xcs._journal", "cache_path")(options.cache)));
  return made;
}

Recorder::~Recorder() = default;

std::optional<nb::object> Recorder::find(window::Ticket ticket, const HostCall& call) {
  if (call.request.empty()) {
    ++unkept_[call.site + ": an argument cannot be identified; it would have to be data that pickle takes"];
    return std::nullopt;
  }
  const store::CallKey key{call.path.steps, call.request, call.context, call.site};
  store::CacheKey cached;
  if (cache_ != nullptr && call.context.empty()) {
    ++unkept_[call.site + ": not cached, since its answer may depend on an object that cannot be pickled"];
  } else if (cache_ != nullptr) {
    cached.request = call.request + call.context;
    cached.ordinal = ordinals_[cached.request]++;
  }
  if (attempt_ != nullptr) {
    enter(call.path.programs);
    if (auto answer = find_in_journal(key)) return answer;
  }
  if (!cached.request.empty()) {
    if (auto answer = find_in_cache(key, cached)) return answer;
  }
  if (attempt_ != nullptr) attempt_->start(key);
  made_.emplace(ticket, Made{key, std::move(cached)});
  return std::nullopt;
}

void Recorder::enter(const std::vector<const ir::Program*>& programs) {
  for (const ir::Program* program : programs) {
    if (!entered_.insert(program).second) continue;
    const HostProgram& p = program_of(*program);
    if (p.code() == Py_None) continue;
    attempt_->enter(program_name(p.globals(), p.qualname), version_of(p.code()));
  }
}

std::optional<nb::object> Recorder::find_in_journal(const store::CallKey& key) {
  const std::optional<store::Answer> answer = attempt_->find(key);
  if (!answer) return std::nullopt;
  std::optional<nb::object> result = read(*answer);
  if (result) ++recalled_;
  return result;
}

std::optional<nb::object> Recorder::find_in_cache(const store::CallKey& key, const store::CacheKey& cached) {
  std::optional<store::Answer> answer = cache_->find(cached);
  if (!answer) return std::nullopt;
  std::optional<nb::object> result = read(*answer);
  if (!result) return std::nullopt;
  ++cached_;
  if (attempt_ != nullptr) {
    attempt_->start(key);
    attempt_->keep(key, std::move(*answer), nullptr);
  }
  return result;
}

bool Recorder::keep(window::Ticket ticket, nb::handle result, bool refused, store::Writer::Done done) {
  const auto made = made_.extract(ticket);
  if (made.empty()) return false;
  const auto& [key, cached] = made.mapped();
  std::optional<store::Answer> answer = written(result);
  if (!answer) {
    ++unkept_[key.site + ": its result, " + Py_TYPE(result.ptr())->tp_name + ", cannot be pickled"];
    return false;
  }
  if (!cached.request.empty() && !refused) {
    cache_->keep(cached, key.site, *answer);
    caches_ = true;
  }
  if (attempt_ == nullptr) return false;
  ++kept_;
  attempt_->keep(key, std::move(*answer), std::move(done));
  return true;
}

// Not the path of any call: it ends in a digest of what is asked for.
store::CallKey Recorder::stream_key(std::string_view within, const std::string& request, const Place& place) {
  constexpr std::string_view kMark("\0stream\0", 8);
  store::CallKey key{.path = std::string(within), .request = request, .context = "stream", .site = {}};
  key.path.append(kMark).append(request);
  key.path.append(std::to_string(stream_ordinals_[key.path]++));
  if (place.program == nullptr) return key;
  enter({place.program});
  key.site = site_of(*place.program, place.position);
  return key;
}

std::optional<nb::object> Recorder::find_stream(const store::CallKey& key) {
  if (auto answer = find_in_journal(key)) return answer;
  attempt_->start(key);
  return std::nullopt;
}

bool Recorder::keep_stream(const store::CallKey& key, nb::handle whole, store::Writer::Done done) {
  std::optional<store::Answer> answer = written(whole);
  if (!answer) return false;
  ++kept_;
  attempt_->keep(key, std::move(*answer), std::move(done));
  return true;
}

void Recorder::finish(bool raised, nb::handle exception) {
  if (caches_) {
    const WithoutGil waiting;
    cache_->flush();
  }
  if (attempt_ == nullptr) return;
  if (!raised) {
    const WithoutGil waiting;
    attempt_->finish();
    return;
  }
  const std::int64_t answers = attempt_->answers() + kept_;
  attempt_.reset();
  imported("xcs._journal", "say_how_to_resume")(exception, path_, answers);
}

nb::dict Recorder::to_python() const {
  nb::dict d, unkept;
  d["recalled"] = recalled_;
  d["cached"] = cached_;
  d["kept"] = kept_;
  for (const auto& [why, count] : unkept_) unkept[why.c_str()] = count;
  d["unkept"] = unkept;
  return d;
}

void close_caches() {
  Files& open = files();
  const WithoutGil waiting;
  open.caches.clear();
}

void bind_recorder(nb::module_& m) {
  nb::class_<Session>(m, "JournalSession")
      .def(nb::init<const std::string&>())
      .def("finish", &Session::finish)
      .def_prop_ro("path", &Session::path);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const store::StoreError& error) {
      set_store_error(error.error());
    }
  });
}

}  // namespace xcs::python
