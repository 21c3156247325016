#include "lower/refusal.h"

#include <array>

namespace xcs::lower {

std::span<const Refusal> refusals() {
  static constexpr std::array kAll = {
      Refusal{reason::kClass, "A class statement runs its body once, in order."},
      Refusal{refusal::kAsyncGenerator,
              "The function is an asynchronous generator, which runs as its consumer asks for items."},
      Refusal{reason::kTryStar, "A statement with `except*` runs in order."},
      Refusal{reason::kImport,
              "An import runs the module it names unless it is loaded already, so it happens in order."},
      Refusal{reason::kLazyAnnotations,
              "A nested function whose annotations are evaluated lazily is defined in order."},
      Refusal{refusal::kExit,
              "A statement that only runs in order holds a return, break, continue or yield."},
      Refusal{refusal::kFrame,
              "The function looks at its own frame (locals, vars, dir, eval, exec, globals, sys._getframe, "
              "inspect)."},
      Refusal{refusal::kTasks,
              "The coroutine starts tasks of its own, which run between any two of its awaits."},
      Refusal{refusal::kTemplate, "The function holds a template string."},
      Refusal{refusal::kDepth, "Statements or expressions are nested too deeply."},
      Refusal{reason::kTypeAlias, "A type alias is made in order."},
      Refusal{reason::kTypeParameters, "A function with type parameters is defined in order."},
      Refusal{refusal::kYieldFrom, "The function delegates to another generator with `yield from`."},
  };
  return kAll;
}

}  // namespace xcs::lower
