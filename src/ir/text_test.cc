#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "ir/facts.h"
#include "ir/parser.h"
#include "ir/printer.h"
#include "ir/verifier.h"

namespace xcs::ir {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kEverything =
    R"(program "summarize_all" (%docs, /, %k, *%rest, %key, **%more)  @1:0-30:9
  qualname "Outer.summarize_all"
  file "docs.py"
  generator
  free x=%x.5, %y
  slots %out, %8 to %11, %x.12, %"not a word", %e, %n, %f
body {
  %8 = const 17
  %9 = cell %8
  %10 = cell
  %11 = load_global summarize  @3:4-13
  store_global total %11
  delete_global total
  %x.12 = load_cell x %x.5
  store_cell x %x.5, %8
  delete_cell x %x.5
  %8 = load_attr notes %docs  @4:0-5:7
  store_attr notes %docs, %8
  delete_attr notes %docs
  %8 = load_item %docs, %k
  store_item %docs, %k, %8
  delete_item %docs, %k
  %8 = eval operator "a + \"b\\\n\x01é" syntax 7 (a:8=%docs, b:9=%k)
  %9 = eval#0 (%k, %docs)
  %out = eval hashing "{k: 1}" keys 0 (%k)
  %8 = inplace operator "k += 1" (%k, _=%9)
  %9 = contains#not %k, %docs
  %9 = truth#0 %9
  append %out, %8
  add %out, %8
  call %11(%docs, *%rest, key=%k, **%more)  @6:0-9
  %f = function 0 (%8, %k, %x.5)
  %9 = call_method %out.pop()
  special __exit__ %out, %8, %9
  %10 = iter %docs
  unpack %docs to %8, *%rest, %"not a word"
  statement 0  @8:2-9:3
  %n = yield %9
  unbind %n
  if %9  whole 1  @10:0-12:4  {
    return %9
  } else {
    raise %9, %8
  }
  if %9  skip {
  } else {
  }
  for %n in %10  {
    if %9  {
      break
    }
    while  {
      %8 = move %9
    } do %8 {
      continue
    } else {
    }
  } else {
  }
  try %e  {
    raise %8
  } test {
    %8 = match_exception %e, %9
  } except %8 {
    reraise
  } except {
  } else {
  } finally {
  }
  try  {
  } finally unless raised {
  }
  return %out
}
statement 0 syntax 12 reason "class-in-function"
  in %docs, z=%8
  out %out
  cells x=%x.5
statement 1 syntax none
function 0 "<lambda>" syntax 31
  qualname "Outer.f.<locals>.<lambda>"
  defaults 1
  keyword_defaults 1
  keywords key
  cells x
)";

Program parsed(std::string_view text) {
  auto program = parse(text);
  if (!program) throw InternalError(program.error());
  return *std::move(program);
}

TEST(Text, EveryOpCanBeReadAndPrintedBackWordForWord) {
  const Program p = parsed(kEverything);
  EXPECT_THAT(verify(p), IsEmpty());
  EXPECT_EQ(print(p), kEverything);
  EXPECT_EQ(parsed(print(p)), p);
}

