//! What a PNG says of its colours besides an ICC profile: code points (cICP), sRGB, or gamma and primaries (gAMA, cHRM).

use std::io::Cursor;

use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile,
    MatrixCoefficients, ProfileText, ToneReprCurve, TransferCharacteristics,
};
use png::{CodingIndependentCodePoints, Info, ScaledFloat, SourceChromaticities};

use super::profile::Colours;

/// The colours to convert from, in the order that the standard gives (PNG, third edition, section 4.3): cICP, the ICC
/// profile, sRGB, then gAMA and cHRM. None if they are sRGB, or if nothing is said.
pub(super) fn of(bytes: &[u8], icc: Option<Colours>) -> Option<Colours> {
    // The pixels are decoded already: chunks that cannot be read again have nothing more to say.
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let Ok(reader) = decoder.read_info() else {
        return icc;
    };
    let info = reader.info();
    let points = info.coding_independent_code_points.map(from_code_points);
    let is_srgb = info.srgb.is_some();
    let plain = (!is_srgb).then(|| from_gamma(info)).flatten();
    match points {
        // Of colours that cannot be converted the file may hold a description that can.
        Some(Err(reason)) => icc.or(plain).or_else(|| (!is_srgb).then_some(Err(reason))),
        points => points.or(icc).or(plain),
    }
}

/// Code points as in ITU-T H.273. The curves of HDR (16, PQ, and 18, HLG) are not among those converted: they describe
/// light far brighter than sRGB's white, and would have to be tone-mapped.
fn from_code_points(points: CodingIndependentCodePoints) -> Colours {
    let CodingIndependentCodePoints {
        color_primaries,
        transfer_function,
        is_video_full_range_image,
        // Always 0: a PNG is RGB.
        matrix_coefficients: _,
    } = points;
    let name = format!("cICP {color_primaries}/{transfer_function}");
    let cannot = |_| format!("{name} cannot be converted");
    let transfer = TransferCharacteristics::try_from(transfer_function).map_err(cannot)?;
    let mut profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(color_primaries).map_err(cannot)?,
        transfer_characteristics: transfer,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    let is_hdr = matches!(
        transfer,
        TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg
    );
    if is_hdr || !is_video_full_range_image || profile.red_trc.is_none() {
        return Err(format!("{name} cannot be converted"));
    }
    profile.description = Some(ProfileText::PlainString(name));
    Ok(profile)
}

/// A profile of gAMA and cHRM; what one of them leaves open is as in sRGB.
fn from_gamma(info: &Info) -> Option<Colours> {
    let (gamma, primaries) = (info.gama_chunk, info.chrm_chunk);
    (gamma.is_some() || primaries.is_some()).then(|| {
        let mut profile = ColorProfile::new_srgb();
        // It would be preferred to what is set here.
        profile.cicp = None;
        if let Some(primaries) = primaries {
            set_primaries(&mut profile, primaries)?;
        }
        if let Some(gamma) = gamma {
            set_gamma(&mut profile, gamma)?;
        }
        profile.description = Some(ProfileText::PlainString("gAMA and cHRM".to_owned()));
        Ok(profile)
    })
}

fn set_gamma(profile: &mut ColorProfile, gamma: ScaledFloat) -> Result<(), String> {
    // What a file in sRGB gives for programs that know no sRGB (section 11.3.2.5).
    const SRGB: f32 = 0.45455;
    let gamma = gamma.into_value();
    if (gamma - SRGB).abs() < 0.005 {
        return Ok(());
    }
    if !(0.1..=10.0).contains(&gamma) {
        return Err(format!("a gamma (gAMA) of {gamma}"));
    }
    let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    Ok(())
}

fn set_primaries(profile: &mut ColorProfile, said: SourceChromaticities) -> Result<(), String> {
    let point = |(x, y): (ScaledFloat, ScaledFloat)| Chromaticity {
        x: x.into_value(),
        y: y.into_value(),
    };
    let (white, red, green, blue) = (
        point(said.white),
        point(said.red),
        point(said.green),
        point(said.blue),
    );
    // Anything else is no mixture of the three that makes the white.
    if !is_inside(white, [red, green, blue]) {
        return Err("primaries (cHRM) that cannot make their white".to_owned());
    }
    profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
    Ok(())
}

/// Whether a point lies inside a triangle, and all have a luminance.
fn is_inside(point: Chromaticity, corners: [Chromaticity; 3]) -> bool {
    const LEAST: f32 = 1e-5;
    let [a, b, c] = corners;
    let side = |a: Chromaticity, b: Chromaticity| {
        (b.x - a.x) * (point.y - a.y) - (b.y - a.y) * (point.x - a.x)
    };
    let sides = [side(a, b), side(b, c), side(c, a)];
    let inside = sides.iter().all(|&s| s > LEAST) || sides.iter().all(|&s| s < -LEAST);
    inside && point.y > LEAST && corners.iter().all(|corner| corner.y > LEAST)
}
