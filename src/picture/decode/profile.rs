//! Colour profiles: whatever the file's ICC profile describes, to sRGB.

use std::sync::Arc;

use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, LocalizableString, ProfileText,
    TransformExecutor, TransformOptions,
};

use crate::picture::Note;

type Transform = Arc<dyn TransformExecutor<f32> + Send + Sync>;

/// Pixels converted at a time: a small buffer instead of a second picture.
const BLOCK: usize = 4096;

/// What a file says of its colours: a profile, or why there is none that can be used.
pub(super) type Colours = Result<ColorProfile, String>;

pub(super) fn parse(icc: &[u8]) -> Colours {
    ColorProfile::new_from_slice(icc).map_err(|e| e.to_string())
}

/// Converts RGB samples in place to sRGB. The note says what was done; none if nothing had to be.
pub(super) fn to_srgb(rgb: &mut [f32], grey: bool, colours: Colours) -> Option<Note> {
    let profile = match colours {
        Ok(profile) => profile,
        Err(reason) => return Some(Note::ProfileIgnored(reason)),
    };
    let grey = grey && profile.color_space == DataColorSpace::Gray;
    let layout = if grey { Layout::Gray } else { Layout::Rgb };
    let transform = match transform(&profile, layout) {
        Ok(transform) => transform,
        Err(e) => return Some(ignored(&e)),
    };
    if is_srgb(&transform, grey) {
        return None;
    }
    let mut source = Vec::with_capacity(3 * BLOCK);
    for block in rgb.chunks_mut(3 * BLOCK) {
        source.clear();
        source.extend(block.iter().step_by(if grey { 3 } else { 1 }));
        if let Err(e) = transform.transform(&source, block) {
            return Some(ignored(&e));
        }
    }
    Some(Note::ProfileConverted(name(&profile)))
}

/// sRGB samples from CMYK inks (0 none, 255 full), through the profile if there is one that works.
pub(super) fn ink_to_srgb(inks: &[u8], icc: Option<&[u8]>, notes: &mut Vec<Note>) -> Vec<f32> {
    if let Some(icc) = icc {
        match ink_by_profile(inks, icc) {
            Ok((rgb, name)) => {
                notes.push(Note::ProfileConverted(name));
                return rgb;
            }
            Err(e) => notes.push(ignored(&e)),
        }
    }
    notes.push(Note::PlainCmyk);
    inks.as_chunks::<4>()
        .0
        .iter()
        .flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| light(ink) * light(k)))
        .collect()
}

/// The light an ink lets through, in [0, 1].
fn light(ink: u8) -> f32 {
    f32::from(255 - ink) / 255.0
}

fn ink_by_profile(inks: &[u8], icc: &[u8]) -> Result<(Vec<f32>, String), CmsError> {
    let profile = ColorProfile::new_from_slice(icc)?;
    // The colour engine calls any four channels "RGBA".
    let transform = transform(&profile, Layout::Rgba)?;
    let mut rgb = vec![0.0; inks.len() / 4 * 3];
    let mut source = Vec::with_capacity(4 * BLOCK);
    for (inks, rgb) in inks.chunks(4 * BLOCK).zip(rgb.chunks_mut(3 * BLOCK)) {
        source.clear();
        source.extend(inks.iter().map(|&v| f32::from(v) / 255.0));
        transform.transform(&source, rgb)?;
    }
    Ok((rgb, name(&profile)))
}

fn transform(profile: &ColorProfile, layout: Layout) -> Result<Transform, CmsError> {
    let expected = match layout {
        Layout::Gray => DataColorSpace::Gray,
        Layout::Rgba => DataColorSpace::Cmyk,
        _ => DataColorSpace::Rgb,
    };
    if profile.color_space != expected {
        return Err(CmsError::InvalidProfile);
    }
    profile.create_transform_f32(
        layout,
        &ColorProfile::new_srgb(),
        Layout::Rgb,
        TransformOptions::default(),
    )
}

/// Whether the profile is sRGB in all but name: it moves no colour of a grid by an 8-bit step.
fn is_srgb(transform: &Transform, grey: bool) -> bool {
    const STEPS: usize = 9;
    let level = |i: usize| (i % STEPS) as f32 / (STEPS - 1) as f32;
    let (source, wanted): (Vec<f32>, Vec<f32>) = if grey {
        let levels: Vec<f32> = (0..STEPS).map(level).collect();
        let wanted = levels.iter().flat_map(|&v| [v; 3]).collect();
        (levels, wanted)
    } else {
        let grid: Vec<f32> = (0..STEPS.pow(3))
            .flat_map(|i| [level(i), level(i / STEPS), level(i / STEPS / STEPS)])
            .collect();
        (grid.clone(), grid)
    };
    let mut moved = vec![0.0; wanted.len()];
    transform.transform(&source, &mut moved).is_ok()
        && moved
            .iter()
            .zip(&wanted)
            .all(|(a, b)| (a - b).abs() < 1.0 / 255.0)
}

fn ignored(error: &CmsError) -> Note {
    Note::ProfileIgnored(error.to_string())
}

fn name(profile: &ColorProfile) -> String {
    let text = match &profile.description {
        Some(ProfileText::PlainString(text)) => text.clone(),
        Some(ProfileText::Localizable(texts)) => texts
            .first()
            .map(|LocalizableString { value, .. }| value.clone())
            .unwrap_or_default(),
        Some(ProfileText::Description(text)) => text.ascii_string.clone(),
        None => String::new(),
    };
    // The name comes from the file and may hold anything.
    let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    if text.is_empty() {
        "unnamed".to_owned()
    } else {
        text
    }
}
