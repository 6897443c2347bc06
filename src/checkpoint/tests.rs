use std::fs;

use burn::tensor::{Device, Tensor};
use proptest::prelude::*;

use super::*;
use crate::device::Backend;
use crate::job::{Inputs, Size};
use crate::loss;
use crate::optimize::{self, Method};
use crate::picture::Picture;

fn grey(width: usize, height: usize) -> Picture {
    Picture::from_planes(width, height, &vec![0.5; 3 * width * height]).unwrap()
}

fn job(method: Method) -> Job {
    Job {
        size: Size::Long(20),
        optimize: optimize::Settings {
            method,
            average: 0.9,
            ..optimize::Settings::default()
        },
        ..Job::default()
    }
}

/// A state after two updates, its checkpoint's bytes, and what is needed to read them.
fn kept(method: Method) -> (State, Vec<u8>, Plan, Passport) {
    let inputs = Inputs::new(grey(20, 16), grey(16, 16));
    let job = job(method);
    let plan = job.plan(&(&inputs).into()).unwrap();
    let passport = Passport::new(&job, &inputs, "0123", Backend::Cpu);
    let mut state = State::new(
        &job.optimize,
        Tensor::full([1, 3, 16, 20], 0.5, &Device::flex()),
    );
    for k in 1..3 {
        let gradient = Tensor::full([1, 3, 16, 20], 0.1 * k as f32, &Device::flex());
        let total = 3.0 / k as f32;
        state.image = state.optimizer.update(state.image, gradient, total);
        state.average.add(&state.image);
        (state.step, state.done) = (k, k);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    save(&path, &state, &passport).unwrap();
    (state, fs::read(path).unwrap(), plan, passport)
}

fn read(
    method: Method,
    bytes: &[u8],
    plan: &Plan,
    passport: &Passport,
) -> Result<State, CheckpointError> {
    parse(
        "state".as_ref(),
        bytes,
        &job(method),
        plan,
        passport,
        &Device::flex(),
    )
}

#[test]
fn every_method_comes_back_as_it_was() {
    for method in Method::ALL {
        let (state, bytes, plan, passport) = kept(method);
        let again = read(method, &bytes, &plan, &passport).unwrap();
        let (a, b) = (state::take_apart(&state), state::take_apart(&again));
        assert_eq!(a.numbers, b.numbers, "{method}");
        assert_eq!(a.tensors.len(), b.tensors.len(), "{method}");
        for (name, tensor) in a.tensors {
            assert_eq!(
                tensor.to_data(),
                b.tensors[&name].to_data(),
                "{method}: {name}"
            );
        }
    }
}

#[test]
fn another_job_is_refused_with_every_difference() {
    let (_, bytes, plan, passport) = kept(Method::Adam);
    let inputs = Inputs::new(grey(20, 16), grey(16, 17));
    let other = Job {
        loss: loss::Settings {
            beta: 7.0,
            ..loss::Settings::default()
        },
        ..job(Method::Adam)
    };
    let now = Passport::new(&other, &inputs, "0123", Backend::Gpu);
    let error = read(Method::Adam, &bytes, &plan, &now)
        .unwrap_err()
        .to_string();
    for part in [
        "--beta is 7, was 20",
        "--backend is gpu, was cpu",
        "the instruction set is not there, was",
        "style picture 1's digest",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(read(Method::Adam, &bytes, &plan, &passport).is_ok());
}

#[test]
fn only_a_checkpoint_is_replaced_or_removed() {
    let (state, bytes, _, passport) = kept(Method::Adam);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    assert!(!is_there(&path).unwrap());
    remove(&path).unwrap();
    let mut longer = (u64::MAX).to_le_bytes().to_vec();
    longer.extend(&bytes[8..]);
    for foreign in [&b""[..], b"a photo", &[0; 100], &bytes[..50], &longer] {
        fs::write(&path, foreign).unwrap();
        for refused in [
            is_there(&path).map(drop),
            save(&path, &state, &passport),
            remove(&path),
        ] {
            assert!(
                matches!(refused, Err(CheckpointError::NotOurs { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(fs::read(&path).unwrap(), foreign);
    }
    fs::write(&path, &bytes).unwrap();
    assert!(is_there(&path).unwrap());
    save(&path, &state, &passport).unwrap();
    remove(&path).unwrap();
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn a_device_is_no_checkpoint_and_is_not_read_to_its_end() {
    let (_, _, plan, passport) = kept(Method::Adam);
    let zero = Path::new("/dev/zero");
    let error = is_there(zero).unwrap_err();
    assert!(error.to_string().contains("it is no file"), "{error}");
    let read = load(zero, &job(Method::Adam), &plan, &passport, &Device::flex());
    assert!(matches!(read, Err(CheckpointError::NotRead { .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_, _, plan, passport) = kept(Method::Lbfgs);
        prop_assert!(read(Method::Lbfgs, &bytes, &plan, &passport).is_err());
    }

    #[test]
    fn any_changed_byte_is_found(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let (_, mut bytes, plan, passport) = kept(Method::Adam);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(read(Method::Adam, &bytes, &plan, &passport).is_err());
    }
}
