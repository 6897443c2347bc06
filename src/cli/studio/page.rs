//! The page itself, carried in the binary. It loads nothing from elsewhere.

/// A file of the page.
pub struct File {
    pub path: &'static str,
    pub kind: &'static str,
    pub text: &'static str,
}

macro_rules! file {
    ($path:literal, $name:literal, $kind:literal) => {
        File {
            path: $path,
            kind: concat!($kind, "; charset=utf-8"),
            text: include_str!(concat!("page/", $name)),
        }
    };
}

/// Every file of the page.
pub static FILES: [File; 10] = [
    file!("/", "index.html", "text/html"),
    file!("/studio.css", "studio.css", "text/css"),
    file!("/icon.svg", "icon.svg", "image/svg+xml"),
    file!("/main.js", "main.js", "text/javascript"),
    file!("/server.js", "server.js", "text/javascript"),
    file!("/settings.js", "settings.js", "text/javascript"),
    file!("/sources.js", "sources.js", "text/javascript"),
    file!("/easel.js", "easel.js", "text/javascript"),
    file!("/brush.js", "brush.js", "text/javascript"),
    file!("/gallery.js", "gallery.js", "text/javascript"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_names_no_other_place() {
        let bytes: usize = FILES.iter().map(|file| file.text.len()).sum();
        assert!(bytes < 100_000, "{bytes}");
        for file in &FILES {
            let text = file.text.replace("http://www.w3.org/", "");
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{}",
                file.path
            );
            assert!(
                !text.contains("innerHTML"),
                "{}: markup from text",
                file.path
            );
        }
    }

    #[test]
    fn every_script_that_is_imported_is_there() {
        let paths: Vec<_> = FILES.iter().map(|file| file.path).collect();
        for file in &FILES {
            for import in file.text.split("from \"./").skip(1) {
                let name = import.split('"').next().unwrap();
                assert!(paths.contains(&&*format!("/{name}")), "{name}");
            }
        }
    }
}
