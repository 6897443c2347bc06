use super::{Inputs, Job, JobError, Size, StyleSize};
use crate::arch::Layer;
use crate::picture::Mask;
use crate::tiles::{GRID, Sides, Tiling};

/// Long side of a scale, in pixels, up to which it gets all of its updates: coarser scales have done
/// most of the work, and every update of a larger one takes minutes.
pub(super) const LARGE: usize = 2048;
/// Fewest updates that a larger scale gets, unless it is to have fewer anyway.
const LEAST_STEPS: usize = 8;

/// Shortest long side of a coarser scale, in pixels, unless the job names one.
const LEAST_SIDE: usize = 256;
/// The same where it is the only one: 256 px by the root of two.
const LEAST_ONLY_SIDE: usize = 181;

/// What a job will do with certain pictures: everything that can be known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Coarse to fine, at least one.
    pub scales: Vec<Scale>,
    /// The deepest layer the network has to run to.
    pub deepest: Layer,
}

/// One scale of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Width and height of the result, in pixels.
    pub size: (usize, usize),
    /// Width and height every style picture is resized to, in pixels.
    pub styles: Vec<(usize, usize)>,
    /// Number of updates: none where the start is what is asked for, as at strength 0.
    pub steps: usize,
    /// How its pictures are cut.
    pub tiling: Tiling,
}

impl Scale {
    /// Width and height of every picture at this scale, the result's last.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (usize, usize)> {
        self.styles.iter().copied().chain([self.size])
    }

    /// Work of one of its steps, as a multiple of that over a pixel of a picture as a whole.
    pub fn work(&self) -> f64 {
        let (width, height) = self.size;
        (width * height) as f64 * self.tiling.work([height, width])
    }
}

impl Plan {
    /// Width and height of the result, in pixels.
    pub fn size(&self) -> (usize, usize) {
        self.scales.last().map_or((0, 0), |scale| scale.size)
    }

    /// Number of updates over all scales.
    pub fn steps(&self) -> usize {
        self.scales.iter().map(|scale| scale.steps).sum()
    }

    /// Updates that are left, at most, after `step` of them at a scale, which is counted from 1.
    pub fn left(&self, scale: usize, step: usize) -> usize {
        let left: usize = self
            .scales
            .iter()
            .skip(scale.saturating_sub(1))
            .map(|s| s.steps)
            .sum();
        left.saturating_sub(step)
    }

    /// The same plan in tiles of these sides.
    pub(super) fn in_tiles(mut self, sides: &Sides) -> Self {
        for (before_last, scale) in self.scales.iter_mut().rev().enumerate() {
            scale.tiling.side = sides.at(before_last);
        }
        self
    }
}

/// Width and height of the photo and of every painting, in pixels, and what else of them decides
/// how much memory a transfer takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputSizes {
    /// The photo's.
    pub content: (usize, usize),
    /// The paintings'.
    pub styles: Vec<(usize, usize)>,
    /// Regions of the photo that are painted apart: 0 if no painting has a content mask.
    pub regions: usize,
    /// Pixels of all masks together.
    pub masks: usize,
    /// Whether any painting has a mask.
    pub style_masks: bool,
    /// Whether the state is kept in a file on the way.
    pub checkpoint: bool,
}

impl From<&Inputs> for InputSizes {
    fn from(inputs: &Inputs) -> Self {
        let styles = &inputs.styles;
        let content = || styles.iter().map(|s| s.content_mask.as_ref());
        let style = || styles.iter().filter_map(|s| s.style_mask.as_ref());
        let mut regions: Vec<Option<&Mask>> = Vec::new();
        for mask in content() {
            if !regions.contains(&mask) {
                regions.push(mask);
            }
        }
        let masked = regions != [None];
        let masks = content().flatten().chain(style());
        Self {
            content: (inputs.content.width, inputs.content.height),
            styles: styles
                .iter()
                .map(|s| (s.picture.width, s.picture.height))
                .collect(),
            regions: if masked { regions.len() } else { 0 },
            masks: masks.map(|mask| mask.values.len()).sum(),
            style_masks: style().next().is_some(),
            checkpoint: false,
        }
    }
}

