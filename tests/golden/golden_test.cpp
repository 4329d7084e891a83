#include "case.hpp"
#include "catch.hpp"
