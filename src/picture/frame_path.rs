use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::PictureError;

/// The file of the frame after some steps, by a pattern as ffmpeg reads and writes it.
///
/// In the file's name `%d` is the step, `%05d` the step filled with zeros to five digits (at most 20), and `%%` a
/// percent sign. A name without a number gets one as [`numbered`] gives it.
///
/// # Errors
/// [`PictureError::FramePattern`] for anything else after a percent sign.
pub fn frame_path(pattern: &Path, step: usize) -> Result<PathBuf, PictureError> {
    // A name that is not text can hold no pattern.
    let Some(mut rest) = pattern.file_name().and_then(|name| name.to_str()) else {
        return Ok(numbered(pattern, step));
    };
    let (mut name, mut has_number) = (String::new(), false);
    while let Some((before, after)) = rest.split_once('%') {
        name.push_str(before);
        rest = if let Some(after) = after.strip_prefix('%') {
            name.push('%');
            after
        } else {
            let (digits, after) = number(after).ok_or_else(|| PictureError::FramePattern {
                path: pattern.to_owned(),
            })?;
            let number = format!("{step:0digits$}");
            name.push_str(&number);
            has_number = true;
            after
        };
    }
    name.push_str(rest);
    let path = pattern.with_file_name(name);
    Ok(if has_number {
        path
    } else {
        numbered(&path, step)
    })
}

/// The name with the step before its extension: `out.png` at step 50 is `out-00050.png`.
pub fn numbered(path: &Path, step: usize) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!("-{step:05}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The number of digits in what follows a percent sign (`d` or `05d`), and what comes after.
fn number(text: &str) -> Option<(usize, &str)> {
    const MOST: usize = 20;
    let (digits, after) = text.split_once('d')?;
    if digits.is_empty() {
        return Some((0, after));
    }
    let width = digits.strip_prefix('0')?;
    let plain = !width.is_empty() && width.bytes().all(|b| b.is_ascii_digit());
    let width = width.parse().ok().filter(|&n| plain && n <= MOST)?;
    Some((width, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(pattern: &str) -> String {
        let path = frame_path(Path::new(pattern), 50).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_step_is_put_into_the_pattern() {
        assert_eq!(named("some/out-%05d.png"), "some/out-00050.png");
        assert_eq!(named("%d.jpg"), "50.jpg");
        assert_eq!(named("%01d.jpg"), "50.jpg");
        assert_eq!(named("a%03db%dc.png"), "a050b50c.png");
    }

    #[test]
    fn a_number_longer_than_its_field_is_not_cut() {
        let path = frame_path(Path::new("%02d.png"), 12345).unwrap();
        assert_eq!(path, Path::new("12345.png"));
    }

    #[test]
    fn a_doubled_percent_sign_is_one() {
        assert_eq!(named("100%%-%d.png"), "100%-50.png");
        assert_eq!(named("%%d.png"), "%d-00050.png");
    }

    #[test]
    fn a_pattern_without_a_number_gets_one_before_its_extension() {
        assert_eq!(named("some/out.png"), "some/out-00050.png");
        assert_eq!(named("100%%.png"), "100%-00050.png");
        assert_eq!(named("out"), "out-00050");
        assert_eq!(named("a.b.png"), "a.b-00050.png");
    }

    #[test]
    fn only_the_name_is_a_pattern_not_its_folder() {
        assert_eq!(named("50%/%d.png"), "50%/50.png");
    }

    #[test]
    fn a_name_that_only_looks_like_a_pattern_can_be_numbered_as_it_is() {
        let path = numbered(Path::new("50%.png"), 7);
        assert_eq!(path, Path::new("50%-00007.png"));
    }

    #[test]
    fn anything_else_after_a_percent_sign_is_refused() {
        for pattern in [
            "50%.png",
            "%s.png",
            "%5d.png",
            "%-5d",
            "%0d",
            "%0+5d",
            "%021d",
            "%0999999999999999999999d",
            "%",
        ] {
            let error = frame_path(Path::new(pattern), 1).unwrap_err();
            assert!(error.to_string().starts_with(pattern), "{error}");
            assert!(error.to_string().contains("%05d"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_numbered() {
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes| Path::new(std::ffi::OsStr::from_bytes(bytes));
        let path = frame_path(name(b"a\xff%s.png"), 3).unwrap();
        assert_eq!(path, name(b"a\xff%s-00003.png"));
    }
}
