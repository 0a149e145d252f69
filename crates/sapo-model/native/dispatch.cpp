#include "loops.h"

namespace sapo {

#ifdef SAPO_X86_LEVELS
extern const Loops loops_v2, loops_v3, loops_v4;

const Loops& loops() {
    static const Loops& best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                                   ? loops_v4
                               : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? loops_v3
                                                                                                   : loops_v2;
    return best;
}
#else
extern const Loops loops_v1;

const Loops& loops() { return loops_v1; }
#endif

}  // namespace sapo
