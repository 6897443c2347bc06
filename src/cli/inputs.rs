use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nst::job::{InputSizes, StyleSize};
use nst::loss::strength;
use nst::optimize::Method;
use nst::picture::{self, Limits, Mask};
use nst::weights::Choice;
use nst::{Init, Inputs, Job, JobError, Painting, Picture, SettingError, loss, optimize, weights};

use crate::cli::args::Transfer;
use crate::cli::fault::Usage;

/// The job of a command line, without the picture to start from.
pub fn job(args: &Transfer) -> Job {
    let (style, optimisation, pictures) = (&args.style, &args.optimisation, &args.pictures);
    let given = (style.alpha, style.beta, loss::Settings::default().tv);
    let (alpha, beta, tv) = style.strength.map_or(given, strength);
    let style_size = pictures
        .style_size
        .map_or(StyleSize::Scale(pictures.style_scale), StyleSize::Own);
    let preset = optimisation.preset.job();
    // Only one of the methods that have a rate can be meant.
    let usual_method = match optimisation.lr {
        Some(_) => Method::Adam,
        None => preset.optimize.method,
    };
    Job {
        model: style.model,
        pool: style.pool,
        padding: style.padding,
        loss: loss::Settings {
            alpha,
            beta,
            tv: style.tv.unwrap_or(tv),
            content_layers: style.content_layer.clone(),
            style_layers: style.style_layers.clone(),
            style_loss: style.style_loss,
            normalisation: style.loss,
        },
        optimize: optimize::Settings {
            method: optimisation.optimizer.unwrap_or(usual_method),
            lr: optimisation.lr.unwrap_or(preset.optimize.lr),
            history: optimisation.history,
            average: optimisation.average,
            patience: optimisation.patience,
        },
        steps: optimisation.steps.unwrap_or(preset.steps),
        steps_per_scale: optimisation.steps_per_scale.or(preset.steps_per_scale),
        exact_steps: optimisation.steps.is_some(),
        size: pictures.area.unwrap_or(pictures.size.of_job()),
        style_size,
        scales: optimisation.scales.or(preset.scales),
        min_size: optimisation.min_size,
        scale_factor: optimisation.scale_factor,
        init: Init::Content,
        colour: pictures.color,
        seed: pictures.seed,
        tile: args.hardware.tile.clone().unwrap_or_default(),
    }
}

/// A style picture's path and weight.
pub fn styles(args: &Transfer) -> Result<Vec<(PathBuf, f32)>, Usage> {
    args.pictures.style.iter().map(|s| weighted(s)).collect()
}

/// `a.jpg:2` is the file a.jpg with weight 2, unless a file of the whole name exists.
fn weighted(given: &Path) -> Result<(PathBuf, f32), Usage> {
    let plain = (given.to_path_buf(), 1.0);
    let Some((path, weight)) = given.to_str().and_then(|text| text.rsplit_once(':')) else {
        return Ok(plain);
    };
    if given.exists() || weight.contains(['/', '\\']) {
        return Ok(plain);
    }
    match weight.parse::<f32>() {
        Ok(weight) if weight.is_finite() && weight > 0.0 => Ok((path.into(), weight)),
        _ => Err(Usage(format!(
            "--style {}: the weight after the colon must be a number above 0",
            given.display()
        ))),
    }
}

/// Every file the command line names as an input: pictures, and the weights.
pub fn files(args: &Transfer) -> Result<Vec<PathBuf>, Usage> {
    let mut files = pictures(args)?;
    if let Some(Choice::File(weights)) = &args.style.weights {
        files.push(weights.clone());
    }
    Ok(files)
}

/// Every picture the command line names as an input.
pub fn pictures(args: &Transfer) -> Result<Vec<PathBuf>, Usage> {
    let pictures = &args.pictures;
    let mut files: Vec<_> = pictures.content.iter().cloned().collect();
    files.extend(styles(args)?.into_iter().map(|(path, _)| path));
    files.extend_from_slice(&pictures.content_mask);
    files.extend_from_slice(&pictures.style_mask);
    if start(&pictures.init).is_none() {
        files.push(pictures.init.clone());
    }
    Ok(files)
}

