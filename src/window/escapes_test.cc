#include "window/escapes.h"

#include <gtest/gtest.h>

#include "window/known.h"

namespace xcs::window {
namespace {

struct EscapesTest : testing::Test {
  Value a = Value::pending(new Cell(kFresh, nullptr));
  Value b = Value::pending(new Cell(kFresh, nullptr));
  Value both = Value::pending(new Cell(kFresh, nullptr));
  Escapes escapes;
};

TEST_F(EscapesTest, WhatIsHeldIsNoOtherValue) {
  escapes.add(a);
  EXPECT_TRUE(escapes.contains(a));
  EXPECT_FALSE(escapes.contains(b));
}

TEST_F(EscapesTest, WhatMayBeOneOfTwoIsHeldWithEither) {
  escapes.unite(a, both);
  escapes.unite(b, both);
  EXPECT_FALSE(escapes.contains(both));
  escapes.add(a);
  EXPECT_TRUE(escapes.contains(both));
  EXPECT_TRUE(escapes.contains(b));
}

TEST_F(EscapesTest, WhatWasHeldBeforeStaysHeldInAGroup) {
  escapes.add(a);
  escapes.unite(a, both);
  escapes.unite(b, both);
  EXPECT_TRUE(escapes.contains(b));
  escapes.unite(a, b);
  EXPECT_TRUE(escapes.contains(both));
}

}  // namespace
}  // namespace xcs::window
