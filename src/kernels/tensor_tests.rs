//! The operations on tensors, and their gradients, against ordinary operations, on the CPU and on
//! the graphics card, a software one included.

use std::cell::Cell;
use std::sync::OnceLock;

use burn::tensor::{Device, Tensor, TensorData, Tolerance, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    AdamStep, Filters, Form, Neighbours, Place, Pool, Standardisation, adam, combination,
    conv_relu, curvature_pair, distance_and_slope, dots, gram, mean, part, plain, pool, seeded,
    squared_distance, sum, variation, weighted,
};

/// The CPU and, where there is one, the graphics card.
fn devices() -> impl Iterator<Item = Device> {
    static CARD: OnceLock<Option<Device>> = OnceLock::new();
    let card = CARD.get_or_init(|| match crate::device::gpu(crate::device::Slot::Best) {
        Ok((card, adapter)) => {
            eprintln!("on the CPU and on {adapter}");
            Some(card)
        }
        Err(error) => {
            eprintln!("on the CPU alone: {error}");
            None
        }
    });
    [Device::flex()].into_iter().chain(card.clone())
}

/// Filters prepared for our kernels, and the same for ordinary operations.
fn both(weight: &Tensor<4>, bias: &Tensor<1>) -> [Filters; 2] {
    let [_, inputs, ..] = weight.dims();
    let (w, b, none) = (vec(weight), vec(bias), Standardisation::none(inputs));
    let plain = plain::Layer::new(&w, &b, &none, &weight.device());
    [
        Filters::new(&w, &b, &weight.device()),
        Filters(Form::Plain(Box::new(plain))),
    ]
}

fn vec<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_into_vec().unwrap()
}

/// Numbers from -1 to 1, other ones at each call, the same in every run: with numbers of chance, one
/// run in fifteen meets a `ReLU` or a maximum that rounding turns.
fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    thread_local! {
        static CALLS: Cell<u64> = const { Cell::new(0) };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(CALLS.replace(CALLS.get() + 1));
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// The gradient of `sum(cos(f(x)))`: every element gets another gradient.
fn gradient(x: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let x = x.clone().autodiff().require_grad();
    let grads = f(x.clone()).cos().sum().backward();
    x.grad(&grads).expect("x requires it")
}

fn assert_same<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>) {
    let tolerance = Tolerance::rel_abs(1e-3_f32, 1e-4);
    found
        .to_data()
        .assert_approx_eq::<f32>(&expected.to_data(), tolerance);
}

/// A chain as networks have it: a picture's planes, two layers, a Gram matrix in between.
fn chain(x: Tensor<4>, filters: [&Filters; 2], pools: [Pool; 2], ours: bool) -> Tensor<4> {
    let y = conv_relu(x, filters[0], pools[0]);
    let seen = y.clone().sin().mean();
    let square = if ours {
        gram(y.clone())
    } else {
        let [_, channels, height, width] = y.dims();
        let m = y.clone().reshape([channels, height * width]);
        m.clone()
            .matmul(m.transpose())
            .div_scalar((height * width) as f32)
    };
    conv_relu(y, filters[1], pools[1]) + (square.sum() / 100.0 + seen).reshape([1, 1, 1, 1])
}

#[test]
fn a_chain_agrees_with_ordinary_operations_forward_and_backward() {
    for device in devices() {
        for (shape, outputs) in [
            ([1, 3, 13, 10], 20),
            ([1, 16, 12, 9], 32),
            ([1, 5, 8, 8], 16),
        ] {
            for pools in [
                [Pool::None, Pool::Max],
                [Pool::Max, Pool::None],
                [Pool::Average, Pool::Max],
            ] {
                let x = random(shape, &device);
                let scale = |inputs: usize| (2.0 / (9.0 * inputs as f32)).sqrt();
                let weight = random([outputs, shape[1], 3, 3], &device) * scale(shape[1]);
                let first = both(&weight, &random([outputs], &device));
                let weight = random([24, outputs, 3, 3], &device) * scale(outputs);
                let second = both(&weight, &random([24], &device));
                let run = |x, i: usize| chain(x, [&first[i], &second[i]], pools, i == 0);
                assert_same(&run(x.clone(), 0), &run(x.clone(), 1));
                assert_same(&gradient(&x, |x| run(x, 0)), &gradient(&x, |x| run(x, 1)));
            }
        }
    }
}

