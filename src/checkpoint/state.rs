//! A loop's state as named tensors and numbers, and back.

use burn::tensor::Tensor;

use super::Parts;
use crate::job::{Job, Plan};
use crate::optimize::{Adam, Average, Fallen, Guard, Lbfgs, Method, Optimizer, Patience, State};

/// What the names of the guard's good state begin with.
const GOOD: &str = "good.";

pub fn take_apart(state: &State) -> Parts {
    let mut parts = Parts::default();
    if let Some(good) = &state.guard.good {
        parts = take_apart(good).named(|name| Some(format!("{GOOD}{name}")));
        let failures = f64::from(state.guard.failures);
        parts.numbers.insert("failures".into(), failures);
    }
    parts.tensors.insert("image".into(), state.image.clone());
    let (sum, count) = state.average.parts();
    parts.tensors.extend(sum.map(|sum| ("average".into(), sum)));
    for (name, value) in [
        ("average.count", f64::from(count)),
        ("scale", state.scale as f64),
        ("step", state.step as f64),
        ("done", state.done as f64),
    ] {
        parts.numbers.insert(name.into(), value);
    }
    let first = state
        .first_total
        .map(|total| ("first_total".into(), f64::from(total)));
    parts.numbers.extend(first);
    if let Some(Fallen { total, step }) = state.patience.fallen() {
        let total = f64::from(total);
        parts.numbers.insert("fallen.total".into(), total);
        parts.numbers.insert("fallen.step".into(), step as f64);
    }
    match &state.optimizer {
        Optimizer::Adam(adam) => {
            if let Some((m, v)) = &adam.moments {
                parts.tensors.insert("adam.m".into(), m.clone());
                parts.tensors.insert("adam.v".into(), v.clone());
            }
            parts.numbers.insert("lr".into(), f64::from(adam.lr));
            parts
                .numbers
                .insert("adam.step".into(), f64::from(adam.step));
        }
        Optimizer::Lbfgs(lbfgs) => {
            let (tensors, numbers) = lbfgs.parts();
            parts.tensors.extend(tensors);
            parts.numbers.extend(numbers);
        }
        Optimizer::GradientDescent { lr } => {
            parts.numbers.insert("lr".into(), f64::from(*lr));
        }
    }
    parts
}

/// The state, or nothing if a part is missing or does not fit the plan.
pub fn put_together(job: &Job, plan: &Plan, parts: Parts) -> Option<State> {
    let good = parts
        .clone()
        .named(|name| name.strip_prefix(GOOD).map(str::to_owned));
    let now = parts.named(|name| (!name.starts_with(GOOD)).then(|| name.to_owned()));
    let failures = now.numbers.get("failures").copied();
    let mut state = without_guard(job, plan, now)?;
    if let Some(failures) = failures {
        let good = without_guard(job, plan, good)?;
        if good.scale != state.scale {
            return None;
        }
        state.guard = Guard {
            good: Some(Box::new(good)),
            failures: u32::try_from(whole(failures)?).ok()?,
        };
    }
    Some(state)
}

fn without_guard(job: &Job, plan: &Plan, mut parts: Parts) -> Option<State> {
    let number = |name: &str| parts.numbers.get(name).copied();
    let whole = |name: &str| number(name).and_then(whole);
    let (scale, step, done) = (whole("scale")?, whole("step")?, whole("done")?);
    let planned = plan.scales.get(scale)?;
    let (width, height) = planned.size;
    let sized = |x: &Tensor<4>| x.dims() == [1, 3, height, width];
    let before: usize = plan.scales[..scale].iter().map(|scale| scale.steps).sum();
    // A scale may end before its steps are done.
    let fits = step <= planned.steps && (step..=before + step).contains(&done);
    if !fits || !parts.tensors.values().all(sized) {
        return None;
    }
    let image = parts.tensors.remove("image")?;
    let mut average = Average::new(job.optimize.average);
    let sum = parts.tensors.remove("average");
    let count = i32::try_from(whole("average.count")?).ok()?;
    if sum.is_some() != (count > 0) {
        return None;
    }
    average.restore(sum, count);
    let first_total = number("first_total").map(|total| total as f32);
    let mut patience = Patience::new(job.optimize.patience);
    patience.restore(number("fallen.total").zip(whole("fallen.step")).map(fallen));
    let optimizer = optimizer(job, &mut parts)?;
    Some(State {
        image,
        optimizer,
        average,
        scale,
        step,
        done,
        patience,
        first_total,
        guard: Guard::default(),
    })
}

fn optimizer(job: &Job, parts: &mut Parts) -> Option<Optimizer> {
    let numbers = &parts.numbers;
    let number = |name: &str| numbers.get(name).copied();
    let rate = || number("lr").filter(|lr| *lr > 0.0).map(|lr| lr as f32);
    Some(match job.optimize.method {
        Method::Adam => {
            let (m, v) = (
                parts.tensors.remove("adam.m"),
                parts.tensors.remove("adam.v"),
            );
            let step = number("adam.step").and_then(whole)?;
            let mut adam = Adam::new(rate()?);
            adam.moments = m.zip(v);
            adam.step = i32::try_from(step).ok()?;
            Optimizer::Adam(Box::new(adam))
        }
        Method::Lbfgs => {
            let tensors = &mut parts.tensors;
            let mut tensor = |name: &str| tensors.remove(name);
            let lbfgs = Lbfgs::restore(job.optimize.history, &mut tensor, &number)?;
            Optimizer::Lbfgs(Box::new(lbfgs))
        }
        Method::GradientDescent => Optimizer::GradientDescent { lr: rate()? },
    })
}

fn fallen((total, step): (f64, usize)) -> Fallen {
    Fallen {
        total: total as f32,
        step,
    }
}

/// A number that counts something.
fn whole(value: f64) -> Option<usize> {
    let fine = value >= 0.0 && value <= f64::from(i32::MAX) && value.fract() == 0.0;
    fine.then_some(value as usize)
}
