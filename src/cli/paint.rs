//! One picture: from flags to a file.

mod ending;
mod prepared;

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Instant;

use nst::Observer;
use nst::checkpoint::Passport;
use nst::device::{self, Backend};
use nst::optimize::State;

use crate::cli::args::Transfer;
use crate::cli::devices;
use crate::cli::fault::Interrupted;
use crate::cli::flags::Flags;
use crate::cli::inputs;
use crate::cli::networks::{Network, Networks};
use crate::cli::observers::{
    Audience, Bar, Both, Frames, Interrupt, JsonSteps, Keeper, Nobody, Rescue, Scene, Watchers,
};
use crate::cli::output::{self, Target};
use crate::cli::outputs::Outputs;
use crate::cli::provenance::Provenance;
use crate::cli::reports::{Recorder, Report};
use crate::cli::say;
use prepared::Prepared;

pub use ending::Outcome;

/// Paints one picture. `flags` are those that `args` were parsed from.
pub fn run(args: &Transfer, flags: &Flags) -> anyhow::Result<ExitCode> {
    check(args)?;
    let target = Target::or_own(args)?;
    let interrupt = Interrupt::listen()?;
    set_threads(args)?;
    let networks = &mut Networks::default();
    let outcome = paint(args, flags, target, networks, &interrupt, &mut Nobody)?;
    let diverged = matches!(outcome, Outcome::Diverged { .. });
    let code = interrupt.exit_code().unwrap_or(u8::from(diverged));
    Ok(ExitCode::from(code))
}

/// Checks what the flags alone tell.
pub fn check(args: &Transfer) -> anyhow::Result<()> {
    inputs::content(args)?;
    inputs::check_strength(args)?;
    inputs::check_pipe(args)?;
    devices::check(&args.hardware)?;
    inputs::job(args).check()?;
    output::check(args)
}

/// Sets the number of threads of the process, once.
pub fn set_threads(args: &Transfer) -> anyhow::Result<()> {
    Ok(device::set_threads_with_this(args.hardware.threads())?)
}

/// Paints one picture to a checked target, and writes the report that its flags ask for.
///
/// # Errors
///
/// As [`paint_alone`], and, when the picture is saved, what keeps the report from being written.
pub fn paint(
    args: &Transfer,
    flags: &Flags,
    target: Target,
    networks: &mut Networks,
    interrupt: &Interrupt,
    audience: &mut dyn Audience,
) -> anyhow::Result<Outcome> {
    let Some(path) = &args.output.report else {
        return paint_alone(args, flags, target, networks, interrupt, audience);
    };
    let mut recorder = Recorder::default();
    let mut both = Both(audience, &mut recorder);
    let outcome = paint_alone(args, flags, target, networks, interrupt, &mut both)?;
    Report::of_run(recorder, flags)?.write(path, args.output.overwrite)?;
    Ok(outcome)
}

/// Paints one picture to a checked target.
///
/// # Errors
///
/// What keeps the picture from being painted or saved, and, when it is saved, what could not be
/// saved beside it.
fn paint_alone(
    args: &Transfer,
    flags: &Flags,
    target: Target,
    networks: &mut Networks,
    interrupt: &Interrupt,
    audience: &mut dyn Audience,
) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let out = &args.output;
    let audience = RefCell::new(audience);
    let note = |text: &str| {
        audience.borrow().note(text);
        if !out.quiet {
            say::note(text);
        }
    };
    let outputs = Outputs::of(args)?;
    let prepared = Prepared::new(args, flags, &target, &outputs, &note)?;
    let mut keeper = Keeper::new(&outputs, out.checkpoint_every)?;
    if let Some(code) = interrupt.exit_code() {
        return Err(Interrupted(code).into());
    }
    let network = networks.get(args, prepared.plan.deepest, interrupt, &note)?;
    let target = if out.no_provenance {
        target
    } else {
        let (inputs, weights) = (prepared.digests.clone(), network.record()?.clone());
        target.describing(Some(Provenance::new(&prepared.flags, inputs, weights)))
    };
    let state = match &mut keeper {
        Some(keeper) => begin(keeper, &prepared, &network, &note)?,
        None => None,
    };
    let from = state.as_ref().map_or(0, |state| state.done);
    let (plan, own) = (&prepared.plan, prepared.own.clone());
    let mut frames = Frames::new(out, &target, outputs.frames, own, plan, from)?;
    audience.borrow_mut().begins(&Scene {
        name: &ending::name(&target, out),
        pictures: &prepared.pictures,
        plan,
        flags: &prepared.flags,
        network: network.name(),
        backend: network.backend,
    });
    let mut rescue = (network.backend == Backend::Gpu).then(Rescue::new);
    let painted = {
        let mut audience = audience.borrow_mut();
        let mut bar = (!out.quiet).then(|| Bar::new(plan));
        let mut json = out.json.then(|| JsonSteps::new(out.part.as_ref()));
        let mut interrupt = interrupt;
        let watchers = [
            bar.as_mut().map(|bar| bar as &mut dyn Observer),
            json.as_mut().map(|json| json as _),
            Some(&mut frames),
            keeper.as_mut().map(|keeper| keeper as _),
            rescue.as_mut().map(|rescue| rescue as _),
            Some(&mut interrupt),
            Some(&mut **audience),
        ];
        let mut watchers = Watchers(watchers.into_iter().flatten().collect());
        let Prepared { job, pictures, .. } = &prepared;
        nst::resume(job, pictures, &network.vgg, state, &mut watchers)
    };
    let painted = painted.map_err(|error| match rescue {
        Some(rescue) => rescue.save(error, &target),
        None => error.into(),
    })?;
    let outcome = Outcome::of(&painted, plan.steps());
    outcome.save(&painted.picture, &target)?;
    let beside = frames.finish(&painted.picture);
    let seconds = start.elapsed().as_secs_f64();
    audience
        .borrow_mut()
        .ends(&outcome.ending(&painted, seconds));
    outcome.tell(&painted, &target, seconds, out)?;
    outcome.close(keeper.as_ref(), &note);
    match painted.failure {
        Some(failure) => Err(anyhow::Error::from_boxed(failure)),
        None => beside.map(|()| outcome),
    }
}

/// The state that a run goes on from, if it does.
fn begin(
    keeper: &mut Keeper,
    prepared: &Prepared,
    network: &Network,
    note: &dyn Fn(&str),
) -> anyhow::Result<Option<State>> {
    let Prepared {
        pictures,
        job,
        plan,
        ..
    } = prepared;
    let weights = &network.record()?.sha256;
    let passport = Passport::new(job, pictures, weights, network.backend);
    let state = keeper.begin(job, plan, passport, &network.vgg.device())?;
    if let Some(state) = &state {
        note(&format!(
            "going on after step {} of {}",
            state.done,
            plan.steps()
        ));
    }
    Ok(state)
}

/// The deepest layer a transfer looks at.
pub fn deepest(args: &Transfer) -> Result<nst::vgg::Layer, nst::SettingError> {
    inputs::job(args).deepest()
}
