# Warnings of our own builds; never exported to users.
include_guard(GLOBAL)
add_library(mgca_warnings INTERFACE)
target_compile_options(mgca_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
                                               -Wno-unused-parameter)
if(MGCA_WARNINGS_AS_ERRORS)
  target_compile_options(mgca_warnings INTERFACE -Werror)
endif()
