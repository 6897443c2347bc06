use std::fs;
use std::path::PathBuf;

use gif::{ColorOutput, DecodeOptions};

use super::*;
use crate::picture::tests::{entries, flat, folder, read, sample};

/// Delay and RGBA pixels of every frame.
fn frames(path: &Path) -> (Repeat, Vec<(u16, Vec<u8>)>) {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let mut decoder = options.read_info(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push((frame.delay, frame.buffer.to_vec()));
    }
    (decoder.repeat(), frames)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let path = folder.path().join("film.gif");
    (folder, path)
}

#[test]
fn every_frame_is_there_in_order_and_the_last_is_held() {
    let (_folder, path) = place();
    let mut film = Film::create(&path, 6, 4).unwrap();
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [40, 50, 60]];
    for rgb in colours {
        film.push(&flat(6, 4, rgb)).unwrap();
    }
    film.finish(false).unwrap();
    let (repeat, frames) = frames(&path);
    assert_eq!(repeat, Repeat::Infinite);
    let delays: Vec<_> = frames.iter().map(|(delay, _)| *delay).collect();
    assert_eq!(delays, [SHOWN, SHOWN, SHOWN, HELD]);
    for ([r, g, b], (_, pixels)) in colours.into_iter().zip(&frames) {
        assert_eq!(*pixels, [r, g, b, 255].repeat(24));
    }
}

#[test]
fn a_frame_of_another_size_is_brought_to_the_films_and_laid_on_white() {
    let (_folder, path) = place();
    let mut film = Film::create(&path, 6, 4).unwrap();
    let mut clear = flat(3, 2, [0, 0, 0]);
    clear.alpha = Some(vec![0.6; 6]);
    film.push(&clear).unwrap();
    film.finish(false).unwrap();
    assert_eq!(frames(&path).1[0].1, [102, 102, 102, 255].repeat(24));
}

#[test]
fn a_painting_is_shown_closer_than_any_256_fixed_colours_could() {
    let Some(picture) = sample("results/valley-swirl.jpg", 192, 144) else {
        return;
    };
    let (_folder, path) = place();
    let mut film = Film::create(&path, 192, 144).unwrap();
    film.push(&picture).unwrap();
    film.finish(false).unwrap();
    // Eight levels of red and green, four of blue.
    let fixed: Vec<f32> = picture
        .pixels
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[r, g, b]| {
            [
                (r * 7.0).round() / 7.0,
                (g * 7.0).round() / 7.0,
                (b * 3.0).round() / 3.0,
            ]
        })
        .collect();
    let (adapted, fixed) = (
        mean_distance(&read(&path).pixels, &picture.pixels),
        mean_distance(&fixed, &picture.pixels),
    );
    assert!(adapted < fixed * 0.6, "{adapted} against {fixed}");
}

fn mean_distance(a: &[f32], b: &[f32]) -> f32 {
    let off: f32 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    off / a.len() as f32
}

#[test]
fn until_it_is_finished_a_film_leaves_the_old_file_and_dropped_it_leaves_nothing() {
    let (folder, path) = place();
    fs::write(&path, "the old film").unwrap();
    let mut film = Film::create(&path, 6, 4).unwrap();
    for i in 0..9 {
        film.push(&flat(6, 4, [i; 3])).unwrap();
    }
    assert_eq!(entries(folder.path()).len(), 2, "one is temporary");
    assert_eq!(fs::read(&path).unwrap(), b"the old film");
    drop(film);
    assert_eq!(entries(folder.path()), std::slice::from_ref(&path));
    assert_eq!(fs::read(&path).unwrap(), b"the old film");
}

#[test]
fn a_file_that_appeared_meanwhile_is_only_replaced_if_that_is_allowed() {
    for overwrite in [false, true] {
        let (folder, path) = place();
        let mut film = Film::create(&path, 6, 4).unwrap();
        film.push(&flat(6, 4, [9; 3])).unwrap();
        fs::write(&path, "another film").unwrap();
        let result = film.finish(overwrite);
        assert_eq!(entries(folder.path()), std::slice::from_ref(&path));
        if overwrite {
            result.unwrap();
            assert_eq!(frames(&path).1.len(), 1);
        } else {
            assert!(matches!(
                result,
                Err(PictureError::File(FileError::Exists { .. }))
            ));
            assert_eq!(fs::read(&path).unwrap(), b"another film");
        }
    }
}

#[test]
fn a_film_without_frames_is_an_error_and_no_file() {
    let (folder, path) = place();
    let error = Film::create(&path, 6, 4).unwrap().finish(true).unwrap_err();
    assert!(matches!(error, PictureError::NoFrames { .. }), "{error}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn only_gif_is_written_and_only_of_sizes_it_has() {
    let (folder, path) = place();
    for name in ["film.webp", "film.mp4", "film", ".gif"] {
        let path = folder.path().join(name);
        assert!(matches!(
            Film::create(&path, 6, 4),
            Err(PictureError::FilmExtension { .. })
        ));
        assert!(matches!(
            check_film(&path, &[], false),
            Err(PictureError::FilmExtension { .. })
        ));
    }
    for (width, height) in [(0, 4), (65_536, 4), (4, 65_536)] {
        assert!(matches!(
            Film::create(&path, width, height),
            Err(PictureError::FilmSize { .. })
        ));
        assert!(matches!(
            Film::check_size(&path, width, height),
            Err(PictureError::FilmSize { .. })
        ));
    }
    assert!(entries(folder.path()).is_empty());
    check_film(&path.with_file_name("FILM.GIF"), &[], false).unwrap();
    Film::check_size(&path, 65_535, 1).unwrap();
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_film_over_its_own_input_or_in_no_folder_is_refused_before_any_work() {
    let (folder, path) = place();
    fs::write(&path, "the photo").unwrap();
    let input = check_film(&path, &[&path], true);
    assert!(matches!(
        input,
        Err(PictureError::File(FileError::OutputIsInput { .. }))
    ));
    let exists = check_film(&path, &[], false);
    assert!(matches!(
        exists,
        Err(PictureError::File(FileError::Exists { .. }))
    ));
    let nowhere = folder.path().join("nowhere/film.gif");
    let missing = check_film(&nowhere, &[], false);
    assert!(matches!(
        missing,
        Err(PictureError::File(FileError::NoFolder { .. }))
    ));
}
