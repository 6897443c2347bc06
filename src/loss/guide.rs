use burn::tensor::{Device, Tensor, TensorData, s};

use crate::kernels::weighted;
use crate::picture::Mask;
use crate::tiles::Area;

/// How much each position of a layer's map belongs to a region: the guidance channel of Gatys et
/// al. (2017), "Controlling Perceptual Factors in Neural Style Transfer", section 4.
#[derive(Clone, Debug)]
pub struct Guide {
    /// The mask at the layer's resolution, `[height, width]`.
    values: Tensor<2>,
    /// `[height, width]`.
    average: Tensor<2>,
    squares: f32,
}

impl Guide {
    /// A mask of any size for maps of `[height, width]`. The mask must not be
    /// [empty](Mask::is_empty).
    pub fn new(mask: &Mask, [height, width]: [usize; 2], device: &Device) -> Self {
        let values = mask.resized(width, height).values;
        let squares: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum();
        let average = values.iter().map(|&v| (f64::from(v) / squares) as f32);
        let average = TensorData::new(average.collect::<Vec<_>>(), [height, width]);
        let values = TensorData::new(values, [height, width]);
        Self {
            values: Tensor::from_data(values, device),
            average: Tensor::from_data(average, device),
            squares: squares as f32,
        }
    }

    /// What a tile owns of the map, times the guide there.
    pub fn guided(&self, owned: &Tensor<4>, area: &Area) -> Tensor<4> {
        let [rows, columns] = [area.rows.clone(), area.columns.clone()];
        let values = self.values.clone().slice(s![rows, columns]);
        weighted(owned.clone(), values)
    }

    /// What takes the guided map of an area, pixel by pixel, to its part of the mean over the
    /// region: `[height, width]` of the area.
    pub fn average(&self, area: &Area) -> Tensor<2> {
        let [rows, columns] = [area.rows.clone(), area.columns.clone()];
        self.average.clone().slice(s![rows, columns])
    }

    /// The sum of squared values: what a guided map's Gram matrix is over, as another's over its positions.
    pub fn squares(&self) -> f32 {
        self.squares
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernels::{gram_over, mean};

    fn numbers<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().iter::<f32>().collect()
    }

    #[test]
    fn a_guided_mean_and_gram_matrix_see_the_region_alone() {
        // Two channels: (2, 3) in the region's three positions, other numbers elsewhere.
        let map = [2.0, 9.0, 2.0, 2.0, 7.0, 5.0, 3.0, 0.0, 3.0, 3.0, 8.0, 1.0];
        let device = Device::flex();
        let map = Tensor::from_data(TensorData::new(map.to_vec(), [1, 2, 2, 3]), &device);
        let mask = Mask {
            width: 3,
            height: 2,
            values: vec![1.0, 0.0, 1.0, 1.0, 0.0, 0.0],
        };
        let guide = Guide::new(&mask, [2, 3], &device);
        let everywhere = Area::all([2, 3]);
        let guided = guide.guided(&map, &everywhere);
        let second = numbers(gram_over(guided.clone(), guide.squares()));
        for (found, expected) in second.iter().zip([4.0, 6.0, 6.0, 9.0]) {
            assert!((found - expected).abs() < 1e-5, "{second:?}");
        }
        let mean = numbers(mean(guided, guide.average(&everywhere)));
        assert!((mean[0] - 2.0).abs() < 1e-6 && (mean[1] - 3.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn a_mask_that_is_not_empty_is_empty_at_no_layer(
            width in 16_usize..300, height in 16_usize..300,
            at in any::<prop::sample::Index>(), halvings in 0..5,
        ) {
            let mut values = vec![0.0; width * height];
            values[at.index(width * height)] = 0.5;
            let mask = Mask { width, height, values };
            prop_assert!(!mask.is_empty());
            let size = [height >> halvings, width >> halvings];
            let guide = Guide::new(&mask, size, &Device::flex());
            prop_assert!(guide.squares().is_finite() && guide.squares() > 0.0);
            prop_assert!(numbers(guide.average(&Area::all(size))).iter().all(|v| v.is_finite()));
        }
    }
}
