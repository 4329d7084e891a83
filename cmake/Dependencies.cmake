# Third-party libraries, each as an imported target. Included by our own build and by the installed package, so a
# consumer finds exactly what we found.
include_guard(GLOBAL)
include(CMakeFindDependencyMacro)

find_dependency(Threads)
find_dependency(nlohmann_json 3.10)
find_dependency(ZLIB)
find_dependency(PNG)
find_dependency(JPEG)
find_dependency(Eigen3 3.4 NO_MODULE)
find_dependency(pugixml)

# Two libraries whose distribution packages bring no CMake config everywhere.
function(mgca_find_plain target header library package)
  if(TARGET ${target})
    return()
  endif()
  string(MAKE_C_IDENTIFIER MGCA_${target} id)
  find_path(${id}_INCLUDE_DIR ${header})
  mark_as_advanced(${id}_INCLUDE_DIR ${id}_LIBRARY)
  if(library)
    find_library(${id}_LIBRARY ${library})
  endif()
  if(NOT ${id}_INCLUDE_DIR OR (library AND NOT ${id}_LIBRARY))
    message(FATAL_ERROR "mgca: ${header} was not found; install ${package} (Debian, Ubuntu) or set ${id}_INCLUDE_DIR")
  endif()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${${id}_INCLUDE_DIR})
  if(library)
    target_link_libraries(${target} INTERFACE ${${id}_LIBRARY})
  endif()
endfunction()

mgca_find_plain(xxhash::xxhash xxhash.h "" libxxhash-dev)  # used header-only
mgca_find_plain(utf8proc::utf8proc utf8proc.h utf8proc libutf8proc-dev)

if(MGCA_TORCH)
  if(MGCA_CUDA)
    find_dependency(Libtorch 2.6 COMPONENTS cuda)
  else()
    find_dependency(Libtorch 2.6)
  endif()
endif()
