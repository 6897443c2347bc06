use nst::{End, Painted, Picture};

use crate::cli::args::OutputArgs;
use crate::cli::json::print_json;
use crate::cli::observers::{EndLine, Keeper};
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

    /// Tells people and scripts of the picture that is saved.
    pub fn tell(
        self,
        painted: &Painted,
        target: &Target,
        seconds: f64,
        args: &OutputArgs,
    ) -> anyhow::Result<()> {
        let (width, height) = (painted.picture.width, painted.picture.height);
        let (path, steps) = (target.path(), painted.steps);
        if !args.quiet {
            let path = path.display();
            say::line(format_args!(
                "{path}: {width}x{height}, {steps} steps, {seconds:.1} s"
            ));
        }
        if args.json {
            let diverged = matches!(self, Self::Diverged { .. });
            print_json(&EndLine {
                event: if diverged { "diverged" } else { "done" },
                output: path.to_path_buf(),
                width,
                height,
                steps,
                seconds,
            })?;
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
