#include "lower/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ir/verifier.h"
#include "lower/refusal.h"
#include "lower/scope.h"
#include "lower/syntax.h"

namespace xcs::lower {
namespace {

using ir::Op;
using testing::ElementsAre;
using testing::IsEmpty;

// Writes trees as one would write the source: call(name("f"), {name("x")}).
class Tree {
 public:
  template <class... Children>
  void node(Kind kind, Children&&... children) {
    builder_.open(kind, {});
    (children(), ...);
    builder_.close();
  }
  auto name(std::string_view id, Use use = Use::kLoad) {
    return [this, id = std::string(id), use] {
      SyntaxNode& n = builder_.node(builder_.open(Kind::kName, {}));
      n.use = use;
      n.name = builder_.intern(id);
      builder_.close();
    };
  }
  template <class... Children>
  auto list(Children... children) {
    return [this, children...] { node(Kind::kList, children...); };
  }
  template <class... Children>
  auto make(Kind kind, Children... children) {
    return [this, kind, children...] { node(kind, children...); };
  }
  template <class... Arguments>
  auto call(std::string_view callee, Arguments... arguments) {
    return make(Kind::kCall, name(callee), list(arguments...), list());
  }
  auto absent() {
    return [this] { builder_.absent(); };
  }
  auto add(auto left, auto right) { return make(Kind::kBinOp, left, right); }
  auto returns(auto value) { return make(Kind::kReturn, value); }
  auto assigns(std::string_view target, auto value) {
    return make(Kind::kAssign, list(name(target, Use::kStore)), value);
  }
  // A function with the positional parameters `names` and one statement after another.
  template <class... Statements>
  Syntax function(std::vector<std::string> names, Statements... body) {
    const Index root = builder_.open(Kind::kFunctionDef, {});
    builder_.node(root).name = builder_.intern("f");
    const auto parameters = [this, names] {
      builder_.open(Kind::kList, {});
      for (const std::string& n : names) {
        const Index argument = builder_.open(Kind::kArgument, {});
        builder_.node(argument).name = builder_.intern(n);
        builder_.absent();
        builder_.close();
      }
      builder_.close();
    };
    node(Kind::kArguments, list(), parameters, absent(), list(), list(), absent(), list());
    node(Kind::kList, body...);
    node(Kind::kList);
    builder_.absent();
    node(Kind::kList);
    builder_.close();
    return builder_.take();
  }

