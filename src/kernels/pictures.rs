//! Operations on many pictures at once, without gradients of their own.

use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchKindConversion, DispatchTensor, Flex};
use burn::tensor::Tensor;

use super::engine::Engine;

/// A picture that is read, `[1, channels, height, width]`.
type Picture<'a> = &'a Tensor<4>;

/// The scalar products of each column with both rows, pictures of one shape: `[columns, 2]`. On flex
/// and on graphics cards each is added in the same order, whatever else is asked for.
pub fn dots(rows: [Picture; 2], columns: &[Picture]) -> Tensor<2> {
    let ours = dots_on::<Flex>(rows, columns);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| dots_on::<burn_cubecl::CubeBackend>(rows, columns));
    ours.unwrap_or_else(|| plain_dots(rows, columns))
}

/// The sum of pictures of one shape, each times its factor: clamped to [0, 1].
pub fn combination(terms: &[(f32, Picture)]) -> Tensor<4> {
    let ours = combination_on::<Flex>(terms);
    #[cfg(feature = "gpu")]
    let ours = ours.or_else(|| combination_on::<burn_cubecl::CubeBackend>(terms));
    ours.unwrap_or_else(|| plain_combination(terms))
}

/// The picture as the engine has it, if it is there.
fn own<E: Engine>(x: Picture) -> Option<FloatTensor<E>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    x.clone().try_into_primitive::<E>().ok()
}

fn dots_on<E: Engine>(rows: [Picture; 2], columns: &[Picture]) -> Option<Tensor<2>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let [first, second] = rows.map(own::<E>);
    let columns = columns.iter().map(|column| own::<E>(column));
    let dots = E::dots([first?, second?], columns.collect::<Option<_>>()?);
    Some(Tensor::from_primitive::<E>(dots))
}

fn combination_on<E: Engine>(terms: &[(f32, Picture)]) -> Option<Tensor<4>>
where
    DispatchTensor: DispatchKindConversion<E>,
{
    let terms = terms
        .iter()
        .map(|(factor, x)| Some((*factor, own::<E>(x)?)));
    let sum = E::combination(terms.collect::<Option<_>>()?);
    Some(Tensor::from_primitive::<E>(sum))
}

pub(super) fn plain_dots(rows: [Picture; 2], columns: &[Picture]) -> Tensor<2> {
    let pairs = columns.iter().map(|column| {
        let pair = rows.map(|row| (row.clone() * (*column).clone()).sum());
        Tensor::cat(pair.into(), 0).reshape([1, 2])
    });
    Tensor::cat(pairs.collect(), 0)
}

pub(super) fn plain_combination(terms: &[(f32, Picture)]) -> Tensor<4> {
    let terms = terms.iter().map(|(f, x)| (*x).clone().mul_scalar(*f));
    let sum = terms.reduce(|a, b| a + b);
    sum.expect("a term at least").clamp(0.0, 1.0)
}
