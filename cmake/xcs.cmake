# One library, and one test program, per folder of src/.

add_library(xcs_options INTERFACE)
target_compile_features(xcs_options INTERFACE cxx_std_23)
target_include_directories(xcs_options INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_options(xcs_options INTERFACE
  $<BUILD_INTERFACE:-Wall;-Wextra;-Wpedantic;-Werror>
  # When it optimises, g++ 12 sees uninitialised members in std::expected and std::variant, and overlapping copies in
  # std::string's operator+, where there are none.
  $<BUILD_INTERFACE:$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-maybe-uninitialized;-Wno-restrict>>
  # clang takes a call that libstdc++ 12's stable_sort makes for one of ours, to a function that C++17 deprecates.
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:-Wthread-safety;-Wno-deprecated-declarations>>)
if(XCS_SANITIZE)
  target_compile_options(xcs_options INTERFACE -fsanitize=${XCS_SANITIZE} -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(xcs_options INTERFACE -Wno-maybe-uninitialized)  # sees them in instrumented code too
  endif()
  target_link_options(xcs_options INTERFACE -fsanitize=${XCS_SANITIZE})
endif()

# xcs_library(NAME [INTERNAL] SOURCES a.cc ... DEPS xcs_base fmt::fmt ... TESTS a_test.cc ... TEST_DEPS ...)
# defines the static library xcs_NAME and, when tests are built, the program NAME_test of its *_test.cc files.
# The library is installed, unless it is INTERNAL or its name ends in _testing; other projects see it as xcs::NAME, and xcs_runtime,
# which includes all, as xcs::xcs.
function(xcs_library name)
  cmake_parse_arguments(ARG "INTERNAL" "" "SOURCES;DEPS;TESTS;TEST_DEPS" ${ARGN})
  add_library(xcs_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(xcs_${name} PUBLIC xcs_options ${ARG_DEPS})
  set_property(GLOBAL APPEND PROPERTY XCS_LIBRARIES xcs_${name})
  if(NOT ARG_INTERNAL AND NOT name MATCHES "_testing$")
    xcs_install_library(xcs_${name} ${name})
  endif()
  if(XCS_CLANG_TIDY)
    set_target_properties(xcs_${name} PROPERTIES CXX_CLANG_TIDY ${XCS_CLANG_TIDY})
  endif()
  if(XCS_TESTS AND ARG_TESTS)
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE xcs_${name} ${ARG_TEST_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
    # A test that waits for ever fails instead of holding up the rest.
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 120)
  endif()
endfunction()
