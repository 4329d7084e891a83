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

# mgca_optional_component(NAME SOURCE LINKS targets... [INCLUDES folders...])
# Makes mgca::NAME of one source file, compiled into each program that links it: what that file needs, nobody else needs. It is exported
# in a file of its own, for those who ask find_package for it by name. Source and folders of headers are named as below include/.
function(mgca_optional_component name source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "LINKS;INCLUDES")
  set(built ${PROJECT_SOURCE_DIR}/include)
  add_library(mgca_${name} INTERFACE)
  add_library(mgca::${name} ALIAS mgca_${name})
  set_target_properties(mgca_${name} PROPERTIES EXPORT_NAME ${name})
  target_sources(mgca_${name} INTERFACE $<BUILD_INTERFACE:${built}/${source}>
                                        $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_INCLUDEDIR}/${source}>)
  foreach(folder IN LISTS arg_INCLUDES)
    target_include_directories(mgca_${name} SYSTEM INTERFACE $<BUILD_INTERFACE:${built}/${folder}>
                                                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/${folder}>)
  endforeach()
  target_link_libraries(mgca_${name} INTERFACE ${arg_LINKS})
  set_property(GLOBAL APPEND PROPERTY mgca_optional_components ${name})
endfunction()
