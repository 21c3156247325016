// XCS: functions that call models, tools and services, written line by line and run at once.
//
// Calls are issued out of order and committed in order: the result, the first exception and the order of
// effects are those of a run that completes each call before the next line. Start with runtime.h, value.h and
// op.h.
#pragma once

#include "xcs/effect.h"   // IWYU pragma: export
#include "xcs/errors.h"   // IWYU pragma: export
#include "xcs/llm.h"      // IWYU pragma: export
#include "xcs/map.h"      // IWYU pragma: export
#include "xcs/op.h"       // IWYU pragma: export
#include "xcs/runtime.h"  // IWYU pragma: export
#include "xcs/value.h"    // IWYU pragma: export
