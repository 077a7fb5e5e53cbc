#!/usr/bin/env bash
# A SLURM of one node, this host, out of Debian's packages, for the tests marked slurm. As root:
#   tests/workflow/one_node_slurm.sh start     # installs slurm-wlm and munge if they are missing, and waits for an idle node
#   tests/workflow/one_node_slurm.sh stop      # ends its jobs and daemons, and takes its configuration away
#   tests/workflow/one_node_slurm.sh status    # exit code 0: the node takes jobs
#   tests/workflow/one_node_slurm.sh kill      # as if the node lost power: its daemon and all jobs on it; `start` brings it back
# No systemd, cgroups or accounting database; every listener on 127.0.0.1. The node has a GPU that is none (/dev/null), so that
# requests for one can be tried. Logs stay under /var/tmp/one-node-slurm.
set -euo pipefail

CONF=/etc/slurm/slurm.conf # no other place: the executor drops SLURM_CONF from the environment of a job's inner srun
GRES=/etc/slurm/gres.conf
HEAD="# written by one_node_slurm.sh"
PLACE=/var/tmp/one-node-slurm
WAIT=60 # seconds for a daemon to answer

fail() { echo "one_node_slurm: $*" >&2 && exit 2; }
alive() { # whether that id is still of that daemon, not of a later process; a dead one that nobody has waited for is none
    [[ "$(ps -o stat= -o comm= -p "$1" 2>/dev/null)" =~ ^[^Z][^\ ]*\ +"$2"$ ]]
}
running() { [ -f "$PLACE/$1.pid" ] && alive "$(cat "$PLACE/$1.pid")" "$1"; }
munge_answers() { munge -n 2>/dev/null | unmunge >/dev/null 2>&1; }
is_down() { sinfo -h -o %T 2>/dev/null | grep -q '^down'; }
takes_jobs() { sinfo -h -o %T 2>/dev/null | grep -qE '^(idle|mixed|allocated)$'; }
queue_is_empty() { [ -z "$(squeue -h 2>&1)" ]; }
ours() { [ "$(head -n 1 "$CONF" 2>/dev/null)" = "$HEAD" ]; }

await() { # command to succeed, what to say if it does not
    for _ in $(seq $((WAIT * 5))); do $1 >/dev/null 2>&1 && return; sleep 0.2; done
    fail "$2"
}

descendants() { # of a process, itself among them
    echo "$1"
    for child in $(pgrep -P "$1"); do descendants "$child"; done
}

steps() { # of our node: each works where slurmd writes its log
    for step in $(pgrep -x slurmstepd); do
        [ "$(readlink "/proc/$step/cwd")" != "$PLACE" ] || echo "$step"
    done
}

end() { # a daemon of ours, by the id it wrote
    running "$1" || return 0
    local pid
    pid=$(cat "$PLACE/$1.pid")
    kill "$pid"
    for _ in $(seq $((WAIT * 5))); do alive "$pid" "$1" || return 0; sleep 0.2; done
    kill -9 "$pid"
}

installed() {
    for command in slurmctld slurmd munged; do command -v "$command" >/dev/null || return 1; done
}

install() {
    installed && return
    command -v apt-get >/dev/null || fail "slurmctld, slurmd or munged is missing, and so is apt-get to install slurm-wlm and munge with"
    local said
    said=$({ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends slurm-wlm munge; } 2>&1) ||
        fail "apt-get could not install slurm-wlm and munge: $(tail -n 1 <<<"$said")"
}

configure() { # cores and memory as this host has them; a tenth of the memory stays with the daemons
    local host cores memory
    host=$(hostname -s)
    cores=$(nproc)
    memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    mkdir -p "$(dirname "$CONF")"
    cat >"$CONF" <<EOF
$HEAD
ClusterName=one-node
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
SrunPortRange=16900-16999
StateSaveLocation=$PLACE/state
SlurmdSpoolDir=$PLACE/spool
SlurmctldPidFile=$PLACE/slurmctld.pid
SlurmdPidFile=$PLACE/slurmd.pid
SlurmctldLogFile=$PLACE/slurmctld.log
SlurmdLogFile=$PLACE/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
# a node that is silent for so long is down
SlurmdTimeout=10
KillWait=5
# without a database, an ended job is known as long as this
MinJobAge=3600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory Gres=gpu:fake:1 State=UNKNOWN
PartitionName=one-node Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF
    printf '%s\nNodeName=%s Name=gpu Type=fake File=/dev/null\n' "$HEAD" "$host" >"$GRES"
}

start() {
    install
    if ! running slurmctld; then
        [ ! -s "$CONF" ] || ours || fail "$CONF is another cluster's: nothing is started over it"
        rm -rf "$PLACE"
        mkdir -p "$PLACE/state" "$PLACE/spool"
        configure
    fi
    if ! munge_answers; then
        [ -s /etc/munge/munge.key ] || fail "/etc/munge/munge.key is missing: Debian's package munge makes it"
        command install -d -o munge -g munge /run/munge
        setpriv --reuid=munge --regid=munge --clear-groups munged
        touch "$PLACE/munged.ours"
        await munge_answers "munged does not answer: see /var/log/munge/munged.log"
    fi
    running slurmctld || slurmctld
    await "scontrol ping" "slurmctld does not answer: see $PLACE/slurmctld.log"
    running slurmd || slurmd
    await takes_jobs "the node is $(sinfo -h -o %T) and takes no jobs: see $PLACE/slurmd.log"
}

stop() {
    ours || { echo "one_node_slurm: nothing was started"; return; }
    if running slurmctld; then
        squeue -h -o %A | xargs -r scancel
        running slurmd && await queue_is_empty "jobs would not end: $(squeue -h -o '%A %T' | head -n 1)"
    fi
    end slurmd
    end slurmctld
    [ ! -e "$PLACE/munged.ours" ] || setpriv --reuid=munge --regid=munge --clear-groups munged --stop >/dev/null
    rm -rf "$CONF" "$GRES" "$PLACE/munged.ours" "$PLACE/state" "$PLACE/spool"
}

kill_node() {
    running slurmd || fail "no node is running: start it first"
    local daemon
    daemon=$(cat "$PLACE/slurmd.pid")
    kill -9 "$daemon" $(for step in $(steps); do descendants "$step"; done) 2>/dev/null || true
    await is_down "the controller takes a dead node for alive: see $PLACE/slurmctld.log"
}

[ "$(id -u)" = 0 ] || [ "${1:-}" = status ] || fail "only root can $* a cluster"
case "${1:-}" in
start) start ;;
stop) stop ;;
status) installed && takes_jobs || fail "no node takes jobs: $0 start" ;;
kill) kill_node ;;
*) fail "start, stop, status or kill?" ;;
esac
