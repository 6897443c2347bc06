use super::{Inputs, Job, JobError, Size, StyleSize};
use crate::arch::Layer;

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
}

/// Width and height of the photo and of every painting, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSizes {
    /// The photo's.
    pub content: (usize, usize),
    /// The paintings'.
    pub styles: Vec<(usize, usize)>,
}

impl From<&Inputs> for InputSizes {
    fn from(inputs: &Inputs) -> Self {
        let styles = inputs.styles.iter().map(|s| &s.picture);
        Self {
            content: (inputs.content.width, inputs.content.height),
            styles: styles.map(|p| (p.width, p.height)).collect(),
        }
    }
}

impl Job {
    /// Checks the job against pictures of these sizes and says what it will do.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be, or a picture too small for the deepest layer.
    pub fn plan(&self, inputs: &InputSizes) -> Result<Plan, JobError> {
        self.check()?;
        if inputs.styles.is_empty() {
            return Err(JobError::NoStyle);
        }
        let deepest = self.deepest()?;
        let steps = if self.is_done() { 0 } else { self.steps };
        let last = self.scale(1.0, steps, inputs);
        large_enough("content", last.size, deepest)?;
        for &size in &last.styles {
            large_enough("style", size, deepest)?;
        }
        let mut scales = vec![last];
        if self.is_done() {
            // Coarser scales would blur it.
            return Ok(Plan { scales, deepest });
        }
        let mut factor = 1.0;
        while scales.len() < self.scales.unwrap_or(usize::MAX) {
            factor /= self.scale_factor;
            let steps = self.steps_per_scale.unwrap_or(self.steps);
            let scale = self.scale(factor, steps, inputs);
            let long = scale.size.0.max(scale.size.1);
            let sizes = scale.styles.iter().chain([&scale.size]);
            let small = sizes
                .copied()
                .any(|size| large_enough("", size, deepest).is_err());
            if long < self.min_size || small {
                break;
            }
            scales.push(scale);
        }
        scales.reverse();
        Ok(Plan { scales, deepest })
    }

    /// The scale `factor` times the last one.
    fn scale(&self, factor: f64, steps: usize, inputs: &InputSizes) -> Scale {
        let fit = |size: Size, (width, height)| size.scaled(factor).of(width, height);
        let style = match self.style_size {
            StyleSize::Scale(times) => self.size.scaled(times),
            StyleSize::Own(size) => size,
        };
        Scale {
            size: fit(self.size, inputs.content),
            styles: inputs.styles.iter().map(|&s| fit(style, s)).collect(),
            steps,
        }
    }
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
    use super::super::Init;
    use super::*;

    fn sizes(content: (usize, usize), style: (usize, usize)) -> InputSizes {
        InputSizes {
            content,
            styles: vec![style],
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
            min_size: 1,
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
    fn nothing_is_to_do_where_only_the_content_counts_and_it_is_the_start() {
        let mut job = Job::default();
        (job.loss.beta, job.loss.tv) = (0.0, 0.0);
        let input = sizes((512, 512), (800, 400));
        let plan = job.plan(&input).unwrap();
        assert_eq!((plan.scales.len(), plan.steps()), (1, 0));
        job.loss.tv = 1.0;
        assert_eq!(job.plan(&input).unwrap().steps(), 300);
        (job.loss.tv, job.init) = (0.0, Init::Grey);
        assert_eq!(job.plan(&input).unwrap().steps(), 300);
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
