//! Any bytes at all are a checkpoint of this job, or an error.
//!
//! `cargo +nightly fuzz run checkpoint -- -max_total_time=120 -malloc_limit_mb=64 -timeout=5`
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nst::checkpoint::{Passport, parse};
use nst::job::{Plan, Size};
use nst::{Inputs, Job, Picture, device};

static RUN: LazyLock<(Job, Plan, Passport)> = LazyLock::new(|| {
    let grey = || Picture::from_planes(16, 16, &[0.5; 768]).expect("768 samples are 16x16x3");
    let inputs = Inputs::new(grey(), grey());
    let job = Job {
        size: Size::Long(16),
        ..Job::default()
    };
    let plan = job.plan(&(&inputs).into()).expect("the job can be");
    let passport = Passport::new(&job, &inputs, "", nst::device::Backend::Cpu);
    (job, plan, passport)
});

fuzz_target!(|bytes: &[u8]| {
    let (job, plan, passport) = &*RUN;
    let _ = parse("state".as_ref(), bytes, job, plan, passport, &device::cpu());
});
