#include "normalise.h"

int main(void) { return normalises() ? 0 : 1; }
