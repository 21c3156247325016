#include "files.h"

#include <algorithm>
#include <string_view>

#include "held.h"
#include "host.h"

namespace xcs::python {
namespace {

struct Types {
  PyTypeObject* text = type("_io", "TextIOWrapper");
  PyTypeObject* buffered = type("_io", "BufferedReader");
  PyTypeObject* raw = type("_io", "FileIO");
  PyTypeObject* writer = type("_io", "BufferedWriter");
  PyTypeObject* random = type("_io", "BufferedRandom");
  std::vector<PyTypeObject*> files = {text, buffered, writer, random, raw};
  // What keeps all it has in memory.
  std::vector<PyTypeObject*> buffers = {type("_io", "StringIO"), type("_io", "BytesIO"),
                                        type("_random", "Random"), type("random", "Random")};

  static PyTypeObject* type(const char* module, const char* name) {
    return reinterpret_cast<PyTypeObject*>(imported(module, name).release().ptr());
  }
  static const Types& known() {
    static const auto* types = new Types;
    return *types;
  }
};

bool is_one_of(PyTypeObject* type, const std::vector<PyTypeObject*>& types) {
  return std::ranges::find(types, type) != types.end();
}

nb::object attribute(PyObject* object, const char* name) {
  PyObject* found = PyObject_GetAttrString(object, name);
  if (found == nullptr) PyErr_Clear();
  return found == nullptr ? nb::object() : nb::steal(found);
}

// The path as it is found from the root, through no links; null for what names no file.
nb::object key_of(PyObject* path) {
  static auto* real = imported("posixpath", "realpath").release().ptr();
  if (!PyUnicode_CheckExact(path) && !(is_atom(path) && PyObject_HasAttrString(path, "__fspath__") != 0))
    return {};
  PyObject* key = PyObject_CallOneArg(real, path);
  if (key == nullptr) {
    PyErr_Clear();
    return {};
  }
  PyUnicode_InternInPlace(&key);  // equal ones are one object
  return nb::steal(key);
}

// What a csv reader or writer holds of this one type, or null.
nb::object held_by(PyObject* holder, bool (*is_it)(PyObject*)) {
  static auto* referents = imported("gc", "get_referents").release().ptr();
  const nb::object all = nb::handle(referents)(nb::handle(holder));
  for (nb::handle held : all)
    if (is_it(held.ptr())) return nb::borrow(held);
  return {};
}

bool is_of_csv(PyObject* object, std::string_view name) {
  const PyTypeObject* type = Py_TYPE(object);
  const nb::object module = attribute(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__module__");
  return std::string_view(type->tp_name).ends_with(name) && module && PyUnicode_Check(module.ptr()) &&
         (PyUnicode_CompareWithASCIIString(module.ptr(), "_csv") == 0 ||
          PyUnicode_CompareWithASCIIString(module.ptr(), "csv") == 0);
}

bool is_file(PyObject* object) { return is_one_of(Py_TYPE(object), Types::known().files); }

bool is_write(PyObject* object) {
  return PyCFunction_Check(object) && PyCFunction_GET_SELF(object) != nullptr;
}

// The file behind an object that a call uses, or null; `none`: it uses no file at all.
nb::object file_behind(PyObject* object, bool& none) {
  none = is_one_of(Py_TYPE(object), Types::known().buffers);
  if (none || is_file(object)) return nb::borrow(object);
  if (is_of_csv(object, "DictWriter") || is_of_csv(object, "DictReader")) {
    const nb::object inner = attribute(object, is_of_csv(object, "DictWriter") ? "writer" : "reader");
    return inner ? file_behind(inner.ptr(), none) : nb::object();
  }
  if (is_of_csv(object, "writer")) {
    const nb::object write = held_by(object, is_write);
    return write ? file_behind(PyCFunction_GET_SELF(write.ptr()), none) : nb::object();
  }
  return is_of_csv(object, "reader") ? held_by(object, is_file) : nb::object();
}

// What is read of a directory may change with what is in it.
bool is_directory(PyObject* path) {
  static auto* is_it = imported("genericpath", "isdir").release().ptr();
  return nb::cast<bool>(nb::handle(is_it)(nb::handle(path)));
}

class Touching {
 public:
  void all() { touched_.places.assign(1, {Where::kAll}), done_ = true; }
  void path(PyObject* path, bool reads = false) {
    if (done_) return;
    nb::object key = key_of(path);
    if (!key || (reads && is_directory(key.ptr()))) return all();
    touched_.places.push_back({Where::kItem, address_of(key.ptr())});
    touched_.keys.push_back(std::move(key));
  }
  void object(const Value& v) {
    bool none = false;
    if (const nb::object known = known_path(v)) return path(known.ptr());
    const nb::object file = v.ready() ? file_behind(object_of(v), none) : nb::object();
    if (none) return;
    const nb::object name = file ? attribute(file.ptr(), "name") : nb::object();
    if (!name) return all();
    if (PyLong_CheckExact(name.ptr()) && PyLong_AsLong(name.ptr()) <= 2) return;  // a standard stream
    const bool standard = PyUnicode_CheckExact(name.ptr()) && is_standard(name.ptr());
    if (!standard) path(name.ptr());
  }
  Touched take() { return std::move(touched_); }

 private:
  // Of a file that is not open yet; null when it is not known.
  static nb::object known_path(const Value& v) {
    if (!v.is_pending()) return {};
    const window::Instance* instance = window::certain_instance(window::known_of_pending(v));
    if (instance == nullptr) return {};
    const KnownRef name = window::attribute_of(*instance, address_of(interned("name").ptr()));
    return name != nullptr && name->constant.bound() ? nb::borrow(object_of(name->constant)) : nb::object();
  }
  static bool is_standard(PyObject* name) {
    for (const char* standard : {"<stdin>", "<stdout>", "<stderr>"})
      if (PyUnicode_CompareWithASCIIString(name, standard) == 0) return true;
    return false;
  }
  Touched touched_;
  bool done_ = false;
};

// The files that handlers of logging write to.
void add_logs(Touching& touching) {
  static auto* handlers = imported("logging", "_handlerList").release().ptr();
  for (nb::handle reference : nb::borrow(handlers)) {
    const nb::object file = attribute(referent(reference.ptr()).ptr(), "baseFilename");
    if (file) touching.path(file.ptr());
  }
}

// A new object that is kept for ever.
PyObject* stand_in() {
  return checked(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type))).release().ptr();
}

const Value* keyword(const Arguments& arguments, const char* name) {
  for (const auto& [given, v] : arguments.keywords)
    if (PyUnicode_CompareWithASCIIString(given.ptr(), name) == 0) return &v;
  return nullptr;
}

}  // namespace