/// Wide enough for the graphics card's other way, at sizes that no tile divides.
#[test]
fn wide_layers_agree_with_ordinary_operations_too() {
    for device in devices() {
        let x = random([1, 128, 11, 18], &device);
        let weight = random([256, 128, 3, 3], &device) * (2.0_f32 / (9.0 * 128.0)).sqrt();
        let [ours, plain] = both(&weight, &random([256], &device));
        for kind in [Pool::None, Pool::Max, Pool::Average] {
            let run = |x, filters: &Filters| conv_relu(x, filters, kind);
            assert_same(&run(x.clone(), &ours), &run(x.clone(), &plain));
            assert_same(
                &gradient(&x, |x| run(x, &ours)),
                &gradient(&x, |x| run(x, &plain)),
            );
        }
    }
}

#[test]
fn a_pool_alone_agrees_with_ordinary_operations() {
    for device in devices() {
        for channels in [3, 32] {
            let x = random([1, channels, 9, 6], &device).abs() + 0.1;
            for kind in [Pool::None, Pool::Max, Pool::Average] {
                assert_same(&pool(x.clone(), kind), &plain::pool(x.clone(), kind));
                assert_same(
                    &gradient(&x, |x| pool(x, kind)),
                    &gradient(&x, |x| plain::pool(x, kind)),
                );
            }
        }
    }
}

#[test]
fn a_squared_distance_agrees_with_ordinary_operations() {
    for device in devices() {
        // More than one workgroup's share, and a map that lies channels-last.
        let [filters, _] = both(&random([32, 16, 3, 3], &device), &random([32], &device));
        let map = |x: Tensor<4>| conv_relu(x, &filters, Pool::None);
        let x = random([1, 16, 21, 23], &device);
        let constant = map(random([1, 16, 21, 23], &device));
        let ours = |x| squared_distance(map(x), constant.clone());
        let plain = |x| (map(x) - constant.clone()).square().sum();
        assert_same(&ours(x.clone()).sum(), &plain(x.clone()));
        let wide = |y: Tensor<1>| y.sum().reshape([1, 1, 1, 1]) / 1000.0;
        assert_same(
            &gradient(&x, |x| wide(ours(x))),
            &gradient(&x, |x| wide(plain(x))),
        );
        let (a, b) = (random([7, 5], &device), random([5, 7], &device).transpose());
        let plain = (a.clone() - b.clone()).square().sum();
        assert_same(&squared_distance(a, b).sum(), &plain);
    }
}

#[test]
fn a_sum_agrees_with_the_ordinary_one() {
    for device in devices() {
        let x = random([1, 3, 61, 67], &device);
        for x in [x.clone(), x.swap_dims(2, 3)] {
            assert_same(&sum(&x), &x.sum());
        }
    }
}

#[test]
fn a_distance_with_its_slope_agrees_with_ordinary_operations() {
    for device in devices() {
        let (a, b) = (
            random([70, 66], &device),
            random([66, 70], &device).transpose(),
        );
        let off = a.clone() - b.clone();
        let (distance, slope) = distance_and_slope(&a, &b, 0.3);
        assert_same(&distance.sum(), &off.clone().square().sum());
        assert_same(&slope, &off.mul_scalar(0.6));
    }
}

