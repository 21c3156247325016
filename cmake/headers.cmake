# The target header_check compiles each header on its own: a header must include all that it needs, and be safe to
# include twice.

function(xcs_header_check)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/src/*.h ${PROJECT_SOURCE_DIR}/include/*.h)
  set(sources)
  foreach(header ${headers})
    set(source ${PROJECT_BINARY_DIR}/header_check/${header}.cc)
    set(include "#include \"${PROJECT_SOURCE_DIR}/${header}\"")
    file(CONFIGURE OUTPUT ${source} CONTENT "${include}\n${include}\n" @ONLY)
    list(APPEND sources ${source})
  endforeach()
  add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
  get_property(libraries GLOBAL PROPERTY XCS_LIBRARIES)
  target_link_libraries(header_check PRIVATE xcs_options ${libraries})
  if(XCS_TESTS)
    # Some headers are made for tests alone.
    target_link_libraries(header_check PRIVATE GTest::gtest GTest::gmock)
  endif()
endfunction()
