# What only our own tests, examples and benchmarks are built with.
include_guard(GLOBAL)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

include(Warnings)
if(MGCA_SANITIZE)
  set(sanitizers address,undefined)
  if(MGCA_SANITIZE STREQUAL "thread")
    set(sanitizers thread)
  endif()
  target_compile_options(mgca_warnings INTERFACE -fsanitize=${sanitizers} -fno-sanitize-recover=all
                                                 -fno-omit-frame-pointer)
  target_link_options(mgca_warnings INTERFACE -fsanitize=${sanitizers})
endif()

# mgca_executable(NAME [TORCH] SOURCES... [LINKS ...]): an executable of ours; TORCH ones share one precompiled
# header, which holds libtorch headers only (a changed header of ours never rebuilds it).
function(mgca_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  mgca_own(${name} ${arg_LINKS})
  if(arg_TORCH)
    target_precompile_headers(${name} REUSE_FROM mgca_precompiled)
  endif()
endfunction()

function(mgca_own target)
  target_link_libraries(${target} PRIVATE mgca_warnings ${ARGN})
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

if(MGCA_TORCH)
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cpp.in "// Owner of the precompiled libtorch header.\n")
  configure_file(${PROJECT_BINARY_DIR}/precompiled.cpp.in ${PROJECT_BINARY_DIR}/precompiled.cpp COPYONLY)
  add_library(mgca_precompiled OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
  mgca_own(mgca_precompiled Libtorch::torch)
  target_precompile_headers(mgca_precompiled PRIVATE <torch/types.h> <torch/utils.h> <torch/nn/module.h>
    <torch/nn/modules/batchnorm.h> <torch/nn/modules/container/modulelist.h>
    <torch/nn/modules/container/sequential.h> <torch/nn/modules/conv.h> <torch/nn/modules/dropout.h>
    <torch/nn/modules/embedding.h> <torch/nn/modules/linear.h> <torch/nn/modules/normalization.h>
    <torch/nn/pimpl.h>)
endif()
