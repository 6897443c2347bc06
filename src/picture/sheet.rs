use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::{Depth, Picture};

/// White between tiles and around them, in pixels.
const GAP: usize = 12;
const WEIGHT: FontWeight = FontWeight::Regular;
const HEIGHT: RasterHeight = RasterHeight::Size20;
/// A line of text and the white above it, in pixels.
const CAPTION: usize = HEIGHT.val() + 4;

/// Width and height, in pixels, of the [`sheet`] of so many pictures of which the largest has this width and height.
pub fn sheet_size(tiles: usize, (width, height): (usize, usize)) -> (usize, usize) {
    let (columns, rows) = grid(tiles);
    (
        GAP + columns * (width + GAP),
        GAP + rows * (height + CAPTION + GAP),
    )
}

/// Columns and rows of a near-square grid.
fn grid(tiles: usize) -> (usize, usize) {
    let columns = (1..=tiles).find(|n| n * n >= tiles).unwrap_or(1);
    (columns, tiles.div_ceil(columns))
}

/// A contact sheet: the pictures in a near-square grid, row by row, each above its caption, on white.
///
/// Cells have the size of the largest picture; smaller ones are centred. A caption wider than its cell is cut and ends
/// in an ellipsis of three dots; a character that is not in Latin-1 is drawn as `?`. Without pictures, a small blank
/// page.
pub fn sheet(tiles: &[(Picture, String)]) -> Picture {
    let (columns, _) = grid(tiles.len());
    let width = tiles.iter().map(|(p, _)| p.width).max().unwrap_or(1);
    let height = tiles.iter().map(|(p, _)| p.height).max().unwrap_or(1);
    let (page_width, page_height) = sheet_size(tiles.len(), (width, height));
    let mut page = white(page_width, page_height);
    for (i, (picture, caption)) in tiles.iter().enumerate() {
        let left = GAP + i % columns * (width + GAP);
        let top = GAP + i / columns * (height + CAPTION + GAP);
        let centred = (
            left + (width - picture.width) / 2,
            top + (height - picture.height) / 2,
        );
        paste(&mut page, picture, centred);
        let caption = fitted(caption, width);
        let indent = (width - text_width(caption.len())) / 2;
        let below = top + height + CAPTION - HEIGHT.val();
        write(&mut page, &caption, (left + indent, below));
    }
    page
}

fn white(width: usize, height: usize) -> Picture {
    Picture {
        width,
        height,
        pixels: vec![1.0; 3 * width * height],
        alpha: None,
        depth: Depth::Eight,
        notes: Vec::new(),
    }
}

fn paste(page: &mut Picture, picture: &Picture, (left, top): (usize, usize)) {
    let samples = picture.on_white();
    for (y, row) in samples.chunks(3 * picture.width).enumerate() {
        let start = 3 * ((top + y) * page.width + left);
        page.pixels[start..start + row.len()].copy_from_slice(row);
    }
}

/// Width of so many characters, in pixels.
fn text_width(characters: usize) -> usize {
    characters * get_raster_width(WEIGHT, HEIGHT)
}

/// As much of the text as is not wider than `width` pixels.
fn fitted(text: &str, width: usize) -> Vec<char> {
    let room = width / text_width(1);
    let mut characters: Vec<char> = text.chars().collect();
    if characters.len() > room {
        characters.truncate(room.saturating_sub(3));
        characters.extend("...".chars().take(room));
    }
    characters
}

