#include <cstdlib>
#include <cstring>

#include "loops.h"

namespace sapo {

#ifdef SAPO_X86_LEVELS
extern const Loops loops_v2, loops_v3, loops_v4;

struct Level {
    const char* name;
    const Loops& loops;
};

// The best level that this CPU has, or a lower one that SAPO_CPU_LEVEL names.
static Level best() {
    const char* wanted = std::getenv("SAPO_CPU_LEVEL");
    const auto allowed = [&](const char* level) { return !wanted || std::strcmp(level, wanted) <= 0; };
    if (allowed("v4") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return {"v4", loops_v4};
    if (allowed("v3") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {"v3", loops_v3};
    return {"v2", loops_v2};
}

static const Level& level() {
    static const Level chosen = best();
    return chosen;
}

const Loops& loops() { return level().loops; }
const char* level_name() { return level().name; }
#else
extern const Loops loops_v1;

const Loops& loops() { return loops_v1; }
const char* level_name() { return "v1"; }
#endif

}  // namespace sapo
