use std::iter;

use sysinfo::{MemoryRefreshKind, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory that this process may take now, in bytes: what is free on this machine, left in its
/// container, or within the address space that it may have (`ulimit -v`). None where the system does
/// not say.
pub fn free() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    let machine = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    let container = system.cgroup_limits().map(|limits| limits.free_memory);
    let process = sysinfo::get_current_pid().ok();
    let process = process.and_then(|id| {
        let memory = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), false, memory);
        system.process(id)
    });
    let own = process.and_then(Process::cgroup_limits);
    let own = own.map(|limits| limits.free_memory);
    let addresses = process.and_then(addresses_left);
    iter::chain(machine, container)
        .chain(own)
        .chain(addresses)
        .min()
}

/// What is left of the address space that the process may have, if there is a bound.
#[cfg(unix)]
fn addresses_left(process: &Process) -> Option<u64> {
    let (most, _) = rlimit::Resource::AS.get().ok()?;
    (most != rlimit::INFINITY).then(|| most.saturating_sub(process.virtual_memory()))
}

#[cfg(not(unix))]
fn addresses_left(_: &Process) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_says_how_much_is_free() {
        assert!(free().is_some_and(|bytes| bytes > 1 << 20));
    }
}
