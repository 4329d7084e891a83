# cmake -DROOT=<source dir> -P CheckTests.cmake: every public header has tests/<folder>/<stem>_test.cpp.
cmake_minimum_required(VERSION 3.23)

# Headers without a test file of their own, each with the reason. A header leaves this list when its test comes; an entry
# that is no longer needed is an error.
set(untested
  # Gateways to libtorch: nothing of ours to test.
  tensor/nn.hpp
  tensor/torch.hpp
  # Plain records and concepts: tested where they are used.
  tasks/tower_use.hpp
  catalog/protocol.hpp
)

file(GLOB folders RELATIVE ${ROOT}/include/mgca ${ROOT}/include/mgca/*)
set(count 0)
foreach(folder IN LISTS folders)
  if(NOT IS_DIRECTORY ${ROOT}/include/mgca/${folder})
    continue()
  endif()
  file(GLOB_RECURSE headers RELATIVE ${ROOT}/include/mgca ${ROOT}/include/mgca/${folder}/*.hpp)
  foreach(header IN LISTS headers)
    if(header MATCHES "/detail/")
      continue()
    endif()
    math(EXPR count "${count} + 1")
    get_filename_component(stem ${header} NAME_WE)
    set(test tests/${folder}/${stem}_test.cpp)
    if(EXISTS ${ROOT}/${test})
      file(READ ${ROOT}/${test} text)
      if(NOT text MATCHES "TEST_CASE\\(\"[^\"]+: [^\"]+\", \"\\[${folder}\\]")
        message(SEND_ERROR "${test}: holds no TEST_CASE(\"<unit>: <claim>\", \"[${folder}]...\")")
      endif()
      if(header IN_LIST untested)
        message(SEND_ERROR "${header} has ${test}; take it off the list in CheckTests.cmake")
      endif()
    elseif(NOT header IN_LIST untested)
      message(SEND_ERROR "${header} has no ${test}; write it, or give the reason in CheckTests.cmake")
    endif()
  endforeach()
endforeach()
foreach(header IN LISTS untested)
  if(NOT EXISTS ${ROOT}/include/mgca/${header})
    message(SEND_ERROR "CheckTests.cmake: ${header} does not exist")
  endif()
endforeach()
if(count LESS 40)
  message(SEND_ERROR "only ${count} headers were found below ${ROOT}/include/mgca; is ROOT right?")
endif()
list(LENGTH untested missing)
message(STATUS "${count} headers, ${missing} of them without a test file of their own")
