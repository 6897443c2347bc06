//! Where the result's colours come from: what is done to the pictures before and after.

use crate::job::{Colour, Inputs};
use crate::picture::Picture;

/// The pictures the optimisation sees, where they differ from those given.
pub fn before(colour: Colour, inputs: &Inputs) -> Option<Inputs> {
    let changed = match colour {
        Colour::Style => return None,
        Colour::Content => Picture::luminance_matched,
        Colour::Match => Picture::colours_matched,
    };
    let mut prepared = inputs.clone();
    if colour == Colour::Content {
        prepared.content = inputs.content.grey();
    }
    for painting in &mut prepared.styles {
        painting.picture = changed(&painting.picture, &inputs.content);
    }
    Some(prepared)
}

/// The result after the optimisation; `content` has its size.
pub fn after(colour: Colour, painted: Picture, content: &Picture) -> Picture {
    match colour {
        Colour::Content => {
            // Luminance moves in whole steps of the file it is for.
            let depth = content.depth;
            Picture { depth, ..painted }.with_colours_of(content)
        }
        Colour::Style | Colour::Match => painted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Depth;

    fn picture(value: impl Fn(usize) -> [f32; 3], depth: Depth) -> Picture {
        Picture {
            width: 8,
            height: 4,
            pixels: (0..32).flat_map(value).collect(),
            alpha: None,
            depth,
            notes: Vec::new(),
        }
    }

    fn inputs() -> Inputs {
        let wave = |k: usize| 0.5 + 0.4 * (k as f32).sin();
        let photo = picture(|k| [wave(k), wave(3 * k), 0.2], Depth::Sixteen);
        let painting = picture(|k| [0.9, wave(5 * k), wave(7 * k)], Depth::Eight);
        Inputs::new(photo, painting)
    }

    #[test]
    fn the_paintings_own_colours_need_nothing_done() {
        let inputs = inputs();
        assert_eq!(before(Colour::Style, &inputs), None);
        let painted = &inputs.styles[0].picture;
        for colour in [Colour::Style, Colour::Match] {
            assert_eq!(&after(colour, painted.clone(), &inputs.content), painted);
        }
    }

    #[test]
    fn the_photos_colours_come_from_a_grey_painting_and_return_at_the_photos_depth() {
        let inputs = inputs();
        let prepared = before(Colour::Content, &inputs).unwrap();
        let content = prepared.content.pixels.as_chunks::<3>().0;
        assert!(
            content
                .iter()
                .all(|rgb| rgb.iter().all(|v| v.to_bits() == rgb[0].to_bits()))
        );
        let grey = prepared.styles[0].picture.pixels.as_chunks::<3>().0;
        assert!(
            grey.iter()
                .all(|rgb| rgb.iter().all(|v| v.to_bits() == rgb[0].to_bits()))
        );
        let painted = prepared.styles[0].picture.clone();
        let result = after(Colour::Content, painted, &inputs.content);
        assert_eq!(result.depth, Depth::Sixteen);
        let pairs = result.pixels.as_chunks::<3>().0.iter();
        for (new, old) in pairs.zip(inputs.content.pixels.as_chunks::<3>().0) {
            let shift = new[0] - old[0];
            assert!((1..3).all(|c| (new[c] - old[c] - shift).abs() < 1e-4));
        }
        assert_ne!(result.pixels, inputs.content.pixels);
    }

    #[test]
    fn a_matched_painting_has_the_photos_mean_colour() {
        let inputs = inputs();
        let prepared = before(Colour::Match, &inputs).unwrap();
        let mean = |p: &Picture, c| p.pixels.iter().skip(c).step_by(3).sum::<f32>() / 32.0;
        for c in 0..3 {
            let own = mean(&prepared.styles[0].picture, c);
            let off = (own - mean(&inputs.content, c)).abs();
            // Some colours leave [0, 1] and are clamped.
            assert!(off < 0.03, "channel {c} is off by {off}");
        }
    }
}