PyObject* files() {
  static PyObject* const all = stand_in();
  return all;
}

PyObject* database() {
  static PyObject* const all = stand_in();
  return all;
}

bool shows_database(PyTypeObject* type) {
  const PyTypeObject* base = type;
  while (base != nullptr && !std::string_view(base->tp_name).starts_with("sqlite3.")) base = base->tp_base;
  return base != nullptr;
}

Touched touched_files(const Contract& contract, const Arguments& arguments) {
  Touching touching;
  const std::string& resource = contract.resource;
  const auto& given = arguments.positional;
  if (contract.declared) {
    touching.all();
  } else if (resource == "stdout" || resource == "stderr") {
    const Value* file = keyword(arguments, "file");
    if (file != nullptr && !(file->ready() && object_of(*file) == Py_None)) touching.object(*file);
  } else if (resource == "logging") {
    add_logs(touching);
  } else if (resource == "object:{0}" || resource == "object:{1}") {
    const std::size_t index = resource == "object:{0}" ? 0 : 1;
    index < given.size() ? touching.object(given[index]) : touching.all();
  } else if (resource == "file:{0}" || (resource == "files" && contract.effect == Contract::kReads)) {
    const bool one = !given.empty() && given[0].ready() && (resource != "files" || given.size() == 1);
    one ? touching.path(object_of(given[0]), contract.effect == Contract::kReads) : touching.all();
  } else if (resource == "files" || (resource == "process" && contract.effect == Contract::kOrdered)) {
    touching.all();
  }
  return touching.take();
}

