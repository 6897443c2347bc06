use std::ops::ControlFlow;

use burn::tensor::{Tensor, s};

use crate::device::DeviceError;
use crate::loss::{LossTerms, Measured, Objective, seen};
use crate::tiles::{Area, Tile};
use crate::vgg::Vgg;

/// How far an evaluation over several tiles has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileProgress {
    /// Tiles gone over so far.
    pub done: usize,
    /// Tiles to go over: each of the picture's, twice.
    pub of: usize,
}

/// Told of every tile that is done; `Break` gives the evaluation up.
pub type OnTile<'a> = &'a mut dyn FnMut(TileProgress) -> ControlFlow<()>;

/// The losses at `x` and the gradient of their total with respect to its pixels, of `x`'s shape.
///
/// Over several tiles the picture is gone over twice: once for the sums that the losses are functions
/// of, once for what their gradients, fixed then, make of each tile's pixels. Memory is that of one
/// tile. None if `on_tile` gave it up.
///
/// # Errors
///
/// If the device fails.
pub fn losses_and_gradient(
    vgg: &Vgg,
    objective: &Objective,
    tiles: &[Tile],
    x: &Tensor<4>,
    on_tile: OnTile<'_>,
) -> Result<Option<(LossTerms, Tensor<4>)>, DeviceError> {
    if tiles.iter().any(Tile::is_whole) {
        return whole(vgg, objective, x).map(Some);
    }
    let mut pass = Pass {
        vgg,
        objective,
        tiles,
        x,
        on_tile,
        done: 0,
    };
    let Some(measured) = pass.measure()? else {
        return Ok(None);
    };
    let (terms, slopes) = objective.terms(&measured);
    let Some(gradient) = pass.gradient(&slopes)? else {
        return Ok(None);
    };
    Ok(Some((terms.read()?, gradient)))
}

/// An evaluation on its way over the tiles of a picture.
struct Pass<'a> {
    vgg: &'a Vgg,
    objective: &'a Objective,
    tiles: &'a [Tile],
    x: &'a Tensor<4>,
    on_tile: OnTile<'a>,
    done: usize,
}

impl Pass<'_> {
    /// What is measured of all tiles.
    fn measure(&mut self) -> Result<Option<Measured>, DeviceError> {
        let mut sum: Option<Measured> = None;
        for tile in self.tiles {
            let part = self.objective.measure(self.vgg, &seen(self.x, tile), tile);
            sum = Some(match sum {
                Some(sum) => sum.plus(part),
                None => part,
            });
            if self.is_given_up()? {
                return Ok(None);
            }
        }
        Ok(sum)
    }

    /// What these slopes of what is measured make of the pixels.
    fn gradient(&mut self, slopes: &Measured) -> Result<Option<Tensor<4>>, DeviceError> {
        let mut gradient = self.x.zeros_like();
        for tile in self.tiles {
            let part = seen(self.x, tile).autodiff().require_grad();
            let along = self.objective.measure(self.vgg, &part, tile).along(slopes);
            let Area { rows, columns } = tile.seen.clone();
            let place = s![.., .., rows, columns];
            let sum = gradient.clone().slice(place) + derived(&along, &part)?;
            gradient = gradient.slice_assign(place, sum);
            if self.is_given_up()? {
                return Ok(None);
            }
        }
        Ok(Some(gradient))
    }

    /// Waits for a tile, so that no other begins in its memory, and tells of it.
    fn is_given_up(&mut self) -> Result<bool, DeviceError> {
        self.x.device().sync().map_err(DeviceError::compute)?;
        self.done += 1;
        let progress = TileProgress {
            done: self.done,
            of: 2 * self.tiles.len(),
        };
        Ok((self.on_tile)(progress).is_break())
    }
}

fn whole(
    vgg: &Vgg,
    objective: &Objective,
    x: &Tensor<4>,
) -> Result<(LossTerms, Tensor<4>), DeviceError> {
    let [_, _, height, width] = x.dims();
    let x = x.clone().autodiff().require_grad();
    let measured = objective.measure(vgg, &x, &Tile::whole([height, width]));
    let (terms, slopes) = objective.terms(&measured);
    let gradient = derived(&measured.along(&slopes), &x)?;
    Ok((terms.read()?, gradient))
}

/// The gradient of `x` in a backward pass from `root`.
fn derived(root: &Tensor<1>, x: &Tensor<4>) -> Result<Tensor<4>, DeviceError> {
    x.grad_remove(&mut root.backward())
        .ok_or_else(|| DeviceError::compute("no gradient reached the picture"))
}