impl Job {
    /// Checks the job against pictures of these sizes and says what it will do.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, or a picture too small for the deepest layer or larger
    /// than pictures may be.
    pub fn plan(&self, inputs: &InputSizes) -> Result<Plan, JobError> {
        self.check()?;
        if inputs.styles.is_empty() {
            return Err(JobError::NoStyle);
        }
        let deepest = self.deepest()?;
        let steps = if self.is_done() { 0 } else { self.steps };
        let tiling = Tiling {
            side: None,
            halo: self.model.reach(deepest).next_multiple_of(GRID),
        };
        let last = self.scale(1.0, steps, tiling, inputs);
        possible("content", last.size, deepest)?;
        for &size in &last.styles {
            possible("style", size, deepest)?;
        }
        let mut scales = vec![last];
        if self.is_done() {
            // Coarser scales would blur it.
            return Ok(Plan { scales, deepest }.in_tiles(&self.tile));
        }
        let mut factor = 1.0;
        while scales.len() < self.scales.unwrap_or(usize::MAX) {
            factor /= self.scale_factor;
            let steps = self.steps_per_scale.unwrap_or(self.steps.div_ceil(2));
            let scale = self.scale(factor, steps, tiling, inputs);
            let long = scale.size.0.max(scale.size.1);
            let small = scale
                .sizes()
                .any(|size| large_enough("", size, deepest).is_err());
            if long < self.least_side(scales.len()) || small {
                break;
            }
            scales.push(scale);
        }
        scales.reverse();
        Ok(Plan { scales, deepest }.in_tiles(&self.tile))
    }

    /// Shortest long side of the scale before so many finer ones, in pixels.
    fn least_side(&self, finer: usize) -> usize {
        self.min_size.unwrap_or(match finer {
            1 => LEAST_ONLY_SIDE,
            _ => LEAST_SIDE,
        })
    }

    /// The scale `factor` times the last one.
    fn scale(&self, factor: f64, steps: usize, tiling: Tiling, inputs: &InputSizes) -> Scale {
        let fit = |size: Size, (width, height)| size.scaled(factor).of(width, height);
        let style = match self.style_size {
            StyleSize::Scale(times) => self.size.scaled(times),
            StyleSize::Own(size) => size,
        };
        let size = fit(self.size, inputs.content);
        Scale {
            size,
            styles: inputs.styles.iter().map(|&s| fit(style, s)).collect(),
            steps: if self.exact_steps {
                steps
            } else {
                affordable(steps, size)
            },
            tiling,
        }
    }
}

/// Of `steps` updates at a scale, as many as cost no more than all of them at [`LARGE`] px.
fn affordable(steps: usize, (width, height): (usize, usize)) -> usize {
    let side = LARGE as f64 / width.max(height) as f64;
    let share = (steps as f64 * side.min(1.0).powi(2)).round() as usize;
    share.max(LEAST_STEPS.min(steps))
}

/// Whether the network can look at a picture of this size, and files can hold it.
fn possible(
    picture: &'static str,
    (width, height): (usize, usize),
    deepest: Layer,
) -> Result<(), JobError> {
    let longest = super::size::LONGEST;
    if width.max(height) > longest {
        return Err(JobError::TooLarge {
            picture,
            width,
            height,
            longest,
        });
    }
    large_enough(picture, (width, height), deepest)
}

