//! The checks before any work, and what a write leaves behind.

use std::fs;
use std::path::Path;

use image::ImageDecoder;
use image::codecs::{jpeg::JpegDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use moxcms::ColorProfile;

use super::{folder, gradient, read, with_alpha, write};
use crate::files::FileError;
use crate::picture::{
    Depth, EncodeOptions, OutputFormat, PictureError, check_output, encode, encode_or_rescue,
};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_name_in_a_folder_that_can_be_written_is_accepted_and_leaves_no_trace() {
    let folder = folder();
    for name in ["a.png", "a.jpg", "a.JPEG", "a.webp", "a.tif", "a.TIFF"] {
        check_output(&folder.path().join(name), &[], false).unwrap();
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn an_extension_not_written_is_refused() {
    let folder = folder();
    for name in ["a.gif", "a.bmp", "a", "a.", ".png", "png", "a.png.txt"] {
        let error = check_output(&folder.path().join(name), &[], true).unwrap_err();
        assert!(
            matches!(error, PictureError::UnknownExtension { .. }),
            "{name}"
        );
        assert!(error.to_string().contains(".webp"), "{error}");
    }
}

#[test]
fn a_folder_that_does_not_exist_is_refused_by_name() {
    let folder = folder();
    let error = check_output(&folder.path().join("nowhere/a.png"), &[], true).unwrap_err();
    assert!(matches!(
        error,
        PictureError::File(FileError::NoFolder { .. })
    ));
    assert!(
        error.to_string().contains("nowhere does not exist"),
        "{error}"
    );
    fs::write(folder.path().join("file"), "").unwrap();
    let error = check_output(&folder.path().join("file/a.png"), &[], true).unwrap_err();
    assert!(matches!(
        error,
        PictureError::File(FileError::NoFolder { .. })
    ));
}

#[test]
fn an_output_that_exists_is_refused_unless_it_may_be_overwritten() {
    let folder = folder();
    let path = write(&gradient(2, 2, 256.0), folder.path(), "a.png", Depth::Eight);
    let error = check_output(&path, &[], false).unwrap_err();
    assert!(matches!(
        error,
        PictureError::File(FileError::Exists { .. })
    ));
    assert!(error.to_string().contains("--overwrite"));
    check_output(&path, &[], true).unwrap();
}

#[test]
fn an_output_that_is_an_input_is_refused_even_through_links_and_detours() {
    let folder = folder();
    let input = write(
        &gradient(2, 2, 256.0),
        folder.path(),
        "in.png",
        Depth::Eight,
    );
    let hard = folder.path().join("hard.png");
    fs::hard_link(&input, &hard).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let detour = folder.path().join("sub/../in.png");
    let mut outputs = vec![input.clone(), hard, detour];
    #[cfg(unix)]
    {
        let soft = folder.path().join("soft.png");
        std::os::unix::fs::symlink(&input, &soft).unwrap();
        let linked_folder = folder.path().join("linked");
        std::os::unix::fs::symlink(folder.path(), &linked_folder).unwrap();
        outputs.extend([soft, linked_folder.join("in.png")]);
    }
    let other = write(
        &gradient(2, 2, 256.0),
        folder.path(),
        "other.png",
        Depth::Eight,
    );
    for output in outputs {
        let error = check_output(&output, &[&other, &input], true).unwrap_err();
        assert!(
            matches!(error, PictureError::File(FileError::OutputIsInput { .. })),
            "{}",
            output.display()
        );
        assert!(error.to_string().contains("in.png"));
    }
    check_output(&folder.path().join("new.png"), &[&other, &input], true).unwrap();
}

#[test]
fn a_folder_with_the_name_of_a_picture_is_refused() {
    let folder = folder();
    let path = folder.path().join("album.png");
    fs::create_dir(&path).unwrap();
    let error = check_output(&path, &[], true).unwrap_err();
    assert!(matches!(
        error,
        PictureError::File(FileError::NotAFile {
            kind: "a folder",
            ..
        })
    ));
}

#[cfg(unix)]
#[test]
fn a_device_is_no_output() {
    let folder = folder();
    let path = folder.path().join("null.png");
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    let error = check_output(&path, &[], true).unwrap_err();
    let not_a_file = matches!(error, PictureError::File(FileError::NotAFile { .. }));
    assert!(not_a_file, "{error}");
}

#[test]
fn a_file_that_appeared_since_the_check_is_not_overwritten() {
    let folder = folder();
    let path = folder.path().join("a.png");
    check_output(&path, &[], false).unwrap();
    fs::write(&path, "someone else's").unwrap();
    let error = encode(&gradient(2, 2, 256.0), &path, &EncodeOptions::default()).unwrap_err();
    assert!(
        matches!(error, PictureError::File(FileError::Exists { .. })),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"someone else's");
    assert_eq!(names(folder.path()), ["a.png"]);
}

#[test]
fn an_overwritten_file_is_replaced_whole() {
    let folder = folder();
    let path = write(
        &gradient(50, 50, 256.0),
        folder.path(),
        "a.png",
        Depth::Eight,
    );
    let options = EncodeOptions {
        overwrite: true,
        ..EncodeOptions::default()
    };
    encode(&gradient(3, 2, 256.0), &path, &options).unwrap();
    assert_eq!(read(&path).width, 3);
    assert_eq!(names(folder.path()), ["a.png"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay_as_they_were() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let real = write(
        &gradient(5, 5, 256.0),
        folder.path(),
        "real.png",
        Depth::Eight,
    );
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.png");
    std::os::unix::fs::symlink("real.png", &link).unwrap();
    let options = EncodeOptions {
        overwrite: true,
        ..EncodeOptions::default()
    };
    encode(&gradient(3, 2, 256.0), &link, &options).unwrap();
    assert!(link.is_symlink());
    assert_eq!(read(&real).width, 3);
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );
}

#[cfg(unix)]
#[test]
fn a_new_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let ordinary = folder.path().join("ordinary");
    fs::write(&ordinary, "").unwrap();
    let picture = write(&gradient(2, 2, 256.0), folder.path(), "a.png", Depth::Eight);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&picture), mode(&ordinary));
}

#[test]
fn every_output_is_tagged_as_srgb() {
    let folder = folder();
    let picture = with_alpha(gradient(4, 4, 256.0));
    let lossy = EncodeOptions {
        quality: Some(80),
        ..EncodeOptions::default()
    };
    encode(&picture, &folder.path().join("lossy.webp"), &lossy).unwrap();
    for name in ["a.jpg", "a.webp", "lossy.webp", "a.tif"] {
        let path = folder.path().join(name);
        if name != "lossy.webp" {
            write(&picture, folder.path(), name, Depth::Eight);
        }
        let file = std::io::BufReader::new(fs::File::open(path).unwrap());
        let icc = match name {
            "a.jpg" => JpegDecoder::new(file).unwrap().icc_profile(),
            "a.webp" | "lossy.webp" => WebPDecoder::new(file).unwrap().icc_profile(),
            _ => TiffDecoder::new(file).unwrap().icc_profile(),
        };
        let icc = icc.unwrap().expect(name);
        let profile = ColorProfile::new_from_slice(&icc).unwrap();
        // D50-adapted sRGB primaries (IEC 61966-2-1), as profiles hold them.
        assert!((profile.red_colorant.x - 0.4361).abs() < 1e-3, "{name}");
        assert!((profile.green_colorant.y - 0.7169).abs() < 1e-3, "{name}");
    }
    let path = write(&picture, folder.path(), "a.png", Depth::Eight);
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let reader = png::Decoder::new(file).read_info().unwrap();
    assert_eq!(
        reader.info().srgb,
        Some(png::SrgbRenderingIntent::Perceptual)
    );
}

#[test]
fn a_higher_jpeg_quality_is_closer_and_larger() {
    let folder = folder();
    let picture = gradient(64, 64, 256.0);
    let (sizes, distances): (Vec<u64>, Vec<f32>) = [20, 100]
        .into_iter()
        .map(|quality| {
            let path = folder.path().join(format!("{quality}.jpg"));
            let options = EncodeOptions {
                quality: Some(quality),
                ..EncodeOptions::default()
            };
            encode(&picture, &path, &options).unwrap();
            let difference: f32 = read(&path)
                .pixels
                .iter()
                .zip(&picture.pixels)
                .map(|(a, b)| (a - b).abs())
                .sum();
            (fs::metadata(&path).unwrap().len(), difference)
        })
        .unzip();
    assert!(sizes[1] > sizes[0] && distances[1] < distances[0]);
}

#[test]
fn a_side_too_long_for_the_format_is_refused_and_rescued_as_a_png() {
    let folder = folder();
    let picture = gradient(16_384, 1, 256.0);
    let path = folder.path().join("long.webp");
    assert!(OutputFormat::WebP.check_size(&path, 16_383, 16_383).is_ok());
    let error = encode_or_rescue(&picture, &path, &EncodeOptions::default()).unwrap_err();
    let PictureError::Rescued { saved, source } = error else {
        panic!("{error}")
    };
    assert!(matches!(*source, PictureError::TooLargeForFormat { .. }));
    assert_eq!(read(&saved).pixels, picture.pixels);
    fs::remove_file(saved).unwrap();
}

#[test]
fn a_picture_whose_fields_contradict_each_other_is_not_written() {
    let folder = folder();
    let mut picture = gradient(4, 4, 256.0);
    picture.alpha = Some(vec![1.0; 15]);
    let path = folder.path().join("a.png");
    let error = encode(&picture, &path, &EncodeOptions::default()).unwrap_err();
    assert!(matches!(
        error,
        PictureError::WrongLength { samples: 15, .. }
    ));
    assert!(names(folder.path()).is_empty());
}