/// Refuses standard input for more than one picture.
pub fn check_pipe(args: &Transfer) -> Result<(), Usage> {
    let pictures = pictures(args)?;
    if pictures.iter().filter(|path| is_pipe(path)).count() > 1 {
        let text = "only one picture can come from standard input (-)";
        return Err(Usage(text.to_owned()));
    }
    Ok(())
}

/// Whether this name stands for standard input or output.
pub fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses a strength that is none.
pub fn check_strength(args: &Transfer) -> Result<(), SettingError> {
    match args.style.strength {
        Some(s) if !(0.0..=1.0).contains(&s) => Err(SettingError::Range {
            flag: "strength",
            value: s.to_string(),
            range: "from 0 (the photo) to 1 (the pure style)",
        }),
        _ => Ok(()),
    }
}

/// The content picture's path.
pub fn content(args: &Transfer) -> Result<&Path, Usage> {
    let content = args.pictures.content.as_deref();
    content.ok_or_else(|| Usage("--content FILE is missing".to_owned()))
}

/// The sizes by which a transfer is planned. Where the result's shape is given, the photo's is
/// nearly that already, and it is made so when the plan is known to fit.
pub fn sizes(args: &Transfer, inputs: &Inputs) -> InputSizes {
    let (sizes, output) = (InputSizes::from(inputs), &args.output);
    InputSizes {
        content: filled(args).unwrap_or(sizes.content),
        checkpoint: output.checkpoint.is_some() || output.resume.is_some(),
        ..sizes
    }
}

/// Width and height of the result, where the photo is cut to fill them.
pub fn filled(args: &Transfer) -> Option<(usize, usize)> {
    let pictures = &args.pictures;
    pictures.size.filled().filter(|_| pictures.area.is_none())
}

/// Reads every picture of a command line. Where the result's shape is given, the photo and its
/// masks are cut to it.
pub fn read(args: &Transfer, reader: &Reader<'_>) -> anyhow::Result<Inputs> {
    let cut = |picture: Picture| match filled(args) {
        Some((width, height)) => picture.cropped_to_ratio(width, height),
        None => picture,
    };
    let content = cut(reader.read(content(args)?)?);
    let mut styles = Vec::new();
    for (path, weight) in self::styles(args)? {
        styles.push(Painting {
            weight,
            ..reader.read(&path)?.into()
        });
    }
    let masks = |paths: &[PathBuf], cut: &dyn Fn(Picture) -> Picture| {
        let read = |path: &PathBuf| Ok(Mask::from(&cut(reader.read(path)?)));
        paths.iter().map(read).collect::<anyhow::Result<Vec<_>>>()
    };
    let content_masks = masks(&args.pictures.content_mask, &cut)?;
    let style_masks = masks(&args.pictures.style_mask, &std::convert::identity)?;
    Ok(Inputs {
        content,
        styles: regions(styles, content_masks, style_masks)?,
    })
}

/// Gives every painting its region: the k-th content mask belongs to the k-th painting and to the
/// k-th style mask; a single painting serves every pair of masks.
fn regions(
    mut styles: Vec<Painting>,
    content: Vec<Mask>,
    style: Vec<Mask>,
) -> Result<Vec<Painting>, JobError> {
    let (regions, parts, pictures) = (content.len(), style.len(), styles.len());
    if regions == 0 && parts == 0 {
        return Ok(styles);
    }
    let paired = parts == 0 || parts == regions;
    if !paired || (pictures != 1 && pictures != regions) || pictures == 0 {
        return Err(JobError::Masks {
            content: regions,
            style: parts,
            pictures,
        });
    }
    while styles.len() < regions {
        styles.push(styles[0].clone());
    }
    let mut style = style.into_iter();
    for (painting, mask) in styles.iter_mut().zip(content) {
        painting.content_mask = Some(mask);
        painting.style_mask = style.next();
    }
    Ok(styles)
}

/// Reads what `--init` names; a picture is cut as the photo is.
pub fn init(args: &Transfer, reader: &Reader<'_>) -> anyhow::Result<Init> {
    let given = &args.pictures.init;
    if let Some(init) = start(given) {
        return Ok(init);
    }
    let read = reader.read(given);
    let picture = read.context("--init is none of content, style, grey, noise, normal")?;
    Ok(Init::Picture(match filled(args) {
        Some((width, height)) => picture.cropped_to_ratio(width, height),
        None => picture,
    }))
}

