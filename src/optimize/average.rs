use burn::tensor::Tensor;

/// Exponential moving average of pictures, corrected for its start at zero as Adam's moments are
/// (Kingma and Ba 2015, section 3).
#[derive(Clone, Debug)]
pub struct Average {
    decay: f32,
    sum: Option<Tensor<4>>,
    count: i32,
}

impl Average {
    /// No picture yet; `decay` from 0 to below 1, where 0 keeps no average at all.
    pub fn new(decay: f32) -> Self {
        Self {
            decay,
            sum: None,
            count: 0,
        }
    }

    /// Takes one more picture in.
    pub fn add(&mut self, x: &Tensor<4>) {
        if self.decay == 0.0 {
            return;
        }
        let share = x.clone().mul_scalar(1.0 - self.decay);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum.mul_scalar(self.decay) + share,
            None => share,
        });
        self.count += 1;
    }

    /// The average of the pictures so far, if there is one.
    pub fn value(&self) -> Option<Tensor<4>> {
        let sum = self.sum.clone()?;
        Some(sum.div_scalar(1.0 - self.decay.powi(self.count)))
    }

    /// Forgets every picture.
    pub fn restart(&mut self) {
        (self.sum, self.count) = (None, 0);
    }

    /// What it remembers: the weighted sum and the number of pictures in it.
    pub fn parts(&self) -> (Option<Tensor<4>>, i32) {
        (self.sum.clone(), self.count)
    }

    /// Puts back what [`Self::parts`] gave.
    pub fn restore(&mut self, sum: Option<Tensor<4>>, count: i32) {
        (self.sum, self.count) = (sum, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn pixel(value: f32) -> Tensor<4> {
        Tensor::full([1, 1, 1, 1], value, &Device::flex())
    }

    #[test]
    fn the_average_is_the_weighted_mean_of_all_pictures() {
        let (decay, values) = (0.9_f64, [0.2, 0.8, 0.5, 0.1]);
        let mut average = Average::new(0.9);
        assert!(average.value().is_none());
        let (mut sum, mut weights) = (0.0, 0.0);
        for value in values {
            average.add(&pixel(value as f32));
            sum = sum * decay + value;
            weights = weights * decay + 1.0;
            let found: f32 = average.value().unwrap().into_scalar();
            assert!((f64::from(found) - sum / weights).abs() < 1e-5);
        }
        average.restart();
        assert!(average.value().is_none());
    }

    #[test]
    fn without_decay_there_is_no_average() {
        let mut average = Average::new(0.0);
        average.add(&pixel(0.5));
        assert!(average.value().is_none());
    }
}
