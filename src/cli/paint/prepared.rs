use std::collections::{BTreeMap, BTreeSet};

use nst::{Inputs, Job, Plan};

use crate::cli::args::{ResultSize, Transfer};
use crate::cli::devices;
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
        target: &Target,
        outputs: &Outputs<'_>,
        note: &dyn Fn(&str),
    ) -> anyhow::Result<Self> {
        let reader = Reader::new(args, note);
        let mut pictures = inputs::read(args, &reader)?;
        let mut job = inputs::job(args);
        job.init = inputs::init(args, &reader)?;
        outputs.go_on_as_before(flags, &mut job)?;
        let asked = job.size;
        let sizes = inputs::sizes(args, &pictures);
        let backend = devices::effective(&args.hardware);
        let plan = memory::plan(&args.hardware, backend, &mut job, &sizes, note)?;
        if inputs::filled(args).is_some() {
            let (width, height) = plan.size();
            pictures.content = pictures.content.resized(width, height);
        }
        let mut flags = adapted(flags, &job, args);
        if job.size != asked {
            let size = match inputs::filled(args) {
                Some(_) => ResultSize::Filled(plan.size().0, plan.size().1),
                None => ResultSize::Kept(job.size),
            };
            flags = sized(&flags, size);
        }
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

/// The flags of a job that was cut into tiles or has less history so that it fits the memory, which
/// may be another tomorrow.
fn adapted(flags: &Flags, job: &Job, args: &Transfer) -> Flags {
    let mut flags = flags.clone();
    if job.tile.smallest().is_some() {
        flags.set("tile", &[job.tile.to_string()]);
    }
    let history = job.optimize.history;
    if history != args.optimisation.history {
        flags.set("history", &[history.to_string()]);
    }
    flags
}

/// The flags of a job whose size was made to fit the memory, which may be another tomorrow.
fn sized(flags: &Flags, size: ResultSize) -> Flags {
    let mut flags = flags.clone();
    flags.remove("area");
    flags.set("size", &[size.to_string()]);
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
        let mut expected = Flags::default();
        expected.set("size", &["300"]);
        let size = ResultSize::Kept(Size::Long(300));
        assert_eq!(sized(&flags, size), expected);
    }
}