/// The start that `--init` names, unless it is a file.
fn start(given: &Path) -> Option<Init> {
    Some(match given.to_str()? {
        "content" => Init::Content,
        "style" => Init::Style,
        "grey" | "gray" => Init::Grey,
        "noise" => Init::Noise,
        "normal" => Init::Normal,
        _ => return None,
    })
}

/// Reads pictures and keeps the digests of their files.
pub struct Reader<'a> {
    limits: Limits,
    note: &'a dyn Fn(&str),
    /// SHA-256 by name as given; stays empty without provenance.
    digests: RefCell<BTreeMap<String, String>>,
    keep: bool,
}

impl<'a> Reader<'a> {
    /// A reader under the limits of the flags; `note` is told what a person should hear.
    pub fn new(args: &Transfer, note: &'a dyn Fn(&str)) -> Self {
        let max_pixels = u64::from(args.pictures.max_pixels) * 1_000_000;
        Self {
            limits: Limits {
                max_pixels,
                allow_cut: args.pictures.allow_cut,
            },
            note,
            digests: RefCell::default(),
            keep: !args.output.no_provenance,
        }
    }

    /// The digests of the files read since the last call.
    pub fn digests(&self) -> BTreeMap<String, String> {
        self.digests.take()
    }

    fn read(&self, path: &Path) -> anyhow::Result<Picture> {
        if is_pipe(path) {
            return self.read_pipe(path);
        }
        let picture = picture::decode(path, &self.limits)?;
        for text in &picture.notes {
            (self.note)(&format!("{}: {text}", path.display()));
        }
        if self.keep {
            let name = path.to_string_lossy().into_owned();
            let digest = weights::sha256(path)?;
            self.digests.borrow_mut().insert(name, digest);
        }
        Ok(picture)
    }

    /// Reads the picture on standard input. It has no name by which anybody could find it again, so
    /// its digest is not kept.
    fn read_pipe(&self, path: &Path) -> anyhow::Result<Picture> {
        // 16-bit RGBA, and what surrounds it.
        let longest = self.limits.max_pixels.saturating_mul(8) + (64 << 20);
        let mut bytes = Vec::new();
        let mut pipe = io::stdin().take(longest + 1);
        pipe.read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
        if bytes.len() as u64 > longest {
            anyhow::bail!("standard input: more bytes than --max-pixels can take");
        }
        let picture = picture::decode_bytes(path, &bytes, &self.limits)?;
        for text in &picture.notes {
            (self.note)(&format!("standard input: {text}"));
        }
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painting() -> Painting {
        Picture::from_planes(1, 1, &[0.5; 3]).unwrap().into()
    }

    fn mask() -> Mask {
        Mask {
            width: 1,
            height: 1,
            values: vec![1.0],
        }
    }

    #[test]
    fn a_style_may_carry_a_weight() {
        let read = |text: &str| weighted(Path::new(text));
        assert_eq!(read("a.jpg").unwrap(), ("a.jpg".into(), 1.0));
        assert_eq!(read("a.jpg:2.5").unwrap(), ("a.jpg".into(), 2.5));
        for wrong in ["a.jpg:0", "a.jpg:-1", "a.jpg:nan", "a.jpg:x"] {
            assert!(read(wrong).unwrap_err().0.contains("after the colon"));
        }
    }

    #[test]
    fn one_painting_serves_every_pair_of_masks() {
        let both = regions(vec![painting()], vec![mask(), mask()], vec![mask(), mask()]);
        assert_eq!(both.unwrap().len(), 2);
    }

    #[test]
    fn masks_without_their_partners_are_refused() {
        let one = || vec![mask()];
        let two = || vec![painting(), painting()];
        assert!(regions(two(), one(), vec![]).is_err());
        assert!(regions(vec![painting()], vec![], one()).is_err());
        assert!(regions(vec![painting()], one(), vec![mask(), mask()]).is_err());
    }
}
