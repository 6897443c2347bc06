use std::collections::{BTreeMap, BTreeSet};

use nst::device::Backend;
use nst::job::InputSizes;
use nst::{Inputs, Job, Plan};

use crate::cli::args::Transfer;
use crate::cli::flags::Flags;
use crate::cli::inputs::{self, Reader};
use crate::cli::memory;
use crate::cli::output::Target;
use crate::cli::outputs::{Outputs, Record};

/// A run before its network is loaded: everything is read and checked.
pub struct Prepared {
    pub pictures: Inputs,
    pub job: Job,
    pub plan: Plan,
    /// The flags that make the same picture wherever they are given.
    pub flags: Flags,
    /// The digests of the inputs, by name.
    pub digests: BTreeMap<String, String>,
    /// The steps whose frames are there and may be replaced.
    pub own: BTreeSet<usize>,
}

impl Prepared {
    /// Reads the inputs, plans for the backend that computes, and checks that all outputs can be
    /// written.
    pub fn new(
        args: &Transfer,
        flags: &Flags,
        backend: Backend,
        target: &Target,
        outputs: &Outputs<'_>,
        note: &dyn Fn(&str),
    ) -> anyhow::Result<Self> {
        let reader = Reader::new(args, note);
        let pictures = inputs::read(args, &reader)?;
        let mut job = inputs::job(args);
        job.init = inputs::init(&args.pictures.init, &reader)?;
        let asked = job.size;
        let plan = memory::plan(
            &args.hardware,
            backend,
            &mut job,
            &InputSizes::from(&pictures),
            note,
        )?;
        let flags = if job.size == asked {
            flags.clone()
        } else {
            sized(flags, &job)
        };
        let digests = reader.digests();
        let record = Record {
            flags: &flags,
            inputs: &digests,
        };
        outputs.check_plan(&plan)?;
        if !target.may_replace(&record) {
            return Err(outputs.in_the_way(target.path().to_owned()));
        }
        let own = outputs.check_frames(plan.steps(), &record)?;
        Ok(Self {
            pictures,
            job,
            plan,
            flags,
            digests,
            own,
        })
    }
}

/// The flags of a job whose size was made to fit the memory, which may be another tomorrow.
fn sized(flags: &Flags, job: &Job) -> Flags {
    let mut flags = flags.clone();
    flags.remove("area");
    flags.set("size", &[job.size.to_string()]);
    flags
}

#[cfg(test)]
mod tests {
    use nst::job::Size;

    use super::*;

    #[test]
    fn a_size_made_to_fit_takes_the_place_of_the_one_asked_for() {
        let mut flags = Flags::default();
        flags.set("area", &["9MP"]);
        let job = Job {
            size: Size::Long(300),
            ..Job::default()
        };
        let mut expected = Flags::default();
        expected.set("size", &["300"]);
        assert_eq!(sized(&flags, &job), expected);
    }
}
