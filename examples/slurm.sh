#!/usr/bin/env bash
#SBATCH --job-name=nst
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
# Paints a list of jobs as a Slurm array on any number of machines that share a folder.
#
#   sbatch examples/slurm.sh JOBS [nst options ...]
#
# JOBS is a .toml or .csv file as `nst batch` reads it; the options hold for all jobs. Two minutes
# before its time is up a task saves the picture it has and stops; the same command does what is left.
# Set NST to run another binary.
set -eu

if [ $# -lt 1 ]; then
    sed -n '7,13s/^# \{0,1\}//p' "$0"
    exit 2
fi
jobs=$1
shift
shard=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))/$SLURM_ARRAY_TASK_COUNT
# In place of the shell, so that Slurm's signal reaches nst.
exec "${NST:-nst}" batch "$jobs" --shard "$shard" -- --threads "${SLURM_CPUS_PER_TASK:-1}" "$@"
