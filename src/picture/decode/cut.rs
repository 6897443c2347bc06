//! How much of a JPEG that ends too early is there: decoders fill in what is missing and say nothing.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::jpeg::options;

const END: u8 = 0xD9;

/// Percent of the rows of a JPEG that are there in full detail, rounded down; none if the file reaches its end.
///
/// A row is there if the file's bytes decide it: in every component, at every frequency. What only makes a progressive
/// picture more precise, up to half of its bytes, does not count: without it the picture is a little less sharp.
///
/// The file is decoded twice more, so its size must have been checked.
pub(super) fn percent_there(bytes: &[u8]) -> Option<u8> {
    let markers = Markers::of(bytes);
    if markers.ended {
        None
    } else if !is_whole(&markers.begun) {
        Some(0)
    } else if is_whole(&markers.before) || !markers.in_scan {
        Some(100)
    } else {
        Some(rows_decided(bytes).unwrap_or(0))
    }
}

/// A component's name and, a bit for each, the frequencies that it has.
type Frequencies = (u8, u64);

/// Whether every component has every frequency.
fn is_whole(components: &[Frequencies]) -> bool {
    !components.is_empty() && components.iter().all(|&(_, seen)| seen == u64::MAX)
}

/// What the markers of a JPEG (ITU-T T.81, annex B) say of its scans.
#[derive(Default)]
struct Markers {
    /// The marker that ends the picture is there.
    ended: bool,
    /// No marker follows the last scan.
    in_scan: bool,
    progressive: bool,
    /// What the scans have, the last one counted as if it were whole.
    begun: Vec<Frequencies>,
    /// What the scans before the last one have.
    before: Vec<Frequencies>,
}

impl Markers {
    fn of(bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|&b| b == 0xFF) {
            rest = &rest[at + 1..];
            match *rest {
                [END, ..] => {
                    seen.ended = true;
                    break;
                }
                // Stuffed zeros, restarts and fill bytes have no length; entropy-coded data is passed over between them.
                [] | [0x00 | 0x01 | 0xD0..=0xD8 | 0xFF, ..] => (),
                [marker, ref after @ ..] => {
                    seen.in_scan = false;
                    let Some(&[high, low]) = after.first_chunk() else {
                        break;
                    };
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    if let Some(content) = after.get(2..length) {
                        seen.segment(marker, content);
                    }
                    rest = after.get(length..).unwrap_or_default();
                }
            }
        }
        seen
    }

    fn segment(&mut self, marker: u8, content: &[u8]) {
        match marker {
            // The frame: baseline, extended or progressive. Three bytes for each component follow six.
            0xC0..=0xC2 => {
                self.progressive = marker == 0xC2;
                let components = content.get(6..).unwrap_or_default().as_chunks::<3>().0;
                self.begun = components.iter().map(|&[name, ..]| (name, 0)).collect();
                self.before.clear();
            }
            0xDA => self.scan(content),
            _ => (),
        }
    }

    fn scan(&mut self, content: &[u8]) {
        self.in_scan = true;
        self.before.clone_from(&self.begun);
        let [count, rest @ ..] = content else { return };
        // Two bytes for each component, then the first and last frequency and which bits of them.
        let Some((components, &[first, last, bits, ..])) =
            rest.split_at_checked(2 * usize::from(*count))
        else {
            return;
        };
        let frequencies = match (self.progressive, bits >> 4) {
            (false, _) => u64::MAX,
            (true, 0) => (first..=last.min(63)).fold(0, |all, frequency| all | 1 << frequency),
            // Further bits of frequencies that are there.
            (true, _) => 0,
        };
        for (name, seen) in &mut self.begun {
            if components.iter().step_by(2).any(|scanned| scanned == name) {
                *seen |= frequencies;
            }
        }
    }
}

/// Percent of the rows that stay the same whatever follows the file's last byte; none if it cannot be decoded.
fn rows_decided(bytes: &[u8]) -> Option<u8> {
    let whole = bytes.strip_suffix(&[0xFF]).unwrap_or(bytes);
    let continued = |byte: u8| decode(&[whole, &[byte; 1024], &[0xFF, END]].concat());
    let (one, other) = (continued(0x00).ok()?, continued(0x55).ok()?);
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    // At most 100.
    (100 * same)
        .checked_div(one.len())
        .map(|percent| percent as u8)
}

fn decode(bytes: &[u8]) -> Result<Vec<u8>, DecodeErrors> {
    JpegDecoder::new_with_options(ZCursor::new(bytes), options()).decode()
}

#[cfg(test)]
mod tests;
