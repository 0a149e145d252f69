#include <cstdlib>
#include <cstring>

#include "loops.h"

namespace sapo {

#ifdef SAPO_X86_LEVELS
extern const Loops loops_v2, loops_v3, loops_v4;

// The best level that this CPU has, or a lower one that SAPO_CPU_LEVEL names.
static const Loops& best() {
    const char* wanted = std::getenv("SAPO_CPU_LEVEL");
    const auto allowed = [&](const char* level) { return !wanted || std::strcmp(level, wanted) <= 0; };
    if (allowed("v4") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return loops_v4;
    if (allowed("v3") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return loops_v3;
    return loops_v2;
}

const Loops& loops() {
    static const Loops& chosen = best();
    return chosen;
}
#else
extern const Loops loops_v1;

const Loops& loops() { return loops_v1; }
#endif

}  // namespace sapo
