//! Where the result's colours come from: what is done to the pictures before and after.

use crate::inputs::Inputs;
use crate::job::Colour;
use crate::picture::Picture;

/// The pictures the optimisation sees, where they differ from those given.
pub fn before(colour: Colour, inputs: &Inputs) -> Option<Inputs> {
    let changed = match colour {
        Colour::Style => return None,
        Colour::Content => Picture::luminance_matched,
        Colour::Match => Picture::colours_matched,
    };
    let mut prepared = inputs.clone();
    for painting in &mut prepared.styles {
        painting.picture = changed(&painting.picture, &inputs.content);
    }
    Some(prepared)
}

/// The result after the optimisation; `content` has its size.
pub fn after(colour: Colour, painted: &Picture, content: &Picture) -> Picture {
    match colour {
        Colour::Content => {
            // Luminance moves in whole steps of the file it is for.
            let depth = content.depth;
            let painted = Picture {
                depth,
                ..painted.clone()
            };
            painted.with_colours_of(content)
        }
        Colour::Style | Colour::Match => painted.clone(),
    }
}
