// Everything a user can include, in one file.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>
