use clap::Args;
use nst::Job;
use nst::job::Preset;
use nst::optimize::{Method, Settings};

use super::choice::choice;
use super::role::{Role, Roles};

#[derive(Args, Debug)]
#[command(next_help_heading = "Optimisation")]
pub struct Optimisation {
    /// Steps and optimizer that belong together
    #[arg(long, value_name = "NAME", default_value_t = Preset::Balanced, value_parser = choice::<Preset>())]
    pub preset: Preset,

    /// Number of updates of the picture at the last scale [default: by --preset, fewer at scales above
    /// 2048 px]
    #[arg(short = 'n', long, value_name = "N")]
    pub steps: Option<usize>,

    /// Number of updates at every coarser scale [default: half of --steps]
    #[arg(long, value_name = "N")]
    pub steps_per_scale: Option<usize>,

    /// Number of coarse-to-fine scales; 1 is the textbook's [default: by --preset, or down to
    /// --min-size]
    #[arg(long, value_name = "N")]
    pub scales: Option<usize>,

    /// Least long side of a coarser scale, in pixels [default: 256, or 181 where there would be none]
    #[arg(long, value_name = "N")]
    pub min_size: Option<usize>,

    /// Ratio of one scale's sides to the one before
    #[arg(long, value_name = "X", default_value_t = Job::default().scale_factor, allow_negative_numbers = true)]
    pub scale_factor: f64,

    /// Learning rate of adam and gd, above 0: with adam, the most a pixel of [0, 1] moves in one step
    /// [default: 0.02]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub lr: Option<f32>,

    /// How a gradient becomes an update; gd is gradient descent [default: lbfgs, or adam with --lr]
    #[arg(long, value_name = "METHOD", value_parser = choice::<Method>())]
    pub optimizer: Option<Method>,

    /// Updates that lbfgs remembers: two pictures each
    #[arg(long, value_name = "N", default_value_t = Settings::default().history)]
    pub history: usize,

    /// Decay of the moving average that is shown and saved, 0 to below 1; 0 is none
    #[arg(long, value_name = "X", default_value_t = Settings::default().average, allow_negative_numbers = true)]
    pub average: f32,

    /// Ends a scale when N updates together no longer lower the loss by a hundredth; 0 never does
    #[arg(long, value_name = "N", default_value_t = Settings::default().patience)]
    pub patience: usize,
}

impl Optimisation {
    /// What each flag does.
    pub(super) const ROLES: Roles = &[(
        Role::Picture,
        &[
            "preset",
            "steps",
            "steps-per-scale",
            "scales",
            "min-size",
            "scale-factor",
            "lr",
            "optimizer",
            "history",
            "average",
            "patience",
        ],
    )];
}
