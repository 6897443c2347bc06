//! The kernels on tensors of the flex backend.
//!
//! Maps are `[1, channels, height, width]` to everyone; the results here lie channels-last in
//! memory, which other operations see as strides.

pub mod values;

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

use super::Filters;
use super::account::Origin;
use super::cpu::adam::{AdamStep, adam};
use super::cpu::bits::Bits;
use super::cpu::buffer::Buffer;
use super::cpu::combination::combination;
use super::cpu::curvature_pair::curvature_pair;
use super::cpu::difference::difference;
use super::cpu::filters::padded;
use super::cpu::gram::{matrix, matrix_backward};
use super::cpu::layer::Pool;
use super::cpu::layout;
use super::cpu::part::{self, Place};
use super::cpu::simd::Isa;
use super::cpu::sum::{distance, dots, sum};
use super::cpu::variation::{Neighbours, variation, variation_backward};
use super::engine::{Engine, Size};
use values::{alike, first, lying_as, map, numbers, run, run_mut, to_add_to, values};

impl Engine for Flex {
    type Bits = Arc<Bits>;

    fn shape_of(map: &FlexTensor) -> [usize; 3] {
        let shape = map.layout().shape();
        assert!(
            shape.num_dims() == 4 && shape[0] == 1,
            "a map is [1, channels, height, width]"
        );
        assert_eq!(map.dtype(), DType::F32, "maps are f32");
        [shape[1], shape[2], shape[3]]
    }

    fn convolve(x: FlexTensor, filters: &Filters, pool: Pool) -> (FlexTensor, Self::Bits) {
        let layer = filters.on_cpu();
        let [channels, height, width] = Self::shape_of(&x);
        let [inputs, outputs] = layer.channels();
        assert_eq!(channels, inputs, "the layer's input channels");
        let (out, bits) = layer.forward(&values(&x, layer.planar()), [height, width], pool);
        drop(x);
        (
            map(
                out,
                [outputs, pool.length(height), pool.length(width)],
                false,
            ),
            Arc::new(bits),
        )
    }

    fn convolve_backward(
        gradient: FlexTensor,
        filters: &Filters,
        pool: Pool,
        bits: &Self::Bits,
        size: Size,
    ) -> FlexTensor {
        let layer = filters.on_cpu();
        let out = layer.backward(&values(&gradient, false), bits, size, pool);
        drop(gradient);
        map(out, [layer.channels()[0], size[0], size[1]], layer.planar())
    }

    fn pool(x: FlexTensor, pool: Pool) -> (FlexTensor, Self::Bits) {
        let [channels, height, width] = Self::shape_of(&x);
        let wide = padded(channels);
        let (small, mut bits) = (
            [pool.length(height), pool.length(width)],
            Bits::new(height * width, wide),
        );
        let mut out = Buffer::new(small[0] * small[1] * wide);
        {
            let given = values(&x, false);
            let padded = layout::pad(&given, channels, wide);
            let given = padded.as_deref().unwrap_or(&given);
            layout::pool(
                Isa::chosen(),
                given,
                [height, width, wide],
                pool,
                &mut out,
                &mut bits,
            );
        }
        drop(x);
        (
            map(
                layout::crop(out, wide, channels),
                [channels, small[0], small[1]],
                false,
            ),
            Arc::new(bits),
        )
    }

    fn pool_backward(
        gradient: FlexTensor,
        pool: Pool,
        bits: &Self::Bits,
        [height, width]: Size,
    ) -> FlexTensor {
        let channels = Self::shape_of(&gradient)[0];
        let wide = padded(channels);
        let out = {
            let given = values(&gradient, false);
            let padded = layout::pad(&given, channels, wide);
            let given = padded.as_deref().unwrap_or(&given);
            layout::unpool(Isa::chosen(), given, [height, width, wide], pool, bits)
        };
        drop(gradient);
        map(
            layout::crop(out, wide, channels),
            [channels, height, width],
            false,
        )
    }

