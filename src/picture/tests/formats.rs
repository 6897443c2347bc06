//! What is written is what is read back.

use super::{distance, folder, gradient, read, sample, with_alpha, write};
use crate::picture::{
    Depth, EncodeOptions, Limits, Picture, PictureError, decode, eight_bit, encode, provenance,
    sheet,
};

#[test]
fn lossless_formats_give_back_every_pixel() {
    let folder = folder();
    for picture in [gradient(19, 11, 256.0), with_alpha(gradient(19, 11, 256.0))] {
        for name in ["a.png", "a.webp", "a.tif", "a.TIFF"] {
            let back = read(&write(&picture, folder.path(), name, Depth::Eight));
            assert_eq!((back.width, back.height), (19, 11), "{name}");
            assert_eq!(back.depth, Depth::Eight, "{name}");
            assert!(distance(&back.pixels, &picture.pixels) < 1e-6, "{name}");
            assert_eq!(back.alpha.is_some(), picture.alpha.is_some(), "{name}");
            if let (Some(a), Some(b)) = (&back.alpha, &picture.alpha) {
                assert!(distance(a, b) < 1e-6, "{name}");
            }
            assert_eq!(back.notes, [], "{name}");
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn sixteen_bit_png_and_tiff_keep_all_levels() {
    let folder = folder();
    for picture in [
        gradient(33, 31, 65536.0),
        with_alpha(gradient(33, 31, 65536.0)),
    ] {
        for name in ["a.png", "a.tif"] {
            let back = read(&write(&picture, folder.path(), name, Depth::Sixteen));
            assert_eq!(back.depth, Depth::Sixteen, "{name}");
            assert!(distance(&back.pixels, &picture.pixels) < 1e-6, "{name}");
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn a_jpeg_comes_back_close_and_on_white() {
    let folder = folder();
    let mut picture = gradient(16, 16, 256.0);
    picture.pixels.fill(0.25);
    let back = read(&write(&picture, folder.path(), "opaque.jpg", Depth::Eight));
    assert!(distance(&back.pixels, &picture.pixels) < 0.02);
    picture.alpha = Some(vec![0.5; 256]);
    let back = read(&write(&picture, folder.path(), "clear.jpeg", Depth::Eight));
    assert!(distance(&back.pixels, &vec![0.625; 768]) < 0.02);
    assert_eq!(back.alpha, None);
}

#[test]
fn provenance_is_read_back_from_every_format() {
    let folder = folder();
    let text = "nst 0.1 --content \"Tübingen 東京.jpg\"\n{\"steps\":300}";
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let path = folder.path().join(name);
        let options = EncodeOptions {
            provenance: Some(text.to_owned()),
            ..EncodeOptions::default()
        };
        encode(&gradient(9, 7, 256.0), &path, &options).unwrap();
        assert_eq!(provenance(&path).as_deref(), Some(text), "{name}");
        assert_eq!(
            decode(&path, &Limits::default()).unwrap().notes,
            [],
            "{name}"
        );
        let plain = write(
            &gradient(9, 7, 256.0),
            folder.path(),
            &format!("plain-{name}"),
            Depth::Eight,
        );
        assert_eq!(provenance(&plain), None, "{name}");
    }
}

#[test]
fn one_pixel_and_one_line_are_pictures_in_every_format() {
    let folder = folder();
    for (width, height) in [(1, 1), (1, 300), (300, 1)] {
        for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
            let name = format!("{width}x{height}-{name}");
            let picture = gradient(width, height, 256.0);
            let back = read(&write(&picture, folder.path(), &name, Depth::Eight));
            assert_eq!((back.width, back.height), (width, height), "{name}");
            if !name.ends_with("jpg") {
                assert!(distance(&back.pixels, &picture.pixels) < 1e-6, "{name}");
            }
        }
    }
}

#[test]
fn the_time_of_day_is_in_no_file() {
    let folder = folder();
    for name in ["a.jpg", "a.webp", "a.tif"] {
        let path = write(&gradient(5, 4, 256.0), folder.path(), name, Depth::Eight);
        let bytes = std::fs::read(path).unwrap();
        let signature = bytes.windows(4).position(|window| window == b"acsp");
        // An ICC profile has its date in front of its signature: twelve bytes, the year first.
        let date = &bytes[signature.unwrap() - 12..][..12];
        assert_eq!(date, [7, 207, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0], "{name}");
    }
}

#[test]
fn a_provenance_as_long_as_allowed_comes_back_and_a_longer_one_is_refused() {
    let folder = folder();
    for name in ["a.png", "a.webp", "a.tif"] {
        let path = folder.path().join(name);
        let mut options = EncodeOptions {
            provenance: Some("a".repeat(1 << 20)),
            ..EncodeOptions::default()
        };
        encode(&gradient(9, 7, 256.0), &path, &options).unwrap();
        assert!(provenance(&path) == options.provenance, "{name}");
        std::fs::remove_file(&path).unwrap();
        options.provenance = Some("a".repeat((1 << 20) + 1));
        let error = encode(&gradient(9, 7, 256.0), &path, &options).unwrap_err();
        assert!(matches!(error, PictureError::Encoding { .. }), "{error}");
        assert!(!path.exists());
    }
}

#[test]
fn provenance_is_read_back_from_behind_any_number_of_pixels() {
    let folder = folder();
    // Noise, which no format makes small: megabytes before the text of a WebP and a TIFF.
    let picture = super::faults::noise(1000, 700);
    for name in ["a.png", "a.jpg", "a.webp", "a.tif"] {
        let path = folder.path().join(name);
        let options = EncodeOptions {
            provenance: Some("how it was made".to_owned()),
            ..EncodeOptions::default()
        };
        encode(&picture, &path, &options).unwrap();
        assert_eq!(provenance(&path), options.provenance, "{name}");
    }
}

#[test]
fn the_exif_block_that_a_converter_keeps_in_a_png_is_read() {
    let folder = folder();
    let path = folder.path().join("converted.png");
    let mut info = png::Info::with_size(1, 1);
    let block = crate::picture::provenance::to_exif("kept").unwrap();
    info.exif_metadata = Some(block.into());
    let file = std::fs::File::create(&path).unwrap();
    let encoder = png::Encoder::with_info(file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[7]).unwrap();
    writer.finish().unwrap();
    assert_eq!(provenance(&path).as_deref(), Some("kept"));
}

#[test]
fn a_contact_sheet_carries_provenance_as_any_picture_does() {
    let folder = folder();
    let page = sheet(&[(gradient(64, 48, 256.0), "one".to_owned())]);
    let path = folder.path().join("sheet.jpg");
    let options = EncodeOptions {
        provenance: Some("a sweep".to_owned()),
        ..EncodeOptions::default()
    };
    encode(&page, &path, &options).unwrap();
    assert_eq!(provenance(&path).as_deref(), Some("a sweep"));
}

#[test]
fn a_webp_of_a_lower_quality_is_smaller_and_further_off_but_keeps_alpha_profile_and_provenance() {
    let folder = folder();
    let Some(picture) = sample("results/valley-swirl.jpg", 256, 192) else {
        return;
    };
    for picture in [picture.clone(), with_alpha(picture)] {
        let mut last = (u64::MAX, 0.0);
        for quality in [None, Some(95), Some(60), Some(10)] {
            let path = folder.path().join(format!("{quality:?}.webp"));
            let options = EncodeOptions {
                quality,
                overwrite: true,
                provenance: Some("how it was made".to_owned()),
                ..EncodeOptions::default()
            };
            encode(&picture, &path, &options).unwrap();
            let back = read(&path);
            assert_eq!(back.notes, []);
            assert_eq!(provenance(&path), options.provenance);
            let alpha = |picture: &Picture| picture.alpha.clone().map(|a| eight_bit(&a));
            assert_eq!(alpha(&back), alpha(&picture), "{quality:?}");
            let off: f32 = back
                .pixels
                .iter()
                .zip(&picture.pixels)
                .map(|(a, b)| (a - b).abs())
                .sum();
            let now = (
                std::fs::metadata(&path).unwrap().len(),
                off / back.pixels.len() as f32,
            );
            assert!(
                now.0 < last.0 && now.1 > last.1 || quality.is_none(),
                "{quality:?}: {now:?} after {last:?}"
            );
            last = now;
        }
        assert!(last.1 < 0.1, "even the lowest shows the picture: {last:?}");
    }
}
