#include "syntax.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

namespace nb = nanobind;

namespace xcs::python {
namespace {

using lower::Kind;
using lower::Operator;

// How one class of `ast` is converted: its attributes in the order of the children that Kind lists.
// An attribute is a node or None unless marked: "*" a list of nodes, "=" the name, "#" names that become
// nodes.
struct Form {
  std::string_view type;
  Kind kind;
  std::array<const char*, 7> attributes = {};
};

// Sorted by type.
constexpr std::array kForms = {
    Form{"AnnAssign", Kind::kAnnAssign, {"target", "annotation", "value"}},
    Form{"Assert", Kind::kAssert, {"test", "msg"}},
    Form{"Assign", Kind::kAssign, {"*targets", "value"}},
    Form{"AsyncFor", Kind::kAsyncFor, {"target", "iter", "*body", "*orelse"}},
    Form{"AsyncFunctionDef",
         Kind::kAsyncFunctionDef,
         {"=name", "args", "*body", "*decorator_list", "returns", "?type_params"}},
    Form{"AsyncWith", Kind::kAsyncWith, {"*items", "*body"}},
    Form{"Attribute", Kind::kAttribute, {"=attr", "value"}},
    Form{"AugAssign", Kind::kAugAssign, {"target", "value"}},
    Form{"Await", Kind::kAwait, {"value"}},
    Form{"BinOp", Kind::kBinOp, {"left", "right"}},
    Form{"BoolOp", Kind::kBoolOp, {"*values"}},
    Form{"Break", Kind::kBreak, {}},
    Form{"Call", Kind::kCall, {"func", "*args", "*keywords"}},
    Form{"ClassDef",
         Kind::kClassDef,
         {"=name", "*bases", "*keywords", "*body", "*decorator_list", "?type_params"}},
    Form{"Compare", Kind::kCompare, {"left", "*comparators"}},
    Form{"Constant", Kind::kConstant, {}},
    Form{"Continue", Kind::kContinue, {}},
    Form{"Delete", Kind::kDelete, {"*targets"}},
    Form{"Dict", Kind::kDict, {}},
    Form{"DictComp", Kind::kDictComp, {"key", "value", "*generators"}},
    Form{"ExceptHandler", Kind::kHandler, {"=name", "type", "*body"}},
    Form{"Expr", Kind::kExprStatement, {"value"}},
    Form{"For", Kind::kFor, {"target", "iter", "*body", "*orelse"}},
    Form{"FormattedValue", Kind::kFormattedValue, {"value", "format_spec"}},
    Form{"FunctionDef",
         Kind::kFunctionDef,
         {"=name", "args", "*body", "*decorator_list", "returns", "?type_params"}},
    Form{"GeneratorExp", Kind::kGeneratorExp, {"elt", "*generators"}},
    Form{"Global", Kind::kGlobal, {"#names"}},
    Form{"If", Kind::kIf, {"test", "*body", "*orelse"}},
    Form{"IfExp", Kind::kIfExp, {"test", "body", "orelse"}},
    Form{"Import", Kind::kImport, {"*names"}},
    Form{"ImportFrom", Kind::kImportFrom, {"=module", "*names"}},
    Form{"Interpolation", Kind::kFormattedValue, {"value", "format_spec"}},
    Form{"JoinedStr", Kind::kJoinedStr, {"*values"}},
    Form{"Lambda", Kind::kLambda, {"args", "body"}},
    Form{"List", Kind::kListDisplay, {"*elts"}},
    Form{"ListComp", Kind::kListComp, {"elt", "*generators"}},
    Form{"Match", Kind::kMatch, {"subject", "*cases"}},
    Form{"MatchAs", Kind::kMatchAs, {"=name", "pattern"}},
    Form{"MatchClass", Kind::kMatchClass, {"cls", "*patterns", "*kwd_patterns"}},
    Form{"MatchMapping", Kind::kMatchMapping, {"=rest", "*keys", "*patterns"}},
    Form{"MatchOr", Kind::kMatchOr, {"*patterns"}},
    Form{"MatchSequence", Kind::kMatchSequence, {"*patterns"}},
    Form{"MatchSingleton", Kind::kMatchSingleton, {}},
    Form{"MatchStar", Kind::kMatchStar, {"=name"}},
    Form{"MatchValue", Kind::kMatchValue, {"value"}},
    Form{"Name", Kind::kName, {"=id"}},
    Form{"NamedExpr", Kind::kNamedExpr, {"target", "value"}},
    Form{"Nonlocal", Kind::kNonlocal, {"#names"}},
    Form{"ParamSpec", Kind::kTypeParameter, {"=name"}},
    Form{"Pass", Kind::kPass, {}},
    Form{"Raise", Kind::kRaise, {"exc", "cause"}},
    Form{"Return", Kind::kReturn, {"value"}},
    Form{"Set", Kind::kSet, {"*elts"}},
    Form{"SetComp", Kind::kSetComp, {"elt", "*generators"}},
    Form{"Slice", Kind::kSlice, {"lower", "upper", "step"}},
    Form{"Starred", Kind::kStarred, {"value"}},
    Form{"Subscript", Kind::kSubscript, {"value", "slice"}},
    Form{"TemplateStr", Kind::kTemplateStr, {"*values"}},
    Form{"Try", Kind::kTry, {"*body", "*handlers", "*orelse", "*finalbody"}},
    Form{"TryStar", Kind::kTryStar, {"*body", "*handlers", "*orelse", "*finalbody"}},
    Form{"Tuple", Kind::kTuple, {"*elts"}},
    Form{"TypeAlias", Kind::kTypeAlias, {"name", "*type_params", "value"}},
    Form{"TypeVar", Kind::kTypeParameter, {"=name", "bound"}},
    Form{"TypeVarTuple", Kind::kTypeParameter, {"=name"}},
    Form{"UnaryOp", Kind::kUnaryOp, {"operand"}},
    Form{"While", Kind::kWhile, {"test", "*body", "*orelse"}},
    Form{"With", Kind::kWith, {"*items", "*body"}},
    Form{"Yield", Kind::kYield, {"value"}},
    Form{"YieldFrom", Kind::kYieldFrom, {"value"}},
    Form{"alias", Kind::kAlias, {}},
    Form{"arg", Kind::kArgument, {"=arg", "annotation"}},
    Form{"arguments",
         Kind::kArguments,
         {"*posonlyargs", "*args", "vararg", "*kwonlyargs", "*kw_defaults", "kwarg", "*defaults"}},
    Form{"comprehension", Kind::kComprehension, {"target", "iter", "*ifs"}},
    Form{"keyword", Kind::kKeyword, {"value"}},
    Form{"match_case", Kind::kCase, {"pattern", "guard", "*body"}},
    Form{"withitem", Kind::kWithItem, {"context_expr", "optional_vars"}},
};
static_assert(std::ranges::is_sorted(kForms, {}, &Form::type));

constexpr std::array<std::pair<std::string_view, Operator>, 10> kOperators = {{
    {"And", Operator::kAnd},
    {"In", Operator::kIn},
    {"Invert", Operator::kInvert},
    {"Is", Operator::kIs},
    {"IsNot", Operator::kIsNot},
    {"Not", Operator::kNot},
    {"NotIn", Operator::kNotIn},
    {"Or", Operator::kOr},
    {"UAdd", Operator::kPlus},
    {"USub", Operator::kMinus},
}};

std::string_view class_of(nb::handle object) { return Py_TYPE(object.ptr())->tp_name; }

const Form* form_of(nb::handle object) {
  std::string_view type = class_of(object);
  if (const auto dot = type.rfind('.'); dot != std::string_view::npos) type.remove_prefix(dot + 1);
  const auto* found = std::ranges::lower_bound(kForms, type, {}, &Form::type);
  return found != kForms.end() && found->type == type ? found : nullptr;
}

Operator operator_of(nb::handle object) {
  std::string_view type = class_of(object);
  if (const auto dot = type.rfind('.'); dot != std::string_view::npos) type.remove_prefix(dot + 1);
  const auto* found = std::ranges::find(kOperators, type, &std::pair<std::string_view, Operator>::first);
  return found == kOperators.end() ? Operator::kOther : found->second;
}

// `__name` inside a class is the class's own; `_Class__name` is what it is called then.
std::string mangled(std::string_view name, std::string_view class_name) {
  const bool is_private =
      name.starts_with("__") && !name.ends_with("__") && name.find('.') == std::string_view::npos;
  const auto stripped = class_name.find_first_not_of('_');
  if (!is_private || stripped == std::string_view::npos) return std::string(name);
  return "_" + std::string(class_name.substr(stripped)) + std::string(name);
}

class Converter {
 public:
  explicit Converter(std::string class_name) : class_name_(std::move(class_name)) {}