#[test]
fn a_seeded_gradient_goes_on_from_there() {
    for device in devices() {
        let x = random([1, 3, 5, 4], &device);
        let [first, second] = [random([3, 20], &device), random([3, 20], &device)];
        let found = |seeded: &dyn Fn(Tensor<1>, Tensor<2>, Tensor<2>) -> Tensor<1>| {
            let x = x.clone().autodiff().require_grad();
            let [a, b] = [x.clone().sin(), x.clone().square()].map(|y| y.reshape([3, 20]));
            let root = Tensor::from_floats([0.0], &x.device());
            let root = seeded(seeded(root, a, first.clone()), b, second.clone());
            x.grad(&root.backward()).expect("x requires it")
        };
        let plain = |root: Tensor<1>, y: Tensor<2>, slope: Tensor<2>| -> Tensor<1> {
            root + (y * Tensor::from_inner(slope)).sum()
        };
        assert_same(&found(&seeded), &found(&plain));
    }
}

#[test]
fn a_variation_agrees_with_ordinary_operations() {
    for device in devices() {
        let width = 43;
        let place = |rows, columns| Place {
            width,
            rows,
            columns,
        };
        let x = random([1, 3, 50, width], &device);
        let turned = random([1, 3, width, 50], &device).swap_dims(2, 3);
        for (across, down) in [
            (place(0..50, 0..42), place(0..49, 0..43)),
            (place(3..31, 7..40), place(4..29, 5..5)),
        ] {
            let pairs = Neighbours { across, down };
            for x in [&x, &turned] {
                let wide = |y: Tensor<1>| y.sum().reshape([1, 1, 1, 1]) / 10.0;
                let ours = |x| wide(variation(x, pairs.clone(), [0.1, 0.03]));
                let plain = |x| wide(plain::variation(&x, &pairs, [0.1, 0.03]));
                assert_same(&ours(x.clone()), &plain(x.clone()));
                assert_same(&gradient(x, ours), &gradient(x, plain));
            }
        }
    }
}

#[test]
fn a_step_of_adam_agrees_with_ordinary_operations() {
    let step = AdamStep {
        betas: [0.9, 0.999],
        rate: 0.05,
        correction: 0.3,
        epsilon: 1e-8,
    };
    for device in devices() {
        let random = || random([1, 3, 141, 67], &device);
        let turned = random().swap_dims(2, 3).reshape([1, 3, 141, 67]);
        let moments = || [random(), random().square()];
        let gradient = turned.swap_dims(2, 3);
        let x = random().swap_dims(2, 3).abs();
        let moments = moments().map(|m| m.swap_dims(2, 3));
        let (moved, new) = adam(x.clone(), gradient.clone(), moments.clone(), step);
        let (expected, plain) = plain::adam(x, gradient, moments, step);
        assert_same(&moved, &expected);
        for (new, plain) in new.iter().zip(&plain) {
            assert_same(new, plain);
        }
    }
}

/// Pictures of more than one workgroup's share, some of which lie in another order.
fn pictures(count: usize, device: &Device) -> Vec<Tensor<4>> {
    let picture = |k| match k % 2 {
        0 => random([1, 3, 61, 67], device),
        _ => random([1, 3, 67, 61], device).swap_dims(2, 3),
    };
    (0..count).map(picture).collect()
}

#[test]
fn products_of_many_pictures_agree_with_ordinary_operations() {
    for device in devices() {
        let pictures = pictures(13, &device);
        for count in [1, 5, 6, 13] {
            let rows = [&pictures[1], &pictures[2]];
            let columns: Vec<_> = pictures[..count].iter().collect();
            let found = dots(rows, &columns);
            assert_same(&found, &plain::dots(rows, &columns));
            let alone = dots(rows, &columns[count - 1..]).to_data();
            let last = found.slice(s![count - 1.., ..]).to_data();
            alone.assert_eq(&last, true);
        }
    }
}

#[test]
fn a_curvature_pair_agrees_with_ordinary_operations() {
    for device in devices() {
        let pictures = pictures(4, &device);
        // Some pixels at either end, where a gradient may push out of the box.
        let x = pictures[0].clone().mul_scalar(1.5).clamp(0.0, 1.0);
        let (now, before) = ([&x, &pictures[1]], [&pictures[2], &pictures[3]]);
        let pairs = curvature_pair(now, before)
            .into_iter()
            .zip(plain::curvature_pair(now, before));
        for (found, expected) in pairs {
            assert_same(&found, &expected);
        }
    }
}

