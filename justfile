# Run `./just` (it brings libtorch and `just` if they are missing), or plain `just` after that.

set positional-arguments

# the crates that never link libtorch, and those that do
fast := '-p sapo-files -p sapo-http -p sapo-metrics -p sapo-bandit -p sapo-prompts -p sapo-tasks -p sapo-lab'
torch := '-p sapo-model -p sapo-probes -p sapo-bench -p sapo-learn -p sapo-cli -p experiments'

# List the recipes
_default:
    @'{{ just_executable() }}' --list --unsorted

# Run an experiment: just experiment quickstart --seeds 2 (--help lists its options)
experiment name *args:
    @name=$1; shift; cargo run --release -p experiments --bin "$name" -- "$@"

# Draw an experiment's tables and plots again from its stored runs (model and data are only read, for the names of the cells)
plot name *args:
    @name=$1; shift; cargo run --release -p experiments --bin "$name" -- --plot-only "$@"

# Run all experiments, and write their results into the docs and the notebooks: just reproduce --quick (--help lists its options)
reproduce *args:
    cargo build --release -p experiments --bins
    cargo run --release -p experiments --bin reproduce -- "$@"

# Make a base model: just pretrain nano
pretrain name *args:
    cargo run --release -p experiments --bin pretrain -- "$@"

# Compile everything
build:
    cargo build --release --workspace

# Check everything: formatting, lints, documentation, all tests, and a tiny quickstart from end to end
test: lint docs test-scripts test-fast test-end-to-end test-torch

# Test the crates that need no libtorch
test-fast *args:
    cargo test --release {{ fast }} "$@"

# Test the crates on libtorch; the model core also with the other library for products and the other CPU loops
test-torch *args:
    cargo test --release {{ torch }} "$@"
    SAPO_MATMUL=blas SAPO_CPU_LEVEL=v3 cargo test --release {{ torch }} --test suite "$@"
    SAPO_MATMUL=onednn SAPO_CPU_LEVEL=v2 cargo test --release {{ torch }} --test suite "$@"

# Run a tiny quickstart twice: whole the first time, from stored cells the second
test-end-to-end:
    JUST='{{ just_executable() }}' scripts/tests/end_to_end.sh

# Test the scripts that bring libtorch and just, what the side-by-side runs decide, and the notebooks
test-scripts:
    python3 -m unittest discover --quiet --start-directory scripts/tests

# Check formatting and lints; nothing is changed
lint:
    cargo fmt --all --check
    cargo clippy --locked --release --workspace --all-targets -- -D warnings

# Measure speed: just bench -p sapo-metrics
bench *args:
    cargo bench "$@"

# Compare with transformers and PEFT, whole processes side by side: just bench-peers --quick (--help lists its options)
bench-peers *args:
    #!/bin/sh
    set -eu
    python=$(python3 scripts/peer-python.py)
    exec "$python" bench/peers/run_peers.py "$@"

# Make fixtures with transformers and PEFT (those of PARITY_PYTHON, else pinned ones) and run the parity tests on them
parity seed='100000' scale='2':
    #!/bin/sh
    set -eu
    python=${PARITY_PYTHON:-$(python3 scripts/peer-python.py)}
    here=crates/sapo-model/tests/fixtures
    SAPO_FIXTURES=$(mktemp -d)
    export SAPO_FIXTURES
    trap 'rm -rf "$SAPO_FIXTURES"' EXIT
    "$python" -B $here/make_fixtures.py --seed "$1" --scale "$2" --out "$SAPO_FIXTURES"
    adapters=${CARGO_TARGET_DIR:-target}/tmp/adapters-for-peft
    rm -rf "$adapters"
    cargo test --release {{ torch }} --test suite --test parity
    "$python" -B $here/check_adapters_in_peft.py --fixtures "$SAPO_FIXTURES" "$adapters"

# Ask a real chat server (transformers serve of PEER_PYTHON, which needs transformers[serving]) for paraphrases
live-chat:
    #!/bin/sh
    set -eu
    python=$(python3 scripts/peer-python.py)
    cargo build --release {{ torch }} --bin sapo
    exec "$python" -B scripts/live/chat.py

# Build the documentation of the crates into target/doc
docs *args:
    RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps "$@"

# Remove what ./just has downloaded, and CI's compiled crates (base models are kept)
clean-cache:
    #!/bin/sh
    set -eu
    cache=${SAPO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sapo}
    for part in "$cache"/libtorch-* "$cache"/just-* "$cache"/tmp-* "$cache"/downloads "$cache"/peer-python-* "$cache"/bench-peers "$cache"/target; do
        [ -e "$part" ] || continue
        echo "removing $part"
        rm -rf "$part"
    done
