//! What the first layer does to a picture before anything else.

/// What a layer takes its input channels to first: `(x - mean) * scale`, one of each a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Standardisation {
    /// What is taken off.
    pub mean: Vec<f32>,
    /// What the rest is multiplied by.
    pub scale: Vec<f32>,
}

impl Standardisation {
    /// The one that changes nothing.
    pub fn none(channels: usize) -> Self {
        let [mean, scale] = [0.0, 1.0].map(|value| vec![value; channels]);
        Self { mean, scale }
    }

    /// Copies numbers of a channel as the layer takes them.
    pub fn copy(&self, channel: usize, from: &[f32], to: &mut [f32]) {
        let (mean, scale) = (self.mean[channel], self.scale[channel]);
        for (to, x) in to.iter_mut().zip(from) {
            *to = (x - mean) * scale;
        }
    }
}