fn large_enough(
    picture: &'static str,
    (width, height): (usize, usize),
    deepest: Layer,
) -> Result<(), JobError> {
    let smallest = 1 << deepest.halvings();
    if width.min(height) >= smallest {
        return Ok(());
    }
    Err(JobError::TooSmall {
        picture,
        width,
        height,
        deepest,
        smallest,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Init, Painting};
    use super::*;
    use crate::picture::Picture;

    fn sizes(content: (usize, usize), style: (usize, usize)) -> InputSizes {
        InputSizes {
            content,
            styles: vec![style],
            ..InputSizes::default()
        }
    }

    #[test]
    fn regions_are_told_apart_by_their_masks() {
        let picture = || Picture::from_planes(2, 1, &[0.5; 6]).unwrap();
        let painting = |values: Option<[f32; 2]>| Painting {
            content_mask: values.map(|values| Mask {
                width: 2,
                height: 1,
                values: values.into(),
            }),
            ..picture().into()
        };
        let (left, right) = (Some([1.0, 0.0]), Some([0.0, 1.0]));
        for (masks, regions, pixels) in [
            (vec![None, None], 0, 0),
            (vec![left, right, left], 2, 6),
            (vec![left, None], 2, 2),
        ] {
            let inputs = Inputs {
                content: picture(),
                styles: masks.into_iter().map(painting).collect(),
            };
            let sizes = InputSizes::from(&inputs);
            assert_eq!((sizes.regions, sizes.masks), (regions, pixels));
            assert!(!sizes.style_masks);
        }
    }

    #[test]
    fn the_default_job_goes_coarse_to_fine_by_the_root_of_two() {
        let plan = Job::default()
            .plan(&sizes((1024, 768), (600, 800)))
            .unwrap();
        assert_eq!(plan.size(), (512, 384));
        assert_eq!(plan.scales.last().unwrap().styles, [(384, 512)]);
        assert_eq!(plan.deepest, Layer::new(5, 2));
        let widths: Vec<_> = plan.scales.iter().map(|scale| scale.size.0).collect();
        assert_eq!(widths, [256, 362, 512]);
        assert_eq!((plan.left(1, 0), plan.left(2, 20)), (plan.steps(), 130));
    }

    #[test]
    fn a_small_picture_has_one_coarser_scale_down_to_181_px_unless_a_least_side_is_given() {
        let widths = |long, min_size| -> Vec<_> {
            let size = Size::Long(long);
            let job = Job {
                size,
                min_size,
                ..Job::default()
            };
            let plan = job.plan(&sizes((1024, 768), (600, 800))).unwrap();
            plan.scales.iter().map(|scale| scale.size.0).collect()
        };
        assert_eq!(widths(255, None), [255]);
        assert_eq!(widths(256, None), [181, 256]);
        assert_eq!(widths(320, None), [226, 320]);
        assert_eq!(widths(362, None), [256, 362]);
        assert_eq!(widths(320, Some(256)), [320]);
        assert_eq!(widths(320, Some(160)), [160, 226, 320]);
    }

    #[test]
    fn one_scale_is_the_textbook_loop() {
        let job = Job {
            scales: Some(1),
            ..Job::default()
        };
        let plan = job.plan(&sizes((64, 64), (64, 64))).unwrap();
        assert_eq!(plan.scales.len(), 1);
        assert_eq!(plan.steps(), job.steps);
    }

    #[test]
    fn no_scale_is_too_small_for_the_deepest_layer() {
        let job = Job {
            size: Size::Long(64),
            min_size: Some(1),
            ..Job::default()
        };
        let plan = job.plan(&sizes((64, 24), (64, 64))).unwrap();
        let heights: Vec<_> = plan.scales.iter().map(|scale| scale.size.1).collect();
        assert_eq!(heights, [17, 24]);
    }

    #[test]
    fn the_painting_may_have_a_size_of_its_own() {
        let mut job = Job {
            scales: Some(1),
            style_size: StyleSize::Scale(0.5),
            ..Job::default()
        };
        let input = sizes((512, 512), (800, 400));
        assert_eq!(job.plan(&input).unwrap().scales[0].styles, [(256, 128)]);
        job.style_size = StyleSize::Own(Size::Long(400));
        assert_eq!(job.plan(&input).unwrap().scales[0].styles, [(400, 200)]);
    }

    #[test]
    fn a_picture_with_a_side_beyond_what_files_hold_is_refused_with_its_size() {
        let tall = (100, 1000);
        let mut job = Job {
            size: Size::Width(65535),
            ..Job::default()
        };
        let error = job.plan(&sizes(tall, (64, 64))).unwrap_err().to_string();
        assert!(
            error.contains("content picture") && error.contains("65535x655350"),
            "{error}"
        );
        job = Job {
            style_size: StyleSize::Own(Size::Height(60000)),
            ..Job::default()
        };
        let error = job.plan(&sizes(tall, (400, 100))).unwrap_err().to_string();
        assert!(
            error.contains("style picture") && error.contains("240000x60000"),
            "{error}"
        );
        job.style_size = StyleSize::Own(Size::Long(65535));
        assert!(job.plan(&sizes(tall, (400, 100))).is_ok());
    }

    #[test]
    fn nothing_is_to_do_where_only_the_content_counts_and_it_is_the_start() {
        let mut job = Job::default();
        (job.loss.beta, job.loss.tv) = (0.0, 0.0);
        let input = sizes((512, 512), (800, 400));
        let plan = job.plan(&input).unwrap();
        assert_eq!((plan.scales.len(), plan.steps()), (1, 0));
        job.loss.tv = 1.0;
        assert_eq!(job.plan(&input).unwrap().steps(), 200);
        (job.loss.tv, job.init) = (0.0, Init::Grey);
        assert_eq!(job.plan(&input).unwrap().steps(), 200);
    }

    #[test]
    fn scales_above_2048_px_get_fewer_steps_unless_a_number_is_given() {
        let steps = |exact_steps, size| {
            let job = Job {
                steps: 100,
                steps_per_scale: Some(100),
                exact_steps,
                size: Size::Long(size),
                ..Job::default()
            };
            let plan = job.plan(&sizes((800, 600), (512, 512))).unwrap();
            let of_scale = |scale: &Scale| (scale.size.0, scale.steps);
            plan.scales.iter().map(of_scale).collect::<Vec<_>>()
        };
        assert!(steps(false, 2048).iter().all(|&(_, steps)| steps == 100));
        let large = steps(false, 8192);
        assert_eq!(
            large[large.len() - 5..],
            [(2048, 100), (2896, 50), (4096, 25), (5793, 12), (8192, 8)]
        );
        assert!(steps(true, 8192).iter().all(|&(_, steps)| steps == 100));
    }

    #[test]
    fn a_picture_too_small_for_the_deepest_layer_is_told_the_smallest_side() {
        let job = Job {
            size: Size::Long(64),
            ..Job::default()
        };
        let error = job.plan(&sizes((64, 64), (64, 10))).unwrap_err();
        assert!(error.to_string().contains("at least 16 pixels"), "{error}");
        assert!(job.plan(&sizes((64, 64), (64, 16))).is_ok());
    }
}
