# The installed package: headers, targets without absolute paths, and the modules that find libtorch.
# Torch-free targets and the others are exported apart, so that torch-free consumers need no libtorch.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/mgca)
get_property(torch_components GLOBAL PROPERTY mgca_torch_components)
set(free_components ${components})
list(REMOVE_ITEM free_components ${torch_components})
list(TRANSFORM free_components PREPEND mgca_ OUTPUT_VARIABLE free_targets)
list(TRANSFORM torch_components PREPEND mgca_ OUTPUT_VARIABLE torch_targets)

if(MGCA_TORCH)
  install(TARGETS ${free_targets} EXPORT mgcaFreeTargets FILE_SET HEADERS)
  install(TARGETS ${torch_targets} mgca EXPORT mgcaTorchTargets FILE_SET HEADERS)
  install(EXPORT mgcaTorchTargets NAMESPACE mgca:: DESTINATION ${package_dir})
else()
  install(TARGETS ${free_targets} mgca EXPORT mgcaFreeTargets FILE_SET HEADERS)
endif()
install(EXPORT mgcaFreeTargets NAMESPACE mgca:: DESTINATION ${package_dir})

# Each apart from the others, so that who does not ask for it needs no DCMTK or nccl.h.
get_property(optional_components GLOBAL PROPERTY mgca_optional_components)
foreach(component IN LISTS optional_components)
  install(TARGETS mgca_${component} EXPORT mgcaTargets_${component})
  install(EXPORT mgcaTargets_${component} NAMESPACE mgca:: DESTINATION ${package_dir})
endforeach()
install(FILES include/mgca/io/dicom_dcmtk.cpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mgca/io)
install(FILES include/mgca/tensor/distributed.cpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mgca/tensor)
install(DIRECTORY include/mgca/tensor/gloo_interface DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mgca/tensor)

configure_package_config_file(cmake/mgcaConfig.cmake.in mgcaConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(mgcaConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/mgcaConfig.cmake ${PROJECT_BINARY_DIR}/mgcaConfigVersion.cmake
              cmake/Dependencies.cmake cmake/FindLibtorch.cmake DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
