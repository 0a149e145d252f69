#!/usr/bin/env bash
# A real Slurm on this machine for as long as standard input stays open: a controller and two nodes, each with a host
# name of its own. Needs root, and installs Debian's slurm-wlm and munge where they are missing.
#
#     scripts/tests/slurm/cluster.sh DIR [--accounting]
#
# DIR is short, new and on this machine; it is removed at the end. The one line on standard output is "ready", once both nodes are idle, or
# "not run: <why>". Then `SLURM_CONF=DIR/slurm.conf` is all that sbatch and its relatives need. DIR/run/NODE.pid is the
# daemon of a node; `DIR/node NODE` starts it again. Loopback only, free ports, nothing outside DIR but the packages.
# With --accounting there is also a slurmdbd on a MariaDB of its own, and `sacct` answers.
set -euo pipefail

dir=$1
accounting=${2:-}
exec 3>&1 1>&2

not_run() {
    echo "not run: $*" >&3
    exit 0
}

packages=(slurm-wlm munge)
[ -z "$accounting" ] || packages+=(slurmdbd mariadb-server)

installed() { dpkg-query -W -f='${Status}\n' "${packages[@]}" 2>/dev/null | grep -c '^install ok installed$'; }

[ "$(uname -s)" = Linux ] || not_run "a Slurm of one's own is started on Linux alone"
[ "$(id -u)" = 0 ] || not_run "starting a Slurm needs root"
command -v unshare >/dev/null || not_run "no unshare (util-linux)"
unshare --uts true 2>/dev/null || not_run "this machine allows no host names of one's own (unshare --uts)"
if [ "$(installed || true)" != "${#packages[@]}" ]; then
    command -v apt-get >/dev/null || not_run "no Slurm, and no apt-get to install it"
    echo "installing ${packages[*]}"
    # daemons of the packages are not started: only those below are
    install() {
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "${packages[@]}" >/dev/null
    }
    install || { apt-get update -qq && install; } || not_run "apt-get cannot install ${packages[*]}"
fi

umask 022
mkdir -p "$dir"/{run,log,ctld}
chmod 755 "$dir"
host=$(hostname -s)
read -r ctld_port node1_port node2_port dbd_port sql_port < <(python3 - <<'PY'
import random
import socket
# below the ports that the kernel gives to outgoing connections, which could take one before its daemon does
sockets = []
while len(sockets) < 5:
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randrange(10000, 30000)))
        sockets.append(one)
    except OSError:
        pass
print(*[one.getsockname()[1] for one in sockets])
PY
)

cat >"$dir/slurm.conf" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock
StateSaveLocation=$dir/ctld
SlurmdSpoolDir=$dir/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/%n-daemon.pid
SlurmctldPort=$ctld_port
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=6
KillWait=3
MaxArraySize=6
JobRequeue=1
NodeName=node1 NodeHostname=node1 NodeAddr=127.0.0.1 Port=$node1_port CPUs=1 RealMemory=1000
NodeName=node2 NodeHostname=node2 NodeAddr=127.0.0.1 Port=$node2_port CPUs=1 RealMemory=1000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=2
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
CONF
if [ -n "$accounting" ]; then
    cat >>"$dir/slurm.conf" <<CONF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$dbd_port
AccountingStoragePass=$dir/run/munge.sock
JobAcctGatherType=jobacct_gather/linux
MinJobAge=2
CONF
    cat >"$dir/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge.sock
DbdHost=localhost
DbdPort=$dbd_port
SlurmUser=root
PidFile=$dir/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$sql_port
StorageUser=root
StorageLoc=lab
CONF
    chmod 600 "$dir/slurmdbd.conf"
fi

# one start of a node, also by hand after it was lost
cat >"$dir/node" <<NODE
#!/bin/sh
export SLURM_CONF=$dir/slurm.conf
echo \$\$ >$dir/run/\$1.pid
exec unshare --uts sh -c 'hostname \$0 && exec slurmd -D -N \$0' \$1 >>$dir/log/\$1.log 2>&1
NODE
chmod +x "$dir/node"

# all that was started here, and all that it started: each has the path of this configuration in its environment
stop() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/}
        if grep -qsz "^SLURM_CONF=$dir/slurm.conf$" "$environ"; then
            kill -9 "${pid%/environ}" 2>/dev/null || true
        fi
    done
    rm -rf "$dir"
}
trap stop EXIT

daemon() {
    env SLURM_CONF="$dir/slurm.conf" "$@" </dev/null >>"$dir/log/$1.log" 2>&1 3>&- &
    disown
}
wait_for() {
    local what=$1
    shift
    for _ in $(seq 300); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    tail -n 5 "$dir"/log/*.log
    not_run "$what did not start"
}
asking() { env SLURM_CONF="$dir/slurm.conf" "$@"; }
both_idle() { [ "$(asking sinfo --noheader --Node --partition=main --format=%T | grep -c '^idle$')" = 2 ]; }

head -c 128 /dev/urandom >"$dir/run/key"
chmod 600 "$dir/run/key"
daemon munged --foreground --force --socket="$dir/run/munge.sock" --pid-file="$dir/run/munged.pid" \
    --log-file="$dir/log/munge.log" --seed-file="$dir/run/seed" --key-file="$dir/run/key"
wait_for munged munge --socket="$dir/run/munge.sock" --no-input
if [ -n "$accounting" ]; then
    mariadb-install-db --user=root --datadir="$dir/sql" --auth-root-authentication-method=normal >/dev/null
    daemon mariadbd --no-defaults --user=root --datadir="$dir/sql" --socket="$dir/run/sql.sock" \
        --bind-address=127.0.0.1 --port="$sql_port" --skip-grant-tables --skip-name-resolve
    wait_for MariaDB mariadb --no-defaults --socket="$dir/run/sql.sock" --execute "create database if not exists lab"
    daemon slurmdbd -D
    wait_for slurmdbd asking sacctmgr --immediate --noheader add cluster lab
fi
daemon slurmctld -D -i
wait_for slurmctld asking scontrol ping
for node in node1 node2; do
    "$dir/node" "$node" </dev/null 3>&- &
    disown
done
wait_for "a node" both_idle

echo ready >&3
# nothing is read: the end of the input is the end of the cluster
cat >/dev/null
