# What the library is built from. tapegradConfig.cmake.in repeats those that a static libtapegrad.a leaves to be linked.

# Eigen's own version check takes 5 to be incompatible with 3.4, so the lower bound is checked here.
find_package(Eigen3 CONFIG REQUIRED)
if(Eigen3_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "tapegrad needs Eigen 3.4 or later, found ${Eigen3_VERSION} in ${Eigen3_DIR}")
endif()
find_package(Boost 1.74 CONFIG REQUIRED)
find_package(nlohmann_json 3.10 CONFIG REQUIRED)
find_package(fmt 9 CONFIG REQUIRED)
find_package(utf8proc REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(libjpeg-turbo CONFIG REQUIRED)
find_package(Threads REQUIRED)

if(TAPEGRAD_OPENMP)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
endif()

# Folders choose sources by this variable, and code may ask for the macro of the same name.
set(TAPEGRAD_HAS_ONEDNN OFF)
if(TAPEGRAD_ONEDNN)
  find_package(OneDNN 2.6)
  set(TAPEGRAD_HAS_ONEDNN ${OneDNN_FOUND})
  if(NOT OneDNN_FOUND)
    message(STATUS "Convolution unfolds windows; on Debian, libdnnl-dev makes it faster")
  endif()
endif()