 private:
  SyntaxBuilder builder_;
};

std::vector<Op> ops(const ir::Program& program) {
  std::vector<Op> all;
  for (const ir::Node& n : program.regions[program.body].nodes) all.push_back(n.op);
  return all;
}

ir::Program lowered(const Syntax& syntax) {
  ir::Program program = lower(syntax, 0, {.qualname = "f", .file = "f.py", .free_names = {}});
  EXPECT_THAT(ir::verify(program), IsEmpty());
  return program;
}

TEST(Lowering, OperatorsOverVariablesAreOneFragment) {
  Tree t;
  const Syntax s = t.function({"a", "b"}, t.returns(t.add(t.add(t.name("a"), t.name("b")), t.name("a"))));
  EXPECT_THAT(ops(lowered(s)), ElementsAre(Op::kEval, Op::kReturn));
}

TEST(Lowering, OperatorThatPrecedesACallRunsBeforeIt) {
  Tree t;
  const Syntax s = t.function({"a", "b"}, t.returns(t.add(t.add(t.name("a"), t.name("b")), t.call("g"))));
  EXPECT_THAT(ops(lowered(s)), ElementsAre(Op::kEval, Op::kLoadGlobal, Op::kCall, Op::kEval, Op::kReturn));
}

TEST(Lowering, OperatorThatFollowsACallWaitsForTheWholeFragment) {
  Tree t;
  const Syntax s = t.function({"a", "b"}, t.returns(t.add(t.call("g"), t.add(t.name("a"), t.name("b")))));
  EXPECT_THAT(ops(lowered(s)), ElementsAre(Op::kLoadGlobal, Op::kCall, Op::kEval, Op::kReturn));
}

TEST(Lowering, VariableThatMayBeUnboundIsReadInItsPlace) {
  Tree t;
  const Syntax s =
      t.function({"c"}, t.make(Kind::kIf, t.name("c"), t.list(t.assigns("x", t.name("c"))), t.list()),
                 t.returns(t.call("g", t.name("x"), t.call("h"))));
  EXPECT_THAT(ops(lowered(s)), ElementsAre(Op::kIf, Op::kLoadGlobal, Op::kMove, Op::kLoadGlobal, Op::kCall,
                                           Op::kCall, Op::kReturn));
}

TEST(Lowering, VariableThatIsBoundIsReadByItsUser) {
  Tree t;
  const Syntax s = t.function({"x"}, t.returns(t.call("g", t.name("x"), t.call("h"))));
  EXPECT_THAT(ops(lowered(s)),
              ElementsAre(Op::kLoadGlobal, Op::kLoadGlobal, Op::kCall, Op::kCall, Op::kReturn));
}

TEST(Lowering, NothingFollowsAnExit) {
  Tree t;
  const Syntax s = t.function({"x"}, t.returns(t.name("x")), t.make(Kind::kExprStatement, t.call("g")));
  EXPECT_THAT(ops(lowered(s)), ElementsAre(Op::kReturn));
}

TEST(Lowering, FunctionWithoutReturnReturnsTheNoneThatNobodySpelt) {
  Tree t;
  const ir::Program program = lowered(t.function({}));
  EXPECT_THAT(ops(program), ElementsAre(Op::kConst, Op::kReturn));
  EXPECT_THAT(program.constants, ElementsAre(ir::kNone));
}

TEST(Lowering, RegionWithoutExitsIsAlsoAStatement) {
  Tree t;
  const auto body = t.list(t.assigns("y", t.name("x")));
  const ir::Program program = lowered(
      t.function({"x", "it"}, t.make(Kind::kFor, t.name("x", Use::kStore), t.name("it"), body, t.list())));
  ASSERT_EQ(program.statements.size(), 1U);
  EXPECT_THAT(program.statements[0].input_names, ElementsAre(".0", "x", "y"));
  EXPECT_THAT(program.statements[0].output_names, ElementsAre("x", "y"));
  EXPECT_EQ(program.loops[0].whole, 0U);
}

TEST(Lowering, RegionThatReturnsIsNoStatement) {
  Tree t;
  const auto body = t.list(t.returns(t.name("x")));
  const ir::Program program = lowered(
      t.function({"x", "it"}, t.make(Kind::kFor, t.name("x", Use::kStore), t.name("it"), body, t.list())));
  EXPECT_EQ(program.loops[0].whole, ir::kNone);
}

TEST(Lowering, AwaitOutsideACoroutineIsRefusedWithItsReason) {
  Tree t;
  const Syntax s = t.function({}, t.make(Kind::kExprStatement, t.make(Kind::kAwait, t.call("g"))));
  const ir::Program program = lower(s, 0, {.qualname = "f", .file = "f.py", .free_names = {}});
  EXPECT_EQ(program.refusal, refusal::kAsyncGenerator);
  EXPECT_THAT(program.regions, IsEmpty());
}

TEST(Scopes, VariableOfTheFunctionThatALambdaUsesIsCaptured) {
  Tree t;
  const auto arguments =
      t.make(Kind::kArguments, t.list(), t.list(), t.absent(), t.list(), t.list(), t.absent(), t.list());
  const Syntax s = t.function({"x"}, t.returns(t.make(Kind::kLambda, arguments, t.name("x"))));
  const Scopes scopes(s, 0, true);
  ASSERT_EQ(scopes.root().captured.size(), 1U);
  EXPECT_EQ(s.names[scopes.root().captured[0]], "x");
}

TEST(Scopes, VariableThatOnlyAComprehensionUsesIsNotCaptured) {
  Tree t;
  const auto clause = t.make(Kind::kComprehension, t.name("y", Use::kStore), t.name("x"), t.list());
  const Syntax s =
      t.function({"x"}, t.returns(t.make(Kind::kListComp, t.add(t.name("x"), t.name("y")), t.list(clause))));
  EXPECT_THAT(Scopes(s, 0, true).root().captured, IsEmpty());
}

TEST(Refusals, EachCodeIsExplained) {
  for (const Refusal& r : refusals()) {
    EXPECT_FALSE(r.code.empty());
    EXPECT_TRUE(r.explanation.ends_with('.')) << r.code;
  }
}

}  // namespace
}  // namespace xcs::lower
