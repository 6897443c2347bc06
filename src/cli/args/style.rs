use clap::Args;
use nst::loss::{LayerWeight, Normalisation, Settings, StyleLoss};
use nst::vgg::{Model, Padding, Pooling};
use nst::weights::Choice;

use super::choice::choice;
use super::role::{Role, Roles};

#[derive(Args, Debug)]
#[command(next_help_heading = "Style")]
#[expect(clippy::struct_field_names, reason = "fields are named as their flags")]
pub struct Style {
    /// The network
    #[arg(short, long, value_name = "MODEL", default_value_t = Model::Vgg19, value_parser = choice::<Model>())]
    pub model: Model,

    /// How strong the style is, 0 (the photo) to 1 (the pure style): sets alpha and beta
    #[arg(long, value_name = "X", conflicts_with_all = ["alpha", "beta"], allow_negative_numbers = true)]
    pub strength: Option<f32>,

    /// Weight of the content loss, 0 or more
    #[arg(
        short,
        long,
        value_name = "X",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    pub alpha: f32,

    /// Weight of the style loss, 0 or more: try 10 to 100
    #[arg(
        short,
        long,
        value_name = "X",
        default_value_t = Settings::default().beta,
        allow_negative_numbers = true
    )]
    pub beta: f32,

    /// Weight of the total variation, which smooths the picture: 0 or more [default: 10, less with a
    /// --strength below 0.2]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub tv: Option<f32>,

    /// Layers of the content loss, with weights if you like: L:0.5,L
    #[arg(
        long,
        visible_alias = "content-layers",
        value_name = "L,L",
        value_delimiter = ',',
        default_value = "block5_conv2"
    )]
    pub content_layer: Vec<LayerWeight>,

    /// Layers of the style loss, with weights if you like: L:0.5,L
    #[arg(
        long,
        value_name = "L,L",
        value_delimiter = ',',
        default_value = "block1_conv1,block2_conv1,block3_conv1,block4_conv1,block5_conv1"
    )]
    pub style_layers: Vec<LayerWeight>,

    /// What the style loss compares: Gram matrices, or mean and covariance (wasserstein)
    #[arg(long, value_name = "KIND", default_value_t = StyleLoss::Gram, value_parser = choice::<StyleLoss>())]
    pub style_loss: StyleLoss,

    /// How losses are normalised: without a unit (balanced), or as Gatys et al. do (paper)
    #[arg(long, value_name = "KIND", default_value_t = Normalisation::Balanced, value_parser = choice::<Normalisation>())]
    pub loss: Normalisation,

    /// How the network halves its maps: by the maximum or the average
    #[arg(long, value_name = "KIND", default_value_t = Pooling::Max, value_parser = choice::<Pooling>())]
    pub pool: Pooling,

    /// What lies beyond the border: zeros, or the border's own pixels (replicate)
    #[arg(long, value_name = "KIND", default_value_t = Padding::Zero, value_parser = choice::<Padding>())]
    pub padding: Padding,

    /// Weights of the network: a file, `imagenet` or `builtin` [default: the best of
    /// $NST_WEIGHTS, the cache, ./weights, a download, and the built-in ones]
    #[arg(short, long, value_name = "FILE")]
    pub weights: Option<Choice>,

    /// Never fetch weights from the network (also: $NST_OFFLINE)
    #[arg(long)]
    pub offline: bool,
}

impl Style {
    /// What each flag does.
    pub(super) const ROLES: Roles = &[
        (
            Role::Picture,
            &[
                "model",
                "strength",
                "alpha",
                "beta",
                "tv",
                "content-layer",
                "style-layers",
                "style-loss",
                "loss",
                "pool",
                "padding",
                "weights",
            ],
        ),
        (Role::Run, &["offline"]),
    ];
}