TEST(Text, TheExampleInTheDocumentsIsAProgram) {
  std::ifstream file(XCS_SOURCE_DIR "/docs/formats.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::size_t start = page.find("```\nprogram ") + 4;
  const std::string example = page.substr(start, page.find("```", start) - start);
  const Program p = parsed(example);
  EXPECT_THAT(verify(p), IsEmpty());
  EXPECT_EQ(print(p), example);
}

TEST(Text, SlotsNamesAndConstantsNeedNoDeclaration) {
  const Program p = parsed(R"(program "f" (%a)
body {
  %b = const 5
  %c = const 5
  %t = load_global g
  %d = call %t(%a, %b)   ; a comment
  return %d
}
)");
  EXPECT_THAT(verify(p), IsEmpty());
  EXPECT_EQ(p.slots, (std::vector<std::string>{"a", "b", "c", "t", "d"}));
  EXPECT_EQ(p.constants, std::vector<Index>{5});
  EXPECT_EQ(p.names, std::vector<std::string>{"g"});
  EXPECT_EQ(p.regions[0].assigned, (std::vector<SlotId>{1, 2, 3, 4}));
  EXPECT_TRUE(p.regions[0].exits.returns);
}

TEST(Text, TablesInAnyOrderKeepTheirNumbers) {
  Program p = parsed(kEverything);
  std::swap(p.fragments[0], p.fragments[2]);
  for (Region& r : p.regions)
    for (Node& n : r.nodes)
      if ((n.op == Op::kEval || n.op == Op::kInplace) && n.index != 1) n.index = 2 - n.index;
  p.calls.insert(p.calls.begin(), CallShape{.method = 1, .args = {{ArgKind::kStar}, {ArgKind::kKeyword, 0}}});
  for (Region& r : p.regions)
    for (Node& n : r.nodes)
      if (n.op == Op::kCall || n.op == Op::kCallMethod) ++n.index;
  p.names.insert(p.names.end(), {"unused", "notes", "two words"});
  p.constants = {3, 17, kNone, 17};
  p.regions[0].nodes[0].index = 3;
  p.regions.push_back(p.regions[0]);
  p.regions[0] = p.regions[2];
  p.regions[2] = p.regions.back();
  p.regions.pop_back();
  p.ifs[0].else_region = 0;
  p.body = 2;
  p.unpacks.push_back({.dests = {0, 1}, .star = 1});
  p.fragments.push_back({.holes = {3, kNone}, .operands = {"a", "b c"}, .text = "a"});
  EXPECT_THAT(verify(p), IsEmpty());
  EXPECT_EQ(parsed(print(p)), p) << print(p);
}

TEST(Text, ARefusedFunctionHasNoBody) {
  Program p;
  p.name = "f";
  p.qualname = "C.f";
  p.refusal = "async-generator";
  p.coroutine = true;
  EXPECT_THAT(verify(p), IsEmpty());
  EXPECT_EQ(parsed(print(p)), p);
}

TEST(Text, ABrokenProgramCanStillBePrinted) {
  Program p = parsed(kEverything);
  p.regions[0].nodes[5].index = 99;
  p.regions[0].nodes[6].args = {1000};
  p.ifs[0].then_region = p.body;
  p.calls.clear();
  p.unpacks.clear();
  EXPECT_THAT(print(p), HasSubstr("%?"));
}

struct Mistake {
  std::string_view body, message;
};

TEST(Text, AMistakeIsNamedWithItsLine) {
  const Mistake mistakes[] = {
      {"  %a = frobnicate %b\n", "line 3: unknown operation 'frobnicate'"},
      {"  %a = loop %b\n", "line 3: unknown operation 'loop'"},
      {"  return\n", "line 3: 'return' cannot have 0 operands"},
      {"  const 5\n", "line 3: 'const' needs a slot for its result"},
      {"  %a = store_global x %a\n", "line 3: 'store_global' yields nothing"},
      {"  %a = if %b {\n  }\n", "line 3: 'if' yields nothing"},
      {"  %a = eval \"a\" ()\n", "line 3: unknown kind of fragment 'a'"},
      {"  %a = eval#4 (%b)\n", "line 3: expected the kind and text of the fragment, found '('"},
      {"  %a = eval operator \"a\n", "line 3: a string without end"},
      {"  %a = eval operator \"\\q\" ()\n", "line 3: an unknown escape in a string"},
      {"  %a = const 99999999999\n", "line 3: number too large"},
      {"  if#2 %a {\n  }\n", "line 6: there is no if 0"},
      {"  if %a {\n", "line 5: expected '}', found 'end of text'"},
      {"  statement 0\n", "line 5: there is no statement 0"},
      {"  call#0 %a(%b)\n  call#0 %a(*%b)\n", "line 4: call shape 0 was another one before"},
      {"  $\n", "line 3: unexpected character with code 36"},
      {"  % = const 1\n", "line 3: a slot needs a name or a number"},
      {"}\nbody {\n", "line 4: a program has one body"},
      {"  %a = load_global x#3\n", "line 3: the number is that of another value"},
      {"  %a = eval operator \"a\" (%3)\n", "line 3: %3 has no name that could be taken"},
  };
  for (const Mistake& m : mistakes) {
    const auto result = parse(fmt::format("program \"f\" ()\nbody {{\n{}}}\n", m.body));
    ASSERT_FALSE(result.has_value()) << m.body;
    EXPECT_EQ(result.error().code, "ir.syntax");
    EXPECT_EQ(result.error().message, m.message) << m.body;
  }
}

TEST(Text, DeepNestingIsRefusedAndNotACrash) {
  std::string text = "program \"f\" (%a)\nbody {\n";
  for (int i = 0; i < 100'000; ++i) text += "if %a {\n";
  const auto result = parse(text);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("nested too deeply"));
}

TEST(Text, DamagedTextGivesAnErrorOrAProgram) {
  std::mt19937 random(1);
  int errors = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text(kEverything);
    for (int k = 0; k < 3; ++k) {
      const std::size_t at = random() % text.size();
      if (random() % 2 == 0)
        text.erase(at, 1 + random() % 5);
      else
        text[at] = static_cast<char>(random() % 128);
    }
    const auto result = parse(text);
    if (!result) {
      ++errors;
      EXPECT_THAT(result.error().message, HasSubstr("line "));
    } else if (verify(*result).empty()) {
      EXPECT_EQ(parsed(print(*result)), *result) << text;
    }
  }
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace xcs::ir
