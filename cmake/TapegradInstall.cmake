# The installed tree: headers, library, CMake package, pkg-config file, program. It may be moved as a whole.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tapegrad)
install(FILES tapegrad.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tapegrad)
install(FILES LICENSE NOTICE README.md CONTRIBUTING.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
# Where scripts/site has made it.
install(DIRECTORY build/site/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/html OPTIONAL)
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
  # The program writes its own completion and manual pages, so they are made when they are installed.
  if(NOT CMAKE_CROSSCOMPILING)
    set(pages ${PROJECT_BINARY_DIR}/pages)
    set(make_pages "file(REMOVE_RECURSE \"${pages}\")\n")
    string(APPEND make_pages "execute_process(COMMAND \"$<TARGET_FILE:tapegrad_tool>\" man --out \"${pages}/man1\" COMMAND_ERROR_IS_FATAL ANY)\n")
    foreach(shell bash zsh fish)
      string(APPEND make_pages "execute_process(COMMAND \"$<TARGET_FILE:tapegrad_tool>\" completion ${shell} OUTPUT_FILE \"${pages}/${shell}\" COMMAND_ERROR_IS_FATAL ANY)\n")
    endforeach()
    install(CODE "${make_pages}")
    install(DIRECTORY ${pages}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(FILES ${pages}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tapegrad)
    install(FILES ${pages}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _tapegrad)
    install(FILES ${pages}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME tapegrad.fish)
  endif()
endif()
