# One function for each kind of target, so that a folder's CMakeLists.txt is little more than its list of sources.

# Warnings are for those who work on tapegrad, not for those who embed it.
function(tapegrad_set_warnings target)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
    # g++ 12 gives these for its own AVX-512 intrinsics, inlined through Eigen, and for its own std::string operator+.
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict)
    endif()
    # clang gives these for simd loops where it is not asked to optimise, and for conditions in them without a jump.
    if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
      target_compile_options(${target} PRIVATE -Wno-pass-failed -Wno-bitwise-instead-of-logical)
    endif()
  endif()
  if(TAPEGRAD_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# Canaries, guard pages, checked C functions, read-only relocations, addresses that differ from run to run, and marked
# targets of jumps where the processor knows them. Not of debug builds: sanitizers look closer.
function(tapegrad_harden target)
  if(NOT TAPEGRAD_HARDENING)
    return()
  endif()
  include(CheckCXXCompilerFlag)
  set(options -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  foreach(flag -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER TAPEGRAD_HAS${flag} known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      list(APPEND options ${flag})
    endif()
  endforeach()
  get_target_property(kind ${target} TYPE)
  target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:${options}>)
  if(kind STREQUAL EXECUTABLE)
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-fPIE>)
    target_link_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-pie>)
  endif()
  target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endfunction()

# The library: its language, flags, dependencies and visible symbols. The sources are added by the folders.
function(tapegrad_configure_library target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # A static library goes into programs and into plugins alike, so it is position-independent; the linker turns what that
  # costs in a program, the look-up of thread-locals, into plain accesses.
  set_target_properties(
    ${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON VERSION ${PROJECT_VERSION}
                         SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  )
  target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  # In a project that names no build type the compiler would not optimise at all.
  separate_arguments(release UNIX_COMMAND "${CMAKE_CXX_FLAGS_RELEASE}")
  target_compile_options(${target} PRIVATE "$<$<CONFIG:>:${release}>")
  target_include_directories(
    ${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  )

  # No public header needs these three, so neither does a user of the installed package.
  target_link_libraries(
    ${target} PRIVATE $<BUILD_INTERFACE:Eigen3::Eigen> $<BUILD_INTERFACE:Boost::headers>
                      $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
  )
  target_link_libraries(${target} PRIVATE fmt::fmt utf8proc::utf8proc ZLIB::ZLIB PNG::PNG libjpeg-turbo::turbojpeg Threads::Threads)
  if(TAPEGRAD_OPENMP)
    target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX)
  else()
    # Loops that are marked for vectorisation are vectorised all the same.
    target_compile_options(${target} PRIVATE -fopenmp-simd)
  endif()
  if(TAPEGRAD_HAS_ONEDNN)
    target_link_libraries(${target} PRIVATE DNNL::dnnl)
    target_compile_definitions(${target} PRIVATE TAPEGRAD_HAS_ONEDNN=1)
  endif()
  # Eigen's inline functions depend on the instruction set (alignment of its allocations, for one). A program that uses
  # Eigen too and is compiled with other flags would share one copy of them with a static tapegrad, and crash; so the
  # library's own Eigen lives in a namespace of its own.
  target_compile_definitions(${target} PRIVATE Eigen=tapegrad_eigen)
  if(TAPEGRAD_POOL_PASSTHROUGH)
    target_compile_definitions(${target} PUBLIC TAPEGRAD_POOL_PASSTHROUGH=1)
  endif()

  # Contraction into fused multiply-adds is left to the kernels that ask for it by name (Eigen's products and functions
  # do): otherwise an element's value would depend on whether a loop's vectorised body or its scalar rest computed it.
  # The other two change no value: they only drop errno and exception flags, which keep square roots and selections from
  # being vectorised and which nobody reads.
  target_compile_options(${target} PRIVATE -ffp-contract=off -fno-math-errno -fno-trapping-math)
  if(TAPEGRAD_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  tapegrad_set_warnings(${target})
  tapegrad_harden(${target})

  # A shared library exports what its version script lists, without a macro on every declaration; that works only on
  # symbols that the compiler has left visible. A static one hides all, so that a shared library which it is linked into
  # does not export it again.
  if(BUILD_SHARED_LIBS)
    set(script ${PROJECT_SOURCE_DIR}/cmake/tapegrad.map)
    target_link_options(${target} PRIVATE LINKER:--version-script=${script} LINKER:-Bsymbolic-functions LINKER:-z,defs)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
  else()
    set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  endif()
endfunction()

function(tapegrad_add_executable target)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${target} PRIVATE tapegrad::tapegrad)
  tapegrad_set_warnings(${target})
  tapegrad_harden(${target})
endfunction()

# tapegrad_add_tests(FOLDER a_test.cpp ...): one program, tapegrad_FOLDER_tests, each of whose cases is a test of CTest,
# named FOLDER.Suite.Case and with the label FOLDER. Sources named *threads_test.cpp go into a second program, whose cases
# have the label "threads" instead: those are the ones that run under ThreadSanitizer.
function(tapegrad_add_tests folder)
  set(threaded ${ARGN})
  list(FILTER threaded INCLUDE REGEX "threads_test\\.cpp$")
  set(plain ${ARGN})
  list(FILTER plain EXCLUDE REGEX "threads_test\\.cpp$")
  if(plain)
    tapegrad_add_test_program(tapegrad_${folder}_tests ${folder} ${folder} ${plain})
  endif()
  if(threaded)
    tapegrad_add_test_program(tapegrad_${folder}_threads_tests ${folder} threads ${threaded})
    add_dependencies(tapegrad_threads_tests tapegrad_${folder}_threads_tests)
  endif()
endfunction()

function(tapegrad_add_test_program target folder label)
  tapegrad_add_executable(${target} ${ARGN})
  # Tests are compiled more often than they run.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(
    ${target} PRIVATE GTest::gmock_main rapidcheck Eigen3::Eigen nlohmann_json::nlohmann_json fmt::fmt Threads::Threads
  )
  gtest_discover_tests(
    ${target} TEST_PREFIX ${folder}. NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT 300
  )
endfunction()

# tapegrad_add_tool(main.cpp ...): the program tapegrad.
function(tapegrad_add_tool)
  find_package(CLI11 2 CONFIG REQUIRED)
  tapegrad_add_executable(tapegrad_tool ${ARGN})
  target_link_libraries(tapegrad_tool PRIVATE tapegrad::interchange CLI11::CLI11 Eigen3::Eigen nlohmann_json::nlohmann_json fmt::fmt)
  set_target_properties(tapegrad_tool PROPERTIES OUTPUT_NAME tapegrad)
endfunction()

# tapegrad_add_examples(a.cpp ...): a program example_a for each, run as the test example.a.
function(tapegrad_add_examples)
  foreach(source IN LISTS ARGN)
    cmake_path(GET source STEM name)
    tapegrad_add_executable(example_${name} ${source})
    add_test(NAME example.${name} COMMAND example_${name})
    set_tests_properties(example.${name} PROPERTIES LABELS example TIMEOUT 300)
  endforeach()
endfunction()

# tapegrad_add_benchmarks(a_bench.cpp ...): a Google Benchmark program a_bench for each.
function(tapegrad_add_benchmarks)
  find_package(benchmark CONFIG REQUIRED)
  foreach(source IN LISTS ARGN)
    cmake_path(GET source STEM name)
    tapegrad_add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE benchmark::benchmark_main)
  endforeach()
endfunction()
