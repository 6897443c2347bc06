/// beta / alpha at half strength.
const USUAL: f32 = 20.0;

/// The weights (alpha, beta) of a strength from 0 (the photo) to 1 (the pure style).
///
/// beta / alpha = 20 (s / (1 - s))^2: a half is the default, a quarter is gentle (2.2) and three
/// quarters strong (180).
pub fn strength(s: f32) -> (f32, f32) {
    if s >= 1.0 {
        return (0.0, USUAL);
    }
    (1.0, USUAL * (s / (1.0 - s)).powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::Settings;

    #[test]
    fn strength_goes_from_the_photo_through_the_default_to_the_pure_style() {
        assert_eq!(strength(0.0), (1.0, 0.0));
        let usual = Settings::default();
        assert_eq!(strength(0.5), (usual.alpha, usual.beta));
        assert!(strength(1.0).0.abs() < f32::EPSILON);
        assert!(strength(0.3).1 < strength(0.4).1);
    }
}