  void node(nb::handle object);
  Converted take(std::string source, int first_line) {
    builder_.set_source(std::move(source), first_line);
    untrack(nodes_);
    return {builder_.take(), std::move(nodes_)};
  }

 private:
  PyObject* own(nb::handle object, const char* attribute);
  nb::object get(nb::handle object, const char* attribute);
  void untrack(nb::handle object);
  lower::Index open(Kind kind, nb::handle object);
  ir::Position position_of(nb::handle object);
  void open_part(Kind kind, nb::handle parent, std::size_t position);
  void attribute(nb::handle object, const char* spec, lower::Index index);
  void list(nb::handle items);
  void details(nb::handle object, const Form& form, lower::Index index);
  void constant(nb::handle object, lower::SyntaxNode& node);
  void alias(nb::handle object, lower::Index index);
  void names(nb::handle items);
  void dict(nb::handle object);
  void compare(nb::handle object);
  lower::NameId name(nb::handle text) {
    return builder_.intern(mangled(nb::borrow<nb::str>(text).c_str(), class_name_));
  }

  lower::SyntaxBuilder builder_;
  nb::list nodes_;
  std::string class_name_;
  std::unordered_map<const char*, nb::object> interned_;
  nb::object of_, fields_;  // the object that was asked last, and its attributes
  ir::Position position_;   // of the node around, for what has none
};

// The object's own attribute, or null; what a class of nodes gives all its instances is not among them.
PyObject* Converter::own(nb::handle object, const char* attribute) {
  nb::object& key = interned_[attribute];
  if (!key.is_valid()) key = nb::steal(PyUnicode_InternFromString(attribute));
  if (!of_.is(object)) {
    of_ = nb::borrow(object);
    fields_ = nb::steal(PyObject_GenericGetDict(object.ptr(), nullptr));
    if (!fields_.is_valid()) throw nb::python_error();
  }
  PyObject* found = PyDict_GetItemWithError(fields_.ptr(), key.ptr());
  if (found == nullptr && PyErr_Occurred() != nullptr) throw nb::python_error();
  return found;
}

nb::object Converter::get(nb::handle object, const char* attribute) {
  if (PyObject* found = own(object, attribute)) return nb::borrow(found);
  return object.attr(interned_[attribute]);
}

// Where a `with` statement enters and leaves a manager: until Python 3.12, where the whole statement is.
ir::Position Converter::position_of(nb::handle object) {
#if PY_VERSION_HEX >= 0x030D0000
  if (class_of(object) == "withitem") return position_of(get(object, "context_expr"));
#endif
  if (own(object, "lineno") == nullptr) return position_;
  const auto number = [&](const char* attribute) { return nb::cast<std::int32_t>(get(object, attribute)); };
  return {number("lineno"), number("col_offset"), number("end_lineno"), number("end_col_offset")};
}

// Note [untracked syntax]. A syntax tree holds no cycle, so that counting references frees it; and it lives
// as long as the function. The garbage collector would walk it again and again for nothing.
void Converter::untrack(nb::handle object) {
  if (object.ptr() == of_.ptr()) PyObject_GC_UnTrack(fields_.ptr());
  if (PyObject_IS_GC(object.ptr()) != 0) PyObject_GC_UnTrack(object.ptr());
}

lower::Index Converter::open(Kind kind, nb::handle object) {
  nodes_.append(object);
  return builder_.open(kind, position_);
}

void Converter::open_part(Kind kind, nb::handle parent, std::size_t position) {
  const nb::tuple part = nb::make_tuple(parent, position);
  untrack(part);
  open(kind, part);
}

void Converter::node(nb::handle object) {
  if (object.is_none()) {
    builder_.absent();
    return;
  }
  const Form* form = form_of(object);
  if (form == nullptr)
    throw nb::type_error(("not a node of Python's syntax: " + std::string(class_of(object))).c_str());
  const ir::Position around = position_;
  position_ = position_of(object);
  untrack(object);
  const lower::Index index = open(form->kind, object);
  details(object, *form, index);
  const std::string class_around = class_name_;
  for (const char* spec : form->attributes)
    if (spec != nullptr) attribute(object, spec, index);
  class_name_ = class_around;
  if (form->kind == Kind::kDict) dict(object);
  if (form->kind == Kind::kCompare) compare(object);
  if (form->kind == Kind::kBoolOp || form->kind == Kind::kCompare) {
    open(Kind::kTested, nb::make_tuple(object, nb::none()));
    builder_.close();
  }
  builder_.close();
  position_ = around;
}

void Converter::attribute(nb::handle object, const char* spec, lower::Index index) {
  switch (spec[0]) {
    case '=': {
      const nb::object text = get(object, spec + 1);
      if (!text.is_none()) builder_.node(index).name = name(text);
      return;
    }
    case '*': {
      // Names in a class body are the class's own; its bases and decorators are not inside it.
      const bool class_body =
          builder_.node(index).kind == Kind::kClassDef && std::string_view(spec) == "*body";
      const std::string around = class_name_;
      if (class_body) class_name_ = nb::cast<std::string>(get(object, "name"));
      list(get(object, spec + 1));
      class_name_ = around;
      return;
    }
    case '?':
      list(nb::hasattr(object, spec + 1) ? get(object, spec + 1) : nb::list());
      return;
    case '#':
      names(get(object, spec + 1));
      return;
    default:
      node(get(object, spec));
  }
}

void Converter::list(nb::handle items) {
  untrack(items);
  open(Kind::kList, nb::none());
  for (nb::handle item : items) node(item);
  builder_.close();
}

void Converter::names(nb::handle items) {
  open(Kind::kList, nb::none());
  for (nb::handle item : items) {
    const lower::Index index = open(Kind::kIdentifier, nb::none());
    builder_.node(index).name = name(item);
    builder_.close();
  }
  builder_.close();
}

void Converter::details(nb::handle object, const Form& form, lower::Index index) {
  switch (form.kind) {
    case Kind::kBoolOp:
    case Kind::kBinOp:
    case Kind::kUnaryOp:
    case Kind::kAugAssign:
      builder_.node(index).op = operator_of(get(object, "op"));
      return;
    case Kind::kConstant:
      return constant(get(object, "value"), builder_.node(index));
    case Kind::kName:
    case Kind::kAttribute:
    case Kind::kSubscript:
    case Kind::kStarred:
    case Kind::kListDisplay:
    case Kind::kTuple: {
      const nb::object context = get(object, "ctx");
      const std::string_view use = class_of(context);
      builder_.node(index).use = use.ends_with("Load")    ? lower::Use::kLoad
                                 : use.ends_with("Store") ? lower::Use::kStore
                                                          : lower::Use::kDelete;
      return;
    }
    case Kind::kKeyword: {
      const nb::object text = get(object, "arg");
      if (!text.is_none()) builder_.node(index).name = builder_.intern(nb::cast<std::string>(text));
      return;
    }
    case Kind::kAlias:
      return alias(object, index);
    case Kind::kComprehension:
      builder_.node(index).flag = nb::cast<int>(get(object, "is_async")) != 0;
      return;
    case Kind::kAnnAssign:
      builder_.node(index).flag = nb::cast<int>(get(object, "simple")) != 0;
      return;
    default:
      return;
  }
}

void Converter::constant(nb::handle value, lower::SyntaxNode& node) {
  using lower::Constant;
  PyObject* v = value.ptr();
  if (v == Py_True)
    node.constant = Constant::kTrue;
  else if (v == Py_False)
    node.constant = Constant::kFalse;
  else if (PyLong_Check(v) || PyFloat_Check(v) || PyComplex_Check(v))
    node.constant = Constant::kNumber;
  else
    node.constant = PyUnicode_Check(v) ? Constant::kText : Constant::kOther;
}

// `import a.b` binds a; `import a.b as c` binds c.
void Converter::alias(nb::handle object, lower::Index index) {
  const nb::object as = get(object, "asname");
  if (!as.is_none()) {
    builder_.node(index).name = name(as);
    return;
  }
  const std::string dotted = nb::cast<std::string>(get(object, "name"));
  builder_.node(index).name = builder_.intern(mangled(dotted.substr(0, dotted.find('.')), class_name_));
}

void Converter::dict(nb::handle object) {
  const nb::object keys = get(object, "keys");
  const nb::object values = get(object, "values");
  open(Kind::kList, nb::none());
  for (std::size_t i = 0; i < nb::len(keys); ++i) {
    const nb::object key = keys[i];
    open_part(key.is_none() ? Kind::kDictUnpack : Kind::kDictItem, object, i);
    if (!key.is_none()) node(key);
    node(values[i]);
    builder_.close();
  }
  builder_.close();
}

void Converter::compare(nb::handle object) {
  const nb::object ops = get(object, "ops");
  open(Kind::kList, nb::none());
  for (std::size_t i = 0; i < nb::len(ops); ++i) {
    const auto index = static_cast<lower::Index>(nb::len(nodes_));
    open_part(Kind::kComparePart, object, i);
    builder_.node(index).op = operator_of(ops[i]);
    builder_.close();
  }
  builder_.close();
}

}  // namespace

Converted convert(nb::handle root, const std::string& class_name, std::string source, int first_line) {
  Converter converter(class_name);
  converter.node(root);
  return converter.take(std::move(source), first_line);
}

}  // namespace xcs::python
