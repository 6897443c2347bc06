use super::Settings;

/// beta / alpha at half strength.
const USUAL: f32 = 20.0;

/// The weights (alpha, beta, tv) of a strength from 0 (the photo) to 1 (the pure style).
///
/// beta / alpha = 20 (s / (1 - s))^2: a half is the default, a quarter is gentle (2.2) and three
/// quarters strong (180). The total variation has its default weight, but none at 0, where it
/// would blur the photo.
pub fn strength(s: f32) -> (f32, f32, f32) {
    let tv = if s > 0.0 { Settings::default().tv } else { 0.0 };
    if s >= 1.0 {
        return (0.0, USUAL, tv);
    }
    (1.0, USUAL * (s / (1.0 - s)).powi(2), tv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_goes_from_the_photo_through_the_default_to_the_pure_style() {
        assert_eq!(strength(0.0), (1.0, 0.0, 0.0));
        let usual = Settings::default();
        assert_eq!(strength(0.5), (usual.alpha, usual.beta, usual.tv));
        assert!(strength(1.0).0.abs() < f32::EPSILON);
        assert!(strength(0.3).1 < strength(0.4).1);
    }
}
