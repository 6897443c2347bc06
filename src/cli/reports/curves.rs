//! Losses by step as an SVG, its colours left to the page's style sheet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::escaped;

/// Width and height of the drawing.
const SIZE: (f64, f64) = (640.0, 300.0);
/// Room on the left, above, on the right and below.
const MARGIN: (f64, f64, f64, f64) = (48.0, 10.0, 10.0, 32.0);
/// Most points of a curve: more cannot be told apart.
const POINTS: usize = 320;

/// The curves, by name, over the steps from 1, on a logarithmic scale. Curve `k` has the class `c` and
/// `k`, counted from 0 in the order of names.
pub fn svg(losses: &BTreeMap<String, Vec<f32>>) -> String {
    let steps = losses.values().map(Vec::len).max().unwrap_or(0);
    let (low, high) = decades(losses.values().flatten());
    let (left, top, right, bottom) = MARGIN;
    let (width, height) = (SIZE.0 - left - right, SIZE.1 - top - bottom);
    let x = |step: usize| left + width * (step as f64 - 1.0) / (steps.max(2) as f64 - 1.0);
    let y = |loss: f32| {
        let share = (f64::from(loss).log10() - f64::from(low)) / f64::from(high - low);
        top + height * (1.0 - share.clamp(0.0, 1.0))
    };
    let mut out = format!(
        "<svg class=\"curves\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" \
         aria-label=\"{}\">",
        SIZE.0,
        SIZE.1,
        escaped(&spoken(losses))
    );
    for decade in low..=high {
        let at = y(10_f32.powi(decade));
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{left} {at:.1}H{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">1e{decade}</text>",
            left + width,
            left - 6.0,
            at + 4.0
        );
    }
    for step in [1, steps.div_ceil(2), steps] {
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{step}</text>",
            x(step.max(1)).clamp(left + 8.0, left + width - 10.0),
            top + height + 16.0
        );
    }
    let _ = write!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">step</text>",
        left + width / 4.0,
        SIZE.1 - 4.0
    );
    for (k, curve) in losses.values().enumerate() {
        let every = curve.len().div_ceil(POINTS).max(1);
        let last = curve.len().saturating_sub(1);
        let shown = (1..).zip(curve).filter(|&(step, &loss)| {
            loss > 0.0 && loss.is_finite() && ((step - 1) % every == 0 || step - 1 == last)
        });
        let points: Vec<_> = shown
            .map(|(step, &loss)| format!("{:.1},{:.1}", x(step), y(loss)))
            .collect();
        let points = points.join(" ");
        let _ = write!(out, "<polyline class=\"c{k}\" points=\"{points}\"/>");
    }
    out.push_str("</svg>");
    out
}

/// The powers of ten around all losses above 0.
fn decades<'a>(losses: impl Iterator<Item = &'a f32>) -> (i32, i32) {
    let shown = losses.filter(|loss| loss.is_finite() && **loss > 0.0);
    let (low, high) = shown.fold((f32::INFINITY, 0.0_f32), |(low, high), &loss| {
        (low.min(loss), high.max(loss))
    });
    if high <= 0.0 {
        return (-1, 0);
    }
    let (low, high) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    // Below that nothing can be seen, and no loss is that small but the content's at its start.
    let low = low.max(high - 7);
    (low.min(high - 1), high)
}

/// The curves in words: where each begins and ends.
fn spoken(losses: &BTreeMap<String, Vec<f32>>) -> String {
    let curve = |(name, curve): (&String, &Vec<f32>)| {
        let (first, last) = (curve.first()?, curve.last()?);
        Some(format!("{name} from {first:.2e} to {last:.2e}"))
    };
    let all: Vec<_> = losses.iter().filter_map(curve).collect();
    format!("Losses by step: {}", all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(curves: &[(&str, &[f32])]) -> BTreeMap<String, Vec<f32>> {
        let owned = curves.iter().map(|&(name, c)| (name.into(), c.to_vec()));
        owned.collect()
    }

    #[test]
    fn a_falling_loss_is_a_falling_line_between_the_margins() {
        let svg = svg(&losses(&[("a", &[1.0, 0.1, 0.01])]));
        let points = svg.split("points=\"").nth(1).unwrap();
        let points = points.split('"').next().unwrap();
        assert_eq!(points, "48.0,10.0 339.0,139.0 630.0,268.0");
        assert!(svg.contains("a from 1.00e0 to 1.00e-2"), "{svg}");
    }

    #[test]
    fn what_has_no_logarithm_is_left_out() {
        let svg = svg(&losses(&[
            ("a", &[0.0, f32::NAN, f32::INFINITY, 0.5]),
            ("b", &[]),
        ]));
        assert_eq!(svg.matches(',').count(), 1, "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf,"), "{svg}");
    }

    #[test]
    fn a_long_run_has_no_more_points_than_can_be_seen() {
        let long: Vec<f32> = (1..=5000).map(|k| 1.0 / k as f32).collect();
        let svg = svg(&losses(&[("a", &long)]));
        let points = svg.matches(',').count();
        assert!((100..=POINTS + 1).contains(&points), "{points}");
    }
}
