#!/usr/bin/env bash
# Paints a list of jobs with several processes on one machine, under GNU parallel.
#
#   examples/parallel.sh JOBS WORKERS [nst options ...]
#
# JOBS is a .toml or .csv file as `nst batch` reads it; the options hold for all jobs. The cores are
# shared out evenly; give --threads to share them otherwise. After a failure or a killed worker, the
# same command does what is left. Set NST to run another binary. Exit code: that of parallel, the
# number of workers that failed.
set -eu

if [ $# -lt 2 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
fi
jobs=$1 workers=$2
shift 2
threads=$(($(nproc) / workers))
case " $* " in
*" --threads"*) ;;
*) set -- --threads "$((threads > 0 ? threads : 1))" "$@" ;;
esac
seq "$workers" |
    parallel --quote --jobs "$workers" --line-buffer --tagstring "{}/$workers" \
        "${NST:-nst}" batch "$jobs" --shard "{}/$workers" -- "$@"
