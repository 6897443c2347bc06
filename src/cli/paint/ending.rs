use nst::{End, Painted, Picture};

use crate::cli::args::{OutputArgs, Part};
use crate::cli::json::{json_path, print_event};
use crate::cli::observers::{EndLine, Ending, Keeper};
use crate::cli::output::Target;
use crate::cli::say;

/// How a transfer ended; its picture is saved in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// Interrupted after this step.
    Stopped {
        /// The step, over all scales.
        step: usize,
    },
    /// The loss exploded again and again at this step; the picture is the last good one.
    Diverged {
        /// The step, over all scales.
        step: usize,
    },
}

impl Outcome {
    /// How a transfer of `steps` steps ended: an interruption after the last one changed nothing.
    pub fn of(painted: &Painted, steps: usize) -> Self {
        match painted.end {
            End::Diverged { step } => Self::Diverged { step },
            End::Stopped if painted.steps < steps => Self::Stopped {
                step: painted.steps,
            },
            End::Stopped | End::Finished => Self::Finished,
        }
    }

    /// Saves the picture, which says how it ended.
    pub fn save(self, picture: &Picture, target: &Target) -> anyhow::Result<()> {
        match self {
            Self::Finished => target.save(picture, None),
            Self::Stopped { step } => target.save(picture, Some(step)),
            Self::Diverged { step } => target.diverged(step).save(picture, None),
        }
    }

    /// What an audience is told of it.
    pub fn ending(self, painted: &Painted, seconds: f64) -> Ending<'_> {
        let remark = match self {
            Self::Finished => None,
            Self::Stopped { step } => Some(format!("stopped after step {step}")),
            Self::Diverged { step } => Some(format!(
                "the loss exploded at step {step}: this is the last good picture"
            )),
        };
        Ending {
            picture: &painted.picture,
            steps: painted.steps,
            seconds,
            remark,
        }
    }

    /// Tells people and scripts of the picture that is saved.
    pub fn tell(
        self,
        painted: &Painted,
        target: &Target,
        seconds: f64,
        args: &OutputArgs,
    ) -> anyhow::Result<()> {
        let (width, height) = (painted.picture.width, painted.picture.height);
        let steps = painted.steps;
        let is_tile = matches!(args.part, Some(Part::Tile(_)));
        let output = (!is_tile).then(|| json_path(target.path()));
        if !args.quiet {
            let name = name(target, args);
            say::line(format_args!(
                "{name}: {width}x{height}, {steps} steps, {seconds:.1} s"
            ));
        }
        if args.json {
            let diverged = matches!(self, Self::Diverged { .. });
            let line = EndLine {
                event: if diverged { "diverged" } else { "done" },
                output,
                width,
                height,
                steps,
                seconds,
            };
            print_event(&line, args.part.as_ref())?;
        }
        Ok(())
    }

    /// Does and says what is left: the checkpoint of a finished run goes.
    pub fn close(self, keeper: Option<&Keeper>, note: &dyn Fn(&str)) {
        match (self, keeper) {
            (Self::Diverged { step }, _) => say::warn(format_args!(
                "the loss exploded at step {step}, again and again with ever smaller steps: the \
                 last good picture is saved; lower --lr or --beta"
            )),
            (Self::Stopped { .. }, Some(keeper)) => {
                if let Some(hint) = keeper.hint() {
                    note(&hint);
                }
            }
            (Self::Finished, Some(keeper)) => keeper.finish(),
            (_, None) => {}
        }
    }
}

/// What a result is called: by its file, or its caption on a sheet.
pub fn name(target: &Target, args: &OutputArgs) -> String {
    match &args.part {
        Some(Part::Tile(caption)) => caption.clone(),
        _ => target.path().display().to_string(),
    }
}
