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

# One precompiled header per set of flags. It holds libtorch and the JSON library, whose parser every file that reads a
# configuration would instantiate again; nothing of ours, so a changed header of ours never rebuilds it.
function(mgca_precompiled name)
  set(source ${PROJECT_BINARY_DIR}/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Owner of a precompiled libtorch header.\n")
  add_library(${name} OBJECT ${source})
  mgca_own(${name} Libtorch::torch nlohmann_json::nlohmann_json)
  target_compile_options(${name} PRIVATE ${ARGN})
  target_precompile_headers(${name} PRIVATE <torch/types.h> <torch/utils.h> <torch/nn/module.h>
    <torch/nn/modules/batchnorm.h> <torch/nn/modules/container/modulelist.h>
    <torch/nn/modules/container/sequential.h> <torch/nn/modules/conv.h> <torch/nn/modules/dropout.h>
    <torch/nn/modules/embedding.h> <torch/nn/modules/linear.h> <torch/nn/modules/normalization.h>
    <torch/nn/pimpl.h> <nlohmann/json.hpp>)
endfunction()

function(mgca_own target)
  target_link_libraries(${target} PRIVATE mgca_warnings ${ARGN})
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# mgca_executable(NAME [TORCH] [TEST] SOURCES... [LINKS ...]): an executable of ours. TEST adds MGCA_TEST_FLAGS. What several of its
# files instantiate is compiled once with MGCA_UNITY; names in their unnamed namespaces must therefore differ.
function(mgca_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;TEST" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${MGCA_UNITY} UNITY_BUILD_BATCH_SIZE 15)
  mgca_own(${name} ${arg_LINKS})
  mgca_use(${name} ${arg_TORCH} ${arg_TEST})
endfunction()

# Where DCMTK is, the target reads every kind of DICOM file.
function(mgca_use_dicom target)
  if(TARGET mgca_dicom)
    target_link_libraries(${target} PRIVATE mgca_dicom)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/include/mgca/io/dicom_dcmtk.cpp TARGET_DIRECTORY ${target}
                                PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)  # DCMTK's macros stay there
  endif()
endfunction()

# The flags of a test and the precompiled header that fits them.
function(mgca_use target torch test)
  set(precompiled mgca_precompiled)
  if(test AND MGCA_TEST_FLAGS)
    separate_arguments(flags NATIVE_COMMAND "${MGCA_TEST_FLAGS}")
    target_compile_options(${target} PRIVATE ${flags})
    set(precompiled mgca_precompiled_test)
  endif()
  if(torch)
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
  endif()
endfunction()

if(MGCA_TORCH)
  mgca_precompiled(mgca_precompiled)
  if(MGCA_TEST_FLAGS)
    separate_arguments(flags NATIVE_COMMAND "${MGCA_TEST_FLAGS}")
    mgca_precompiled(mgca_precompiled_test ${flags})
  endif()
endif()

# Our own executables share one compiled mgca::distributed.
if(MGCA_TORCH)
  add_library(mgca_compiled_distributed OBJECT)
  mgca_own(mgca_compiled_distributed mgca_distributed)
endif()
