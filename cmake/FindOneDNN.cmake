# Finds oneDNN's header and library, as the target DNNL::dnnl. Its own package, as Debian ships it, stops the
# configuration of every project on a machine without the OpenCL headers, which the library does not need.

find_path(OneDNN_INCLUDE_DIR NAMES oneapi/dnnl/dnnl_version.h)
find_library(OneDNN_LIBRARY NAMES dnnl)
mark_as_advanced(OneDNN_INCLUDE_DIR OneDNN_LIBRARY)

if(OneDNN_INCLUDE_DIR)
  file(STRINGS ${OneDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h parts REGEX "define DNNL_VERSION_(MAJOR|MINOR|PATCH)")
  list(TRANSFORM parts REPLACE "[^0-9]+" "")
  list(JOIN parts "." OneDNN_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  OneDNN REQUIRED_VARS OneDNN_LIBRARY OneDNN_INCLUDE_DIR VERSION_VAR OneDNN_VERSION
)

if(OneDNN_FOUND AND NOT TARGET DNNL::dnnl)
  add_library(DNNL::dnnl UNKNOWN IMPORTED)
  set_target_properties(
    DNNL::dnnl PROPERTIES IMPORTED_LOCATION ${OneDNN_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${OneDNN_INCLUDE_DIR}
  )
endif()