#[test]
fn a_layer_takes_its_input_to_a_standard_before_its_zero_padding() {
    for device in devices() {
        for inputs in [1, 3] {
            let (weight, bias) = (random([20, inputs, 3, 3], &device), random([20], &device));
            let input = Standardisation {
                mean: vec![0.4, -0.2, 0.3][..inputs].to_vec(),
                scale: vec![0.7, 1.6, -2.0][..inputs].to_vec(),
            };
            let (w, b) = (vec(&weight), vec(&bias));
            let ours = Filters::standardised(&w, &b, &input, &device);
            let layer = plain::Layer::new(&w, &b, &input, &device);
            let x = random([1, inputs, 13, 101], &device);
            for kind in [Pool::None, Pool::Max] {
                let run = |x| conv_relu(x, &ours, kind);
                let plain = |x| layer.forward(x, kind);
                assert_same(&run(x.clone()), &plain(x.clone()));
                assert_same(&gradient(&x, run), &gradient(&x, plain));
            }
        }
    }
}

#[test]
fn a_combination_of_many_pictures_agrees_with_ordinary_operations() {
    for device in devices() {
        let pictures = pictures(23, &device);
        let factor = |k: usize| 0.3 - 0.1 * (k % 7) as f32;
        for count in [1, 7, 8, 23] {
            let terms = pictures[..count].iter().enumerate();
            let terms: Vec<_> = terms.map(|(k, x)| (factor(k), x)).collect();
            assert_same(&combination(&terms), &plain::combination(&terms));
        }
    }
}

