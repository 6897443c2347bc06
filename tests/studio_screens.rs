//! The pictures of the page for the README: `assets/make-screenshots.sh`.
#![cfg(feature = "studio")]

mod common;

use std::path::Path;

use common::browser::Browser;
use common::served::Served;
use serde_json::{Value, json};

/// A sample's id.
fn sample(served: &Served, name: &str) -> String {
    let answer = served.done(&format!("/api/samples/{name}"), &Value::Null);
    answer["id"].as_str().unwrap().to_owned()
}

fn paint(served: &Served, photo: &str, painting: &str, settings: &Value) -> Value {
    let ask = json!({
        "content": sample(served, photo),
        "styles": [{ "id": sample(served, painting) }],
        "settings": settings,
    });
    served.done("/api/jobs", &ask)["id"].clone()
}

fn save(browser: &Browser, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/studio");
    std::fs::create_dir_all(&folder).unwrap();
    let png = folder.join("shot.png");
    browser.picture(&png, false);
    let picture = image::open(&png).unwrap().to_rgb8();
    let mut jpeg = std::fs::File::create(folder.join(name)).unwrap();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 88);
    picture.write_with_encoder(encoder).unwrap();
    std::fs::remove_file(png).unwrap();
}

#[test]
#[ignore = "paints for minutes and writes to assets"]
fn the_page_as_the_readme_shows_it() {
    let browser = Browser::new(1280, 900).expect("Chromium and its driver");
    let served = Served::new();
    let small = json!({ "size": "224", "preset": "fast", "scales": "1", "steps": "20" });
    for (photo, painting) in [
        ("valley", "ink"),
        ("valley", "mosaic"),
        ("harbour", "woodcut"),
    ] {
        let id = paint(&served, photo, painting, &small);
        served.wait_for(&id, &["done"]);
    }
    let id = paint(
        &served,
        "harbour",
        "swirl",
        &json!({ "size": "400", "steps": "100000", "scales": "1" }),
    );
    browser.open(&served.address());
    while browser
        .run(
            "return document.querySelector('#progress').value",
            &json!([]),
        )
        .as_u64()
        < Some(40)
    {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    served.done(&format!("/api/jobs/{id}/pause"), &Value::Null);
    served.wait_for(&id, &["paused"]);
    browser.wait("document.querySelector('#what').textContent.includes('paused')");
    browser.wait("document.querySelector('#command').textContent.includes('nst')");
    browser.run("document.querySelector('#compare').value = 35; document.querySelector('#compare').dispatchEvent(new Event('input'))", &json!([]));
    save(&browser, "page-1280.jpg");
    browser.scheme("dark");
    save(&browser, "page-dark-1280.jpg");
    browser.scheme("light");
    served.done(&format!("/api/jobs/{id}/stop"), &Value::Null);
    served.wait_for(&id, &["stopped"]);
    browser.wait("document.querySelectorAll('#pictures img').length === 4");
    browser.resize(400, 860);
    browser.run("window.scrollTo(0, 0)", &json!([]));
    save(&browser, "page-400.jpg");
    browser.run(
        "document.querySelector('#easel').scrollIntoView({ behavior: 'instant' })",
        &json!([]),
    );
    browser.wait("document.querySelector('#after').naturalWidth > 0");
    save(&browser, "easel-400.jpg");
    browser.resize(1280, 900);
    browser.run(
        "document.querySelector('#gallery').scrollIntoView({ behavior: 'instant', block: 'end' })",
        &json!([]),
    );
    browser
        .wait("[...document.querySelectorAll('#pictures img')].every((i) => i.naturalWidth > 0)");
    save(&browser, "gallery-1280.jpg");
}