KnownRef known_of_opened(PyObject* callee, const Arguments& arguments) {
  static auto* open = imported("io", "open").release().ptr();
  const auto& given = arguments.positional;
  if (callee != open || given.empty() || given.size() > 2) return nullptr;
  const Value* mode = given.size() == 2 ? &given[1] : keyword(arguments, "mode");
  if (!given[0].ready() || !PyUnicode_CheckExact(object_of(given[0]))) return nullptr;
  if (keyword(arguments, "opener") != nullptr || keyword(arguments, "buffering") != nullptr) return nullptr;
  if (mode != nullptr && (!mode->ready() || !PyUnicode_CheckExact(object_of(*mode)))) return nullptr;
  const std::string_view how = mode == nullptr ? "r" : std::string_view(PyUnicode_AsUTF8(object_of(*mode)));
  const Types& types = Types::known();
  const bool binary = how.find('b') != std::string_view::npos;
  PyTypeObject* type = !binary                                   ? types.text
                       : how.find('+') != std::string_view::npos ? types.random
                       : how.find('r') != std::string_view::npos ? types.buffered
                                                                 : types.writer;
  const Value name = steal_value(interned("name"));
  return window::known_instance(
      {borrow_value(reinterpret_cast<PyObject*>(type)), {{name, window::known_constant(given[0])}}}, true);
}

namespace {

// Whether nothing but the interpreter's own code reads it.
bool reads_plainly(PyObject* file) {
  const Types& types = Types::known();
  nb::object at = nb::borrow(file);
  if (Py_TYPE(at.ptr()) == types.text) at = attribute(at.ptr(), "buffer");
  if (!at || Py_TYPE(at.ptr()) != types.buffered) return false;
  at = attribute(at.ptr(), "raw");
  return at && Py_TYPE(at.ptr()) == types.raw;
}

// See Note [lines].
class LinesCursor final : public KeepingCursor {
 public:
  explicit LinesCursor(const Lines& lines) : lines_(lines), is_text_(is_file(lines.reader.ptr())) {
    const nb::object name = attribute(lines.file.ptr(), "name");
    if (name) key_ = key_of(name.ptr());
  }

  Action peek(View& view) override {
    if (has_item()) return item();
    if (error_) return failed();
    if (ended_) return stopped();
    const Where place = key_ ? Where{Where::kItem, address_of(key_.ptr())} : Where{Where::kAll};
    if (!view.quiet() && (view.walks() != 0 || view.look(address_of(files()), place) != View::State::kClear))
      return blocked(kUnknown);
    if (PyObject* line = PyIter_Next(lines_.reader.ptr()); line != nullptr) {
      keep(nb::steal(line));
      return item();
    }
    ended_ = true;
    if (PyErr_Occurred() == nullptr) return stopped();
    error_ = take_error();
    return failed();
  }
  bool yields_constants(View&) override { return false; }
  KnownRef describe(View&) override { return is_text_ ? window::known_atom() : window::known_data(); }

 private:
  static Action stopped() {
    Action a;
    a.verdict = Action::kStop;
    return a;
  }
  Action failed() const {
    Action a;
    a.verdict = Action::kRaised;
    a.value = borrow_value(error_.ptr());
    return a;
  }

  Lines lines_;
  const bool is_text_;
  nb::object key_;
  nb::object error_;
  bool ended_ = false;
};

}  // namespace

std::optional<Lines> lines_of(PyObject* reader) {
  Lines lines{nb::borrow(reader), nb::borrow(reader), {}};
  if (!is_file(reader)) {
    nb::object inner = nb::borrow(reader);
    if (is_of_csv(reader, "DictReader") && PyObject_HasAttrString(reader, "reader") != 0) {
      inner = attribute(reader, "reader");
      lines.between = inner;
    }
    if (!inner || !is_of_csv(inner.ptr(), "reader")) return std::nullopt;
    lines.file = held_by(inner.ptr(), is_file);
    if (!lines.file) return std::nullopt;
  }
  return reads_plainly(lines.file.ptr()) ? std::optional(std::move(lines)) : std::nullopt;
}

nb::object make_lines(const Lines& lines) { return make_iterator(std::make_unique<LinesCursor>(lines)); }

}  // namespace xcs::python
