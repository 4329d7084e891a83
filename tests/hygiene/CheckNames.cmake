# cmake -DROOT=<source dir> -P CheckNames.cmake: no header knows a model by its name. What differs between models is data of their entries or a
# member of theirs; a name that is taken apart (`name.starts_with("moco-")`) is a branch that the next model falls through.
cmake_minimum_required(VERSION 3.23)

# Headers where names of the catalogue stand, each with the reason.
set(naming
  catalog/presets.hpp      # the list of models itself
  catalog/choice.hpp       # a default value
  catalog/infer_model.hpp  # what weights belong to: from shapes to a name, not from a name to behaviour
  catalog/protocols.hpp    # which models published recipes were used on: data
)

file(READ ${ROOT}/include/mgca/catalog/presets.hpp text)
string(REGEX MATCHALL "add<[A-Za-z]+>\\(\"[a-z0-9-]+\"" entries "${text}")
set(names "")
set(methods "")
foreach(entry IN LISTS entries)
  string(REGEX REPLACE ".*\"([a-z0-9-]+)\"" "\\1" name "${entry}")
  string(REGEX REPLACE "-.*" "" method "${name}")
  list(APPEND names ${name})
  list(APPEND methods ${method})
endforeach()
list(REMOVE_DUPLICATES methods)
list(LENGTH names count)
if(count LESS 5)
  message(FATAL_ERROR "only ${count} models were found in presets.hpp; does add_standard still look like add<Model>(\"name\"?")
endif()
list(JOIN names "|" any_name)
list(JOIN methods "|" any_method)

file(GLOB_RECURSE headers RELATIVE ${ROOT}/include/mgca ${ROOT}/include/mgca/*.hpp)
set(used "")
foreach(header IN LISTS headers)
  file(STRINGS ${ROOT}/include/mgca/${header} lines REGEX "\"(${any_name})\"")
  if(lines AND header IN_LIST naming)
    list(APPEND used ${header})
  elseif(lines)
    message(SEND_ERROR "${header}: knows a model by its name: ${lines}; let the model or its entry say what differs, or give the reason in CheckNames.cmake")
  endif()
  file(STRINGS ${ROOT}/include/mgca/${header} lines REGEX "(==|!=|starts_with\\(|find\\(|contains\\() *\"(${any_method})-")
  if(lines)
    message(SEND_ERROR "${header}: takes a model's name apart: ${lines}")
  endif()
endforeach()
foreach(header IN LISTS naming)
  if(NOT header IN_LIST used)
    message(SEND_ERROR "CheckNames.cmake: ${header} names no model; take it off the list")
  endif()
endforeach()
message(STATUS "${count} models, known by name only where they must be")
