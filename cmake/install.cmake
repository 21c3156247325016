# What `cmake --install build/... --component cpp` puts in place: the public headers, the static libraries, and the
# package with which find_package(xcs) defines xcs::xcs.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(XCS_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/xcs)

# Adds a library to the package, where other projects see it as xcs::NAME.
function(xcs_install_library target name)
  if(name STREQUAL "runtime")
    set(name xcs)
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS ${target} EXPORT xcsTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp)
endfunction()

# Installs the headers and the package itself; called once, after all libraries.
function(xcs_install_package)
  xcs_install_library(xcs_options options)
  if(TARGET xcs_runtime)
    add_library(xcs::xcs ALIAS xcs_runtime)
  endif()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/xcs DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp
    FILES_MATCHING PATTERN "*.h")
  install(EXPORT xcsTargets NAMESPACE xcs:: DESTINATION ${XCS_PACKAGE_DIR} COMPONENT cpp)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/xcsConfig.cmake.in
    ${PROJECT_BINARY_DIR}/xcsConfig.cmake INSTALL_DESTINATION ${XCS_PACKAGE_DIR})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/xcsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/xcsConfig.cmake ${PROJECT_BINARY_DIR}/xcsConfigVersion.cmake
    DESTINATION ${XCS_PACKAGE_DIR} COMPONENT cpp)
endfunction()
