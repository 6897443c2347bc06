use nst::device::Backend;
use nst::{Inputs, Observer, Picture, Plan};

use crate::cli::flags::Flags;

/// What a transfer is made of, when everything is read, checked and loaded.
pub struct Scene<'a> {
    /// What its picture is called: its file, or the caption on a sheet.
    pub name: &'a str,
    pub pictures: &'a Inputs,
    pub plan: &'a Plan,
    pub flags: &'a Flags,
    /// The network and where its weights come from.
    pub network: String,
    pub backend: Backend,
}

/// What became of a transfer whose picture is saved.
pub struct Ending<'a> {
    pub picture: &'a Picture,
    /// Updates that were done, over all scales.
    pub steps: usize,
    /// The whole time it took.
    pub seconds: f64,
    /// What to know of the picture, unless all steps were done.
    pub remark: Option<String>,
}

/// An observer that is also told of what is around the steps. Every method does nothing unless
/// written.
pub trait Audience: Observer {
    /// Something that a person should hear.
    fn note(&self, text: &str) {
        let _ = text;
    }

    /// The transfer is about to begin.
    fn begins(&mut self, scene: &Scene<'_>) {
        let _ = scene;
    }

    /// The picture is saved.
    fn ends(&mut self, ending: &Ending<'_>) {
        let _ = ending;
    }
}

/// Nobody.
pub struct Nobody;

impl Observer for Nobody {}
impl Audience for Nobody {}
