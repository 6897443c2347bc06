use bytesize::ByteSize;
use nst::device::Backend;
use nst::job::{InputSizes, Plan};
use nst::{Job, JobError, memory};

use crate::cli::args::Hardware;

/// The plan of a job that fits into the memory there is; with `--fit`, of a smaller one. `backend`
/// is the one that computes.
///
/// Graphics memory is its driver's affair: only the CPU's is bounded.
///
/// # Errors
///
/// A setting that cannot be, or a job too large for the memory.
pub fn plan(
    args: &Hardware,
    backend: Backend,
    job: &mut Job,
    inputs: &InputSizes,
    note: &dyn Fn(&str),
) -> Result<Plan, JobError> {
    let plan = job.plan(inputs)?;
    let needed = memory::predict(job, &plan, inputs);
    let Some(limit) = limit(args, backend).filter(|&limit| needed > limit) else {
        return Ok(plan);
    };
    let fits = memory::largest_size(job, inputs, limit)?;
    let Some(size) = fits.filter(|_| args.fit) else {
        let (needed, limit) = (said(needed), said(limit));
        return Err(JobError::Memory {
            needed,
            limit,
            fits,
        });
    };
    job.size = size;
    note(&format!(
        "--fit: painting at --size {size}, for {} of memory",
        said(limit)
    ));
    job.plan(inputs)
}

/// The most memory a run on a backend may take, if it is known.
pub fn limit(args: &Hardware, backend: Backend) -> Option<u64> {
    let given = args.max_memory.map(|size| size.as_u64());
    let on_cpu = matches!(backend, Backend::Cpu | Backend::Ndarray);
    given.or_else(memory::free).filter(|_| on_cpu)
}

/// Bytes for people.
pub fn said(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}
