# The installed tree: headers, library, CMake package, pkg-config file, program. It may be moved as a whole.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tapegrad)
install(FILES tapegrad.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tapegrad)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES third_party/dagre/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.dagre)
install(TARGETS tapegrad tapegrad_interchange EXPORT tapegradTargets)
install(EXPORT tapegradTargets NAMESPACE tapegrad:: DESTINATION ${package_dir})

configure_package_config_file(
  cmake/tapegradConfig.cmake.in tapegradConfig.cmake INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(tapegradConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/tapegradConfig.cmake ${PROJECT_BINARY_DIR}/tapegradConfigVersion.cmake
        cmake/FindOneDNN.cmake cmake/Findutf8proc.cmake
  DESTINATION ${package_dir}
)

set(pc_libs_private -pthread)
if(TAPEGRAD_OPENMP)
  string(APPEND pc_libs_private " ${OpenMP_CXX_FLAGS}")
endif()
if(TAPEGRAD_HAS_ONEDNN)
  string(APPEND pc_libs_private " -ldnnl")
endif()
set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(pc_prefix /prefix)
cmake_path(RELATIVE_PATH pc_prefix BASE_DIRECTORY /prefix/${pc_dir})
configure_file(cmake/tapegrad.pc.in tapegrad.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tapegrad.pc DESTINATION ${pc_dir})

if(TARGET tapegrad_tool)
  file(RELATIVE_PATH lib_from_bin /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR})
  set_target_properties(tapegrad_tool PROPERTIES INSTALL_RPATH $ORIGIN/${lib_from_bin})
  install(TARGETS tapegrad_tool)
endif()