/// Draws the text in black, its top left corner at a point of the page.
fn write(page: &mut Picture, text: &[char], (left, top): (usize, usize)) {
    for (i, &character) in text.iter().enumerate() {
        let glyph = get_raster(character, WEIGHT, HEIGHT)
            .or_else(|| get_raster('?', WEIGHT, HEIGHT))
            .expect("the font has a question mark");
        for (y, row) in glyph.rows().enumerate() {
            let start = 3 * ((top + y) * page.width + left + text_width(i));
            let pixels = page.pixels[start..].as_chunks_mut::<3>().0;
            for (pixel, &ink) in pixels.iter_mut().zip(row) {
                *pixel = [1.0 - f32::from(ink) / 255.0; 3];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(width: usize, height: usize, rgb: [f32; 3]) -> Picture {
        Picture {
            pixels: rgb.repeat(width * height),
            ..white(width, height)
        }
    }

    fn sheet_of(count: usize, caption: &str) -> Picture {
        let red = tile(64, 48, [1.0, 0.0, 0.0]);
        sheet(&vec![(red, caption.to_owned()); count])
    }

    fn at(page: &Picture, x: usize, y: usize) -> &[f32] {
        &page.pixels[3 * (y * page.width + x)..][..3]
    }

    /// Columns of the caption strip under the first tile that have ink.
    fn inked(page: &Picture) -> Vec<usize> {
        let strip = GAP + 48..GAP + 48 + CAPTION;
        let has_ink = |x: &usize| strip.clone().any(|y| at(page, *x, y)[0] < 0.5);
        (0..page.width).filter(has_ink).collect()
    }

    #[test]
    fn the_grid_is_nearly_square() {
        for (count, columns, rows) in [
            (1, 1, 1),
            (2, 2, 1),
            (4, 2, 2),
            (5, 3, 2),
            (7, 3, 3),
            (9, 3, 3),
            (10, 4, 3),
        ] {
            let page = sheet_of(count, "");
            let size = (
                GAP + columns * (64 + GAP),
                GAP + rows * (48 + CAPTION + GAP),
            );
            assert_eq!((page.width, page.height), size, "{count} tiles");
            assert_eq!(
                sheet_size(count, (64, 48)),
                size,
                "known before any is painted"
            );
        }
    }

    #[test]
    fn every_tile_is_where_it_belongs_and_the_last_cells_stay_white() {
        let colours = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let page = sheet(&colours.map(|rgb| (tile(64, 48, rgb), String::new())));
        let (across, down) = (64 + GAP, 48 + CAPTION + GAP);
        for (x, y, rgb) in [
            (0, 0, colours[0]),
            (across, 0, colours[1]),
            (0, down, colours[2]),
        ] {
            assert_eq!(at(&page, GAP + x, GAP + y), rgb);
            assert_eq!(at(&page, GAP + x + 63, GAP + y + 47), rgb);
            assert_eq!(at(&page, GAP + x - 1, GAP + y), [1.0; 3]);
            assert_eq!(at(&page, GAP + x, GAP + y + 48), [1.0; 3]);
        }
        assert_eq!(at(&page, GAP + across, GAP + down), [1.0; 3]);
    }

    #[test]
    fn a_caption_is_drawn_in_the_middle_under_its_tile() {
        let inked = inked(&sheet_of(1, "lr=1"));
        let (first, last) = (inked[0], inked[inked.len() - 1]);
        let middle = GAP + 32;
        assert!(first > GAP && last < GAP + 64);
        assert!(
            (first + last).abs_diff(2 * middle) <= 6,
            "{first} to {last}"
        );
        assert!(inked_of("").is_empty());
    }

    fn inked_of(caption: &str) -> Vec<usize> {
        inked(&sheet_of(1, caption))
    }

    #[test]
    fn captions_that_differ_look_different() {
        assert_ne!(sheet_of(1, "beta").pixels, sheet_of(1, "bets").pixels);
    }

    #[test]
    fn a_long_caption_is_cut_and_stays_under_its_tile() {
        let room = 64 / text_width(1);
        let cut: String = fitted("style-weight=100", 64).iter().collect();
        assert_eq!(cut, format!("{}...", &"style-weight=100"[..room - 3]));
        let inked = inked_of("style-weight=100");
        assert!(inked[0] >= GAP && inked[inked.len() - 1] < GAP + 64);
        for width in 0..40 {
            assert!(text_width(fitted("abcdef", width).len()) <= width);
        }
    }

    #[test]
    fn characters_the_font_lacks_are_question_marks() {
        assert_eq!(sheet_of(1, "\u{4e2d}\n").pixels, sheet_of(1, "??").pixels);
        assert_ne!(sheet_of(1, "\u{e9}").pixels, sheet_of(1, "?").pixels);
    }

    #[test]
    fn a_transparent_tile_lies_on_white() {
        let mut clear = tile(64, 48, [0.0; 3]);
        clear.alpha = Some(vec![0.5; 64 * 48]);
        assert_eq!(at(&sheet(&[(clear, String::new())]), GAP, GAP), [0.5; 3]);
    }

    #[test]
    fn tiles_of_other_sizes_are_centred_and_none_at_all_is_a_blank_page() {
        let small = tile(4, 4, [0.0; 3]);
        let page = sheet(&[
            (tile(64, 48, [1.0; 3]), String::new()),
            (small, String::new()),
        ]);
        assert_eq!(at(&page, GAP + 64 + GAP + 30, GAP + 22), [0.0; 3]);
        assert_eq!(at(&page, GAP + 64 + GAP + 29, GAP + 22), [1.0; 3]);
        assert!(sheet(&[]).pixels.iter().all(|&v| v >= 1.0));
    }
}
