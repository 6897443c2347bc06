use super::StyleSource;
use crate::picture::Mask;

/// A part of the content picture and the style pictures that share one target there.
#[derive(Debug)]
pub struct Region<'a> {
    /// Where it is: everywhere if none.
    pub mask: Option<&'a Mask>,
    /// Its share among all regions, by area. A Gram matrix is a mean over its region, so the pull
    /// on one pixel falls with the region's area; shares by area make it the same in every region,
    /// and as strong as without regions.
    pub share: f32,
    sources: Vec<&'a StyleSource>,
}

impl<'a> Region<'a> {
    /// Sources with the same content mask, together, in the order given.
    pub fn all(sources: &'a [StyleSource]) -> Vec<Self> {
        let mut regions: Vec<Self> = Vec::new();
        for source in sources {
            let mask = source.content_mask.as_ref();
            match regions.iter_mut().find(|region| region.mask == mask) {
                Some(region) => region.sources.push(source),
                None => regions.push(Self {
                    mask,
                    share: mask.map_or(1.0, area),
                    sources: vec![source],
                }),
            }
        }
        let area: f32 = regions.iter().map(|region| region.share).sum();
        for region in &mut regions {
            region.share /= area;
        }
        regions
    }

    /// The style pictures with their shares, which add up to 1.
    pub fn sources(&self) -> impl Iterator<Item = (&'a StyleSource, f32)> {
        let sum: f32 = self.sources.iter().map(|source| source.weight).sum();
        self.sources.iter().map(move |&s| (s, s.weight / sum))
    }
}

/// The mean of a mask: the part of the picture that it covers.
fn area(mask: &Mask) -> f32 {
    let sum: f64 = mask.values.iter().map(|&v| f64::from(v)).sum();
    (sum / mask.values.len() as f64) as f32
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn source(weight: f32, mask: Option<&[f32]>) -> StyleSource {
        let mask = mask.map(|values| Mask {
            width: values.len(),
            height: 1,
            values: values.to_vec(),
        });
        StyleSource {
            weight,
            content_mask: mask,
            ..Tensor::zeros([1, 3, 1, 1], &Device::flex()).into()
        }
    }

    fn shares(sources: &[StyleSource]) -> Vec<(f32, Vec<f32>)> {
        let regions = Region::all(sources);
        let weights = |region: &Region| region.sources().map(|(_, share)| share).collect();
        regions.iter().map(|r| (r.share, weights(r))).collect()
    }

    #[test]
    fn sources_of_one_region_share_it_by_weight_and_regions_share_by_area() {
        let (left, right) = ([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0]);
        let sources = [
            source(3.0, Some(&left)),
            source(1.0, Some(&right)),
            source(1.0, Some(&left)),
        ];
        assert_eq!(
            shares(&sources),
            [(0.25, vec![0.75, 0.25]), (0.75, vec![1.0])]
        );
    }

    #[test]
    fn a_source_without_a_mask_is_a_region_of_the_whole_picture() {
        let sources = [source(2.0, None), source(1.0, Some(&[1.0, 0.0, 0.0, 0.0]))];
        assert_eq!(shares(&sources), [(0.8, vec![1.0]), (0.2, vec![1.0])]);
        assert_eq!(shares(&sources[..1]), [(1.0, vec![1.0])]);
    }
}
