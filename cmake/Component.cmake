# One folder of include/mgca = one layer = one component = one test folder.

include_guard(GLOBAL)

# mgca_component(NAME [TORCH] [DEPENDS lower components...] [LINKS third-party targets...])
# Makes mgca::NAME from include/mgca/NAME.hpp and include/mgca/NAME/**.hpp.
function(mgca_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "DEPENDS;LINKS")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/mgca/${name}/*.hpp
                                              ${PROJECT_SOURCE_DIR}/include/mgca/${name}/*.cuh)
  file(GLOB umbrella CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/mgca/${name}.hpp)
  add_library(mgca_${name} INTERFACE)
  add_library(mgca::${name} ALIAS mgca_${name})
  set_target_properties(mgca_${name} PROPERTIES EXPORT_NAME ${name})
  target_sources(mgca_${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                        FILES ${headers} ${umbrella})
  target_compile_features(mgca_${name} INTERFACE cxx_std_20)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(mgca_${name} INTERFACE mgca_${dependency})
  endforeach()
  target_link_libraries(mgca_${name} INTERFACE ${arg_LINKS})
  set_property(GLOBAL APPEND PROPERTY mgca_components ${name})
  if(arg_TORCH)
    set_property(GLOBAL APPEND PROPERTY mgca_torch_components ${name})
  endif()
endfunction()
