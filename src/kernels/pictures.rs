//! Operations without gradients of their own, on many pictures at once or with several results.

use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchKindConversion, DispatchTensor, Flex};
use burn::tensor::Tensor;
#[cfg(feature = "gpu")]
use burn_cubecl::CubeBackend;

use super::engine::Engine;
use super::plain;

/// A picture that is read, `[1, channels, height, width]`.
pub type Picture<'a> = &'a Tensor<4>;

/// The sum of `x`, `[1]`: on flex and on graphics cards always added in the same order, which burn's
/// own is not for millions of numbers.
pub fn sum<const D: usize>(x: &Tensor<D>) -> Tensor<1> {
    let ours = own::<Flex, D>(x).map(|x| Tensor::from_primitive::<Flex>(Flex::sum(x)));
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| {
        let x = own::<CubeBackend, D>(x)?;
        Some(Tensor::from_primitive::<CubeBackend>(CubeBackend::sum(x)))
    });
    ours.unwrap_or_else(|| x.clone().sum())
}

/// The scalar products of each column with both rows, pictures of one shape: `[columns, 2]`. On flex
/// and on graphics cards each is added in the same order, whatever else is asked for.
pub fn dots(rows: [Picture; 2], columns: &[Picture]) -> Tensor<2> {
    let ours = dots_on::<Flex>(rows, columns);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| dots_on::<CubeBackend>(rows, columns));
    ours.unwrap_or_else(|| plain::dots(rows, columns))
}

/// What L-BFGS learns from a move of the picture, `[x, gradient]` now and before: the gradient without what
/// would push a pixel out of [0, 1], the move, and how far this gradient is from the one before.
pub fn curvature_pair(now: [Picture; 2], before: [Picture; 2]) -> [Tensor<4>; 3] {
    let ours = pair_on::<Flex>(now, before);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| pair_on::<CubeBackend>(now, before));
    ours.unwrap_or_else(|| plain::curvature_pair(now, before))
}

/// The sum of pictures of one shape, each times its factor: clamped to [0, 1].
pub fn combination(terms: &[(f32, Picture)]) -> Tensor<4> {
    let ours = combination_on::<Flex>(terms);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| combination_on::<CubeBackend>(terms));
    ours.unwrap_or_else(|| plain::combination(terms))
}

/// The sum of squares of `a - b`, in parts that are still to be added up, and `factor` times its
/// gradient of `a`.
pub fn distance_and_slope(a: &Tensor<2>, b: &Tensor<2>, factor: f32) -> (Tensor<1>, Tensor<2>) {
    let ours = sloped_on::<Flex>(a, b, factor);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| sloped_on::<CubeBackend>(a, b, factor));
    ours.unwrap_or_else(|| {
        let off = a.clone() - b.clone();
        (off.clone().square().sum(), off.mul_scalar(2.0 * factor))
    })
}

/// The tensor as the engine has it, if it is there.
fn own<E: Engine, const D: usize>(x: &Tensor<D>) -> Option<FloatTensor<E>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    x.clone().try_into_primitive::<E>().ok()
}

fn dots_on<E: Engine>(rows: [Picture; 2], columns: &[Picture]) -> Option<Tensor<2>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let [first, second] = rows.map(own::<E, 4>);
    let columns = columns.iter().map(|column| own::<E, 4>(column));
    let dots = E::dots([first?, second?], columns.collect::<Option<_>>()?);
    Some(Tensor::from_primitive::<E>(dots))
}

fn pair_on<E: Engine>(now: [Picture; 2], before: [Picture; 2]) -> Option<[Tensor<4>; 3]>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let both = |[x, gradient]: [Picture; 2]| Some([own::<E, 4>(x)?, own::<E, 4>(gradient)?]);
    let pair = E::curvature_pair(both(now)?, both(before)?);
    Some(pair.map(Tensor::from_primitive::<E>))
}

fn combination_on<E: Engine>(terms: &[(f32, Picture)]) -> Option<Tensor<4>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let terms = terms
        .iter()
        .map(|(factor, x)| Some((*factor, own::<E, 4>(x)?)));
    let sum = E::combination(terms.collect::<Option<_>>()?);
    Some(Tensor::from_primitive::<E>(sum))
}

fn sloped_on<E: Engine>(a: &Tensor<2>, b: &Tensor<2>, factor: f32) -> Option<(Tensor<1>, Tensor<2>)>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let (distance, slope) = E::distance_and_slope(own::<E, 2>(a)?, own::<E, 2>(b)?, factor);
    let distance = Tensor::from_primitive::<E>(distance);
    Some((distance, Tensor::from_primitive::<E>(slope)))
}
