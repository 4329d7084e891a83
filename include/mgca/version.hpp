// Version of the library: the single source of truth, read by CMake too.
#pragma once

#define MGCA_VERSION_MAJOR 0
#define MGCA_VERSION_MINOR 1
#define MGCA_VERSION_PATCH 0
