use super::Settings;

/// beta / alpha at half strength.
const USUAL: f32 = 20.0;

/// The weights (alpha, beta, tv) of a strength from 0 (the photo) to 1 (the pure style).
///
/// beta / alpha = 20 (s / (1 - s))^(3/2): a half is the default, a fifth is gentle (2.5) and four
/// fifths strong (160). With this exponent the picture changes most evenly from strength to
/// strength, at every size and with every network (benches/README.md). The total variation has its
/// default weight from a fifth up and falls to 0 with beta below, where it would only blur the
/// photo.
pub fn strength(s: f32) -> (f32, f32, f32) {
    let odds = s / (1.0 - s);
    let ratio = odds * odds.sqrt();
    let tv = Settings::default().tv * (8.0 * ratio).min(1.0);
    if s >= 1.0 {
        return (0.0, USUAL, tv);
    }
    (1.0, USUAL * ratio, tv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_goes_from_the_photo_through_the_default_to_the_pure_style() {
        assert_eq!(strength(0.0), (1.0, 0.0, 0.0));
        let usual = Settings::default();
        assert_eq!(strength(0.5), (usual.alpha, usual.beta, usual.tv));
        assert_eq!(strength(1.0), (0.0, usual.beta, usual.tv));
    }

    #[test]
    fn a_strength_and_what_it_leaves_are_as_far_from_the_default() {
        for (s, beta) in [(0.2, 2.5), (0.8, 160.0)] {
            assert!((strength(s).1 - beta).abs() < 1e-4 * beta, "{s}");
        }
    }

    #[test]
    fn a_weak_strength_blurs_little() {
        let (_, beta, tv) = strength(0.1);
        assert!((beta / strength(0.2).1 - tv / strength(0.2).2).abs() < 1e-4);
        assert!(tv < 3.0, "{tv}");
    }
}
