use burn::tensor::{Tensor, s};

use crate::device::DeviceError;
use crate::loss::{LossTerms, Measured, Objective, seen};
use crate::tiles::{Area, Tile};
use crate::vgg::Vgg;

/// The losses at `x` and the gradient of their total with respect to its pixels, of `x`'s shape.
///
/// Over several tiles the picture is gone over twice: once for the sums that the losses are functions
/// of, once for what their gradients, fixed then, make of each tile's pixels. Memory is that of one
/// tile.
///
/// # Errors
///
/// If the device fails.
pub fn losses_and_gradient(
    vgg: &Vgg,
    objective: &Objective,
    tiles: &[Tile],
    x: &Tensor<4>,
) -> Result<(LossTerms, Tensor<4>), DeviceError> {
    let Some(measured) = measure(vgg, objective, tiles, x) else {
        return whole(vgg, objective, x);
    };
    let leaves = measured.leaves();
    let terms = objective.terms(&leaves);
    let slopes = leaves.slopes(&mut terms.total.backward());
    let mut gradient = x.zeros_like();
    for tile in tiles {
        let part = seen(x, tile).autodiff().require_grad();
        let along = one(vgg, objective, tile, &part).along(&slopes);
        let Area { rows, columns } = tile.seen.clone();
        let place = s![.., .., rows, columns];
        let sum = gradient.clone().slice(place) + derived(&along, &part)?;
        gradient = gradient.slice_assign(place, sum);
    }
    Ok((terms.read()?, gradient))
}

/// What is measured of all tiles; none if one tile is the whole picture.
fn measure(vgg: &Vgg, objective: &Objective, tiles: &[Tile], x: &Tensor<4>) -> Option<Measured> {
    if tiles.iter().any(Tile::is_whole) {
        return None;
    }
    let parts = tiles
        .iter()
        .map(|tile| one(vgg, objective, tile, &seen(x, tile)));
    parts.reduce(Measured::plus)
}

/// What is measured of a tile that sees `part`.
fn one(vgg: &Vgg, objective: &Objective, tile: &Tile, part: &Tensor<4>) -> Measured {
    let features = vgg.features(part.clone(), &objective.layers());
    objective.measure(part, &features, tile)
}

fn whole(
    vgg: &Vgg,
    objective: &Objective,
    x: &Tensor<4>,
) -> Result<(LossTerms, Tensor<4>), DeviceError> {
    let [_, _, height, width] = x.dims();
    let x = x.clone().autodiff().require_grad();
    let terms = objective.terms(&one(vgg, objective, &Tile::whole([height, width]), &x));
    let gradient = derived(&terms.total, &x)?;
    Ok((terms.read()?, gradient))
}

/// The gradient of `loss` with respect to `x`.
fn derived(loss: &Tensor<1>, x: &Tensor<4>) -> Result<Tensor<4>, DeviceError> {
    x.grad_remove(&mut loss.backward())
        .ok_or_else(|| DeviceError::compute("no gradient reached the picture"))
}
