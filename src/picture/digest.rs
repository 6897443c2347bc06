use super::{Mask, Picture};
use crate::digest::sha256;

impl Picture {
    /// The SHA-256 of the decoded picture (sides, samples, opacity), in lower-case hexadecimal:
    /// the same for every file that holds the same picture.
    pub fn digest(&self) -> String {
        let alpha = self.alpha.as_deref().unwrap_or_default();
        of((self.width, self.height), &[&self.pixels, alpha])
    }
}

impl Mask {
    /// The SHA-256 of sides and values, in lower-case hexadecimal.
    pub fn digest(&self) -> String {
        of((self.width, self.height), &[&self.values])
    }
}

fn of((width, height): (usize, usize), samples: &[&[f32]]) -> String {
    let sides = [width, height].map(|side| (side as u64).to_le_bytes());
    let sides = sides.iter().map(|side| &side[..]);
    sha256(
        sides.chain(
            samples
                .iter()
                .map(|part| bytemuck::cast_slice::<f32, u8>(part)),
        ),
    )
}