#[test]
fn maps_may_lie_in_memory_in_any_order() {
    for device in devices() {
        let [filters, plain] = both(&random([16, 16, 3, 3], &device), &random([16], &device));
        let turned = random([1, 16, 7, 11], &device).swap_dims(2, 3);
        let part = random([1, 20, 9, 8], &device).slice([0..1, 2..18, 1..8, 0..8]);
        for x in [turned, part] {
            let ordinary = conv_relu(x.clone(), &plain, Pool::None);
            assert_same(&conv_relu(x.clone(), &filters, Pool::None), &ordinary);
            assert_same(&gram(x.clone()), &gram(x.reshape([1, 16, 1, -1])));
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    for device in devices() {
        let [filters, _] = both(
            &(random([16, 3, 3, 3], &device) * 0.3),
            &random([16], &device),
        );
        let loss = |x: Tensor<4>| gram(conv_relu(x, &filters, Pool::Max)).square().sum();
        let x = random([1, 3, 8, 8], &device);
        let variable = x.clone().autodiff().require_grad();
        let grads = loss(variable.clone()).backward();
        // Along the gradient the slope is steepest, and rounding matters least.
        let gradient = variable.grad(&grads).unwrap();
        let direction = gradient.clone() / gradient.clone().abs().max().reshape([1, 1, 1, 1]);
        let slope: f32 = (gradient * direction.clone()).sum().into_scalar();
        let at = |step: f32| -> f32 { loss(x.clone() + direction.clone() * step).into_scalar() };
        let difference = (at(1e-3) - at(-1e-3)) / 2e-3;
        assert!(
            (slope - difference).abs() < 0.02 * slope.abs(),
            "{slope} and {difference}"
        );
    }
}

#[test]
fn a_map_that_is_still_in_use_is_left_alone() {
    for device in devices() {
        let [filters, _] = both(&random([16, 16, 3, 3], &device), &random([16], &device));
        let x = random([1, 16, 8, 8], &device);
        let before = x.to_data();
        let once = conv_relu(x.clone(), &filters, Pool::None);
        let twice = conv_relu(x.clone(), &filters, Pool::None);
        before.assert_eq(&x.to_data(), true);
        once.to_data().assert_eq(&twice.to_data(), true);
    }
}

/// Filters of a layer from 16 to 32 channels and of one from those to 32, ours and plain ones.
fn two_layers(device: &Device) -> [[Filters; 2]; 2] {
    [16, 32].map(|inputs| {
        let weight = random([32, inputs, 3, 3], device) * (2.0 / (9.0 * inputs as f32)).sqrt();
        both(&weight, &random([32], device))
    })
}

/// A layer whose map feeds the next layer, and whose part has a Gram matrix and a sum of its own.
fn parted(x: Tensor<4>, filters: [&Filters; 2], ours: bool) -> Tensor<4> {
    let y = conv_relu(x, filters[0], Pool::None);
    let own = if ours {
        part(y.clone(), 2..9, 1..7)
    } else {
        y.clone().slice(s![.., .., 2..9, 1..7])
    };
    let square = gram(own.clone()).sum() / 100.0 + own.sin().mean();
    conv_relu(y, filters[1], Pool::Max) + square.reshape([1, 1, 1, 1])
}

#[test]
fn a_part_agrees_with_a_slice_forward_and_backward() {
    for device in devices() {
        let x = random([1, 16, 12, 9], &device);
        let filters = two_layers(&device);
        let run = |x, ours: bool| {
            let [first, second] = &filters;
            let own = usize::from(!ours);
            parted(x, [&first[own], &second[own]], ours)
        };
        assert_same(&run(x.clone(), true), &run(x.clone(), false));
        assert_same(
            &gradient(&x, |x| run(x, true)),
            &gradient(&x, |x| run(x, false)),
        );
        // Of a map that no layer of ours made.
        let plain = |x: Tensor<4>, ours: bool| {
            if ours {
                part(x, 3..11, 0..9)
            } else {
                x.slice(s![.., .., 3..11, 0..9])
            }
        };
        assert_same(
            &gradient(&x, |x| plain(x, true)),
            &gradient(&x, |x| plain(x, false)),
        );
    }
}

/// A layer whose map is weighted and has a mean of its own beside the next layer.
fn weighed(x: Tensor<4>, filters: [&Filters; 2], weights: &Tensor<2>, ours: bool) -> Tensor<4> {
    let y = conv_relu(x, filters[0], Pool::None);
    let (of, by) = (y.clone(), weights.clone());
    let means = if ours {
        gram(weighted(of.clone(), by.clone())).sum() + mean(of, by).sin().sum()
    } else {
        let by = by.reshape([1, 1, 37, 41]);
        let means = (of.clone() * by.clone()).sum_dims(&[2, 3]);
        gram(of * by).sum() + means.sin().sum()
    };
    conv_relu(y, filters[1], Pool::Max) + means.reshape([1, 1, 1, 1]) / 100.0
}

#[test]
fn weighted_maps_and_their_means_agree_with_ordinary_operations() {
    for device in devices() {
        let x = random([1, 16, 37, 41], &device);
        // Not of one run of memory.
        let weights = random([41, 40], &device).transpose().slice(s![3.., ..]) / 100.0;
        let filters = two_layers(&device);
        let run = |x, ours: bool| {
            let [first, second] = &filters;
            let own = usize::from(!ours);
            weighed(x, [&first[own], &second[own]], &weights, ours)
        };
        assert_same(&run(x.clone(), true), &run(x.clone(), false));
        assert_same(
            &gradient(&x, |x| run(x, true)),
            &gradient(&x, |x| run(x, false)),
        );
        // Of maps that no layer of ours made.
        let ours = |x: Tensor<4>| weighted(x, weights.clone());
        let plain = |x: Tensor<4>| plain::weighted(x, weights.clone());
        assert_same(&gradient(&x, ours), &gradient(&x, plain));
        let wide = |mean: Tensor<2>| mean.reshape([1, 16, 1, 1]);
        let ours = |x: Tensor<4>| wide(mean(x, weights.clone()));
        let plain = |x: Tensor<4>| wide(plain::mean(x, weights.clone()));
        assert_same(&gradient(&x, ours), &gradient(&x, plain));
    }
}
