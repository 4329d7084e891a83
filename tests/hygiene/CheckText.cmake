# cmake -DROOT=<source dir> -P CheckText.cmake: what the library's text may not contain, and how long a header may be.
cmake_minimum_required(VERSION 3.23)

# Headers over 250 lines, each with the reason it is not two.
set(long_headers
  core/config.hpp  # one visitor family; splitting it would separate reading from writing
)
set(limit 250)

file(GLOB_RECURSE headers RELATIVE ${ROOT}/include/mgca ${ROOT}/include/mgca/*.hpp)
foreach(header IN LISTS headers)
  file(READ ${ROOT}/include/mgca/${header} text)
  foreach(word IN ITEMS "std::cout" "std::cerr" "std::clog" "printf(" "std::puts" "exit(" "abort(" "getenv"
                        "using namespace std")
    string(FIND "${text}" "${word}" at)
    if(NOT at EQUAL -1 AND NOT (word MATCHES "printf" AND text MATCHES "snprintf\\("))
      message(SEND_ERROR "${header}: contains '${word}'; the library neither prints nor ends the program nor reads the environment")
    endif()
  endforeach()
  if(text MATCHES "TODO[^(]|FIXME|XXX")
    message(SEND_ERROR "${header}: a TODO needs an issue number: TODO(#12)")
  endif()
  if(NOT header STREQUAL "train/meter.hpp" AND text MATCHES "\\.item[<(]")
    message(SEND_ERROR "${header}: .item() waits for the device; only train/meter.hpp may")
  endif()
  if(NOT text MATCHES "#pragma once")
    message(SEND_ERROR "${header}: lacks #pragma once")
  endif()
  if(header MATCHES "/" AND NOT text MATCHES "^//")
    message(SEND_ERROR "${header}: begins without a comment that says what it is")
  endif()
  string(REGEX REPLACE "[^\n]" "" newlines "${text}")
  string(LENGTH "${newlines}" lines)
  if(lines GREATER limit AND NOT header IN_LIST long_headers)
    message(SEND_ERROR "${header}: ${lines} lines, the limit is ${limit}; split it or give the reason in CheckText.cmake")
  endif()
endforeach()

file(GLOB mains ${ROOT}/examples/[0-9]*/main.cpp)
foreach(main IN LISTS mains)
  file(STRINGS ${main} lines)
  list(LENGTH lines count)
  if(count GREATER 60)
    message(SEND_ERROR "${main}: ${count} lines; an example fits on one screen (60)")
  endif()
endforeach()

# `command | grep -q` under pipefail fails by chance: grep leaves at the first match, and the broken pipe of a command that
# still writes counts as its failure.
file(GLOB scripts ${ROOT}/bootstrap.sh ${ROOT}/tests/*/*.sh ${ROOT}/benchmarks/*/*.sh)
foreach(script IN LISTS scripts)
  file(STRINGS ${script} lines REGEX "[^|][|] *grep -[A-Za-z]*q")
  if(lines)
    message(SEND_ERROR "${script}: a pipe into grep -q; write the output to a file and search that: ${lines}")
  endif()
endforeach()