    fn part(x: &FlexTensor, place: &Place) -> FlexTensor {
        let channels = Self::shape_of(x)[0];
        let out = part::take(&values(x, false), channels, place);
        let shape = [channels, place.rows.len(), place.columns.len()];
        map(out, shape, false)
    }

    fn part_backward(
        gradient: &FlexTensor,
        place: &Place,
        height: usize,
        other: Option<FlexTensor>,
    ) -> FlexTensor {
        let channels = Self::shape_of(gradient)[0];
        let shape = [channels, height, place.width];
        let mut sum = to_add_to(other, shape);
        part::add(run_mut(&mut sum), channels, place, &values(gradient, false));
        sum
    }

    fn gram(x: &FlexTensor, positions: f32) -> FlexTensor {
        let channels = Self::shape_of(x)[0];
        let wide = padded(channels);
        let given = values(x, false);
        let padded = layout::pad(&given, channels, wide);
        let given = padded.as_deref().unwrap_or(&given);
        let square = matrix(Isa::chosen(), given, wide, positions);
        let mut square = layout::crop(square, wide, channels).to_vec();
        square.truncate(channels * channels);
        numbers(square, Shape::from([channels, channels]))
    }

    fn gram_backward(
        gradient: &FlexTensor,
        x: &FlexTensor,
        positions: f32,
        other: Option<FlexTensor>,
    ) -> FlexTensor {
        let shape = Self::shape_of(x);
        let (channels, wide) = (shape[0], padded(shape[0]));
        let contiguous = gradient.to_contiguous();
        let (start, end) = contiguous
            .layout()
            .contiguous_offsets()
            .expect("just made contiguous");
        let square = &contiguous.storage::<f32>()[start..end];
        let given = values(x, false);
        if channels != wide {
            let given = layout::pad(&given, channels, wide).expect("narrower");
            let mut rows = layout::pad(square, channels, wide)
                .expect("narrower")
                .to_vec();
            rows.resize(wide * wide, 0.0);
            let mut out =
                match other.and_then(|other| layout::pad(&values(&other, false), channels, wide)) {
                    Some(other) => other,
                    None => layout::zeros(given.len()),
                };
            matrix_backward(
                Isa::chosen(),
                &given,
                wide,
                positions,
                &rows,
                &mut out,
                true,
            );
            return map(layout::crop(out, wide, channels), shape, false);
        }
        if other.is_some() {
            let mut sum = to_add_to(other, shape);
            let out = run_mut(&mut sum);
            matrix_backward(Isa::chosen(), &given, wide, positions, square, out, true);
            return sum;
        }
        let mut out = Buffer::new(given.len());
        matrix_backward(
            Isa::chosen(),
            &given,
            wide,
            positions,
            square,
            &mut out,
            false,
        );
        map(out, shape, false)
    }

    fn remakes(filters: &Filters, pool: Pool) -> bool {
        pool == Pool::None && filters.on_cpu().remakes()
    }

    fn gram_backward_remade(
        gradient: &FlexTensor,
        Origin { picture, filters }: &Origin<Self>,
        positions: f32,
        other: Option<FlexTensor>,
    ) -> FlexTensor {
        let layer = filters.on_cpu();
        let [_, height, width] = Self::shape_of(picture);
        let gradient = gradient.to_contiguous();
        let mut sum = to_add_to(other, [layer.channels()[1], height, width]);
        let (picture, out) = (values(picture, true), run_mut(&mut sum));
        layer.gram_backward(&picture, [height, width], positions, run(&gradient), out);
        sum
    }

    fn sum(x: FlexTensor) -> FlexTensor {
        assert_eq!(x.dtype(), DType::F32, "numbers in f32");
        let x = x.to_contiguous();
        let offsets = x.layout().contiguous_offsets();
        let (start, end) = offsets.expect("just made contiguous");
        numbers(vec![sum(&x.storage::<f32>()[start..end])], Shape::from([1]))
    }

