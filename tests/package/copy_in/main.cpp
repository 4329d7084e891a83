#include <mgca/core/random.hpp>

int main() { return mgca::permutation(10, {.seed = 1}).size() == 10 ? 0 : 1; }