    fn distance(a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let [a, b] = alike(&a, &b);
        numbers(vec![distance(run(&a), run(&b))], Shape::from([1]))
    }

    fn distance_backward(gradient: FlexTensor, a: FlexTensor, b: FlexTensor) -> FlexTensor {
        let [a, b] = alike(&a, &b);
        lying_as(&a, difference(run(&a), run(&b), 2.0 * first(&gradient)))
    }

    fn distance_and_slope(a: FlexTensor, b: FlexTensor, factor: f32) -> (FlexTensor, FlexTensor) {
        let [a, b] = alike(&a, &b);
        let slope = difference(run(&a), run(&b), 2.0 * factor);
        (Self::distance(a.clone(), b), lying_as(&a, slope))
    }

    fn dots(rows: [FlexTensor; 2], columns: Vec<FlexTensor>) -> FlexTensor {
        let [rows, columns] = [&rows[..], &columns].map(|maps| {
            let planes = maps.iter().map(|map| values(map, true));
            planes.collect::<Vec<_>>()
        });
        let columns: Vec<&[f32]> = columns.iter().map(|column| &column[..]).collect();
        let shape = Shape::from([columns.len(), 2]);
        numbers(dots([&rows[0], &rows[1]], &columns), shape)
    }

    fn combination(terms: Vec<(f32, FlexTensor)>) -> FlexTensor {
        let shape = Self::shape_of(&terms[0].1);
        let planes = terms
            .iter()
            .map(|(factor, map)| (*factor, values(map, true)));
        let planes: Vec<_> = planes.collect();
        let terms: Vec<_> = planes.iter().map(|(f, plane)| (*f, &plane[..])).collect();
        map(combination(&terms), shape, true)
    }

    fn variation(x: FlexTensor, pairs: &Neighbours, weights: [f32; 2]) -> FlexTensor {
        let [_, height, width] = Self::shape_of(&x);
        let sum = variation(&values(&x, true), height * width, pairs, weights);
        numbers(vec![sum], Shape::from([1]))
    }

    fn variation_backward(
        gradient: FlexTensor,
        x: FlexTensor,
        pairs: &Neighbours,
        weights: [f32; 2],
    ) -> FlexTensor {
        let shape @ [_, height, width] = Self::shape_of(&x);
        let weights = weights.map(|weight| weight * first(&gradient));
        let slopes = variation_backward(&values(&x, true), height * width, pairs, weights);
        map(slopes, shape, true)
    }

    fn adam(
        x: FlexTensor,
        gradient: FlexTensor,
        moments: [FlexTensor; 2],
        step: AdamStep,
    ) -> [FlexTensor; 3] {
        let shape = Self::shape_of(&x);
        let [first, second] = &moments;
        let moments = [&values(first, true)[..], &values(second, true)[..]];
        let new = adam(step, &values(&x, true), &values(&gradient, true), moments);
        new.map(|new| map(new, shape, true))
    }

    fn curvature_pair(now: [FlexTensor; 2], before: [FlexTensor; 2]) -> [FlexTensor; 3] {
        let shape = Self::shape_of(&now[0]);
        let [x, gradient] = now.each_ref().map(|map| values(map, true));
        let [old_x, old] = before.each_ref().map(|map| values(map, true));
        let new = curvature_pair([&x, &gradient], [&old_x, &old]);
        new.map(|new| map(new, shape, true))
    }

    fn zero([channels, height, width]: [usize; 3], _: &FlexTensor) -> FlexTensor {
        let shape = Shape::from([1, channels, height, width]);
        let layout = Layout::new(shape, vec![0; 4], 0);
        FlexTensor::new(Bytes::from_elems(vec![0.0_f32]), layout, DType::F32)
    }

    fn is_zero(map: &FlexTensor) -> bool {
        map.dtype() == DType::F32
            && map.layout().strides().iter().all(|&s| s == 0)
            && map.storage::<f32>() == [0.0]
    }
}
