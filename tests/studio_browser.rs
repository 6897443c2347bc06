//! The page of `nst studio` in a real browser. Skipped, and said so, where there is no Chromium with its
//! driver.
#![cfg(feature = "studio")]

mod common;

use std::path::Path;

use common::browser::Browser;
use common::served::{Served, png};
use serde_json::json;

/// A studio and a window on it.
fn open(width: u32, height: u32) -> Option<(Served, Browser)> {
    let browser = Browser::new(width, height)?;
    let served = Served::new();
    browser.open(&served.address());
    browser.wait("document.querySelectorAll('#painting-samples button').length > 0");
    Some((served, browser))
}

/// Sets a control as a person who typed would.
fn give(browser: &Browser, css: &str, value: &str) {
    let script = "const control = document.querySelector(arguments[0]);
        if (control.type === 'checkbox') control.checked = true; else control.value = arguments[1];
        control.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.run(script, &json!([css, value]));
}

/// Drops two small pictures and asks for few steps, or many.
fn prepare(browser: &Browser, steps: &str) {
    browser.drop_file("#photo", "boat.png", &png(60, 40));
    browser.wait("document.querySelector('#photo img')?.naturalWidth > 0");
    browser.drop_file("#painting", "waves.png", &png(40, 50));
    browser.wait("document.querySelector('#paintings img')?.naturalWidth > 0");
    give(browser, "#size", "64");
    give(browser, "#set-steps", steps);
    give(browser, "#set-scales", "1");
    browser.wait("document.querySelector('#command').textContent.includes('--steps')");
}

/// The page has met nothing that it did not expect.
fn assert_quiet(browser: &Browser) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn from_dropped_files_to_the_saved_picture() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    assert_eq!(
        browser.run("return location.search", &json!([])),
        "",
        "the token is out of sight"
    );
    assert_eq!(
        browser.run("return document.cookie", &json!([])),
        "",
        "and out of reach"
    );
    prepare(&browser, "6");
    let command = browser.text("#command");
    assert!(
        command.contains("--offline --output boat_waves.png"),
        "{command}"
    );
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    browser.wait("document.querySelector('#after').naturalWidth === 64");
    browser.wait("document.querySelector('.curves polyline')");
    browser
        .wait("document.querySelector('#pictures figcaption')?.textContent === 'boat_waves.png'");
    assert!(common::served::is_there(&served.work(), "boat_waves.png"));
    // The slider shows the photo from the left.
    give(&browser, "#compare", "30");
    let clip =
        "getComputedStyle(document.querySelector('#after')).clipPath === 'inset(0px 0px 0px 30%)'";
    browser.wait(clip);
    browser.click("input[name=zoom][value='3']");
    browser.wait("document.querySelector('#after').getBoundingClientRect().width === 192");
    // Painting again with the same settings, from the gallery.
    give(&browser, "#size", "32");
    browser.click("#pictures summary");
    browser.click("#pictures details button:last-of-type");
    browser.wait("document.querySelector('#size').value === '64'");
    assert_quiet(&browser);
}

#[test]
fn a_painting_is_paused_and_stopped_and_a_reload_in_the_middle_loses_nothing() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    prepare(&browser, "1000000");
    browser.click("#start");
    browser.wait("document.querySelector('#progress').value > 2");
    browser.wait("document.querySelector('#after').naturalWidth > 0");
    browser.click("#pause");
    browser.wait("document.querySelector('#what').textContent.includes('paused')");
    browser.reload();
    browser.wait("document.querySelector('#what')?.textContent.includes('paused')");
    browser.wait("document.querySelector('#size').value === '64'");
    browser.wait("document.querySelector('#paintings img')?.naturalWidth > 0");
    // A second tab sees the same.
    browser.tab();
    browser.open(&format!("{}/", served.origin()));
    browser.wait("document.querySelector('#pause')?.textContent === 'Go on'");
    browser.click("#pause");
    browser.wait("document.querySelector('#what').textContent.includes('painting')");
    browser.click("#stop");
    browser.wait("document.querySelector('#what').textContent.includes('stopped')");
    browser
        .wait("document.querySelector('#pictures figcaption')?.textContent.includes('unfinished')");
    assert!(common::served::is_there(&served.work(), "boat_waves.png"));
    assert_quiet(&browser);
}

#[test]
fn a_broken_file_is_named_and_harms_nothing() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    browser.drop_file("#photo", "broken.png", b"no picture at all");
    browser.wait("document.querySelector('#alert').textContent.includes('broken.png')");
    assert_eq!(
        browser.run(
            "return document.querySelector('#start').disabled",
            &json!([])
        ),
        true
    );
    browser.drop_file("#photo", "half.png", &png(60, 40)[..80]);
    browser.wait("document.querySelector('#alert').textContent.includes('half.png')");
    prepare(&browser, "1");
    browser.wait(
        "document.querySelector('#alert').hidden && !document.querySelector('#start').disabled",
    );
    assert_eq!(served.files(), ["nst-inputs"]);
}

#[test]
fn a_photo_of_twenty_megapixels_is_taken() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    let path = served.work().join("large.jpg");
    let wide = image::RgbImage::from_fn(5472, 3648, |x, y| {
        image::Rgb([(x / 22) as u8, (y / 15) as u8, (x ^ y) as u8])
    });
    wide.save(&path).unwrap();
    browser.type_into("#photo input", path.to_str().unwrap());
    browser.wait("document.querySelector('#photo img')?.naturalWidth === 360");
    browser.click("#painting-samples button");
    browser.wait("document.querySelector('#paintings img')?.naturalWidth > 0");
    give(&browser, "#size", "64");
    give(&browser, "#set-steps", "2");
    give(&browser, "#set-scales", "1");
    browser.wait("document.querySelector('#command').textContent.includes('--steps 2')");
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    assert_quiet(&browser);
}

#[test]
fn the_best_picture_of_a_sheet_sets_its_value() {
    let Some((_served, browser)) = open(1280, 900) else {
        return;
    };
    prepare(&browser, "2");
    browser.click("#sweep summary");
    give(&browser, "#sweep-values", "0.2,0.9");
    browser.click("#sweep-start");
    browser.wait("document.querySelectorAll('#tiles img').length === 2");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    browser.wait("!document.querySelector('#report').hidden");
    browser.click("#tiles button:last-child");
    browser.wait("document.querySelector('#strength').value === '0.9'");
    browser.wait("document.querySelector('#command').textContent.includes('--strength 0.9')");
    assert_quiet(&browser);
}

#[test]
fn a_region_is_painted_with_a_brush_or_with_keys() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    prepare(&browser, "2");
    browser.click("#paintings button");
    browser.wait(
        "document.querySelector('#brush').open && document.querySelector('#mask').width === 60",
    );
    browser.drag("#mask", &[(-20, -10), (0, -10), (10, -10)]);
    let white = "const canvas = document.querySelector('#mask');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return pixels.filter((v, k) => k % 4 === 3 && v > 128).length";
    let by_mouse = browser.run(white, &json!([])).as_f64().unwrap();
    assert!(by_mouse > 20.0, "{by_mouse} pixels");
    browser.type_into("#mask", "\u{e015}\u{e015}\u{e015} ");
    let by_keys = browser.run(white, &json!([])).as_f64().unwrap();
    assert!(by_keys > by_mouse, "{by_mouse} then {by_keys} pixels");
    browser.click("#brush button[value=use]");
    browser.wait("document.querySelector('#command').textContent.includes('--content-mask nst-inputs/region-boat.png')");
    let mask = image::open(served.work().join("nst-inputs/region-boat.png"))
        .unwrap()
        .to_luma8();
    assert_eq!(mask.dimensions(), (60, 40));
    assert_eq!(
        mask.get_pixel(0, 0).0,
        [0],
        "black where nothing was painted"
    );
    assert!(mask.pixels().any(|pixel| pixel.0 == [255]));
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    assert_quiet(&browser);
}

#[test]
fn a_part_of_a_painting_is_painted_and_a_picture_of_the_gallery_is_gone_on_from() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    prepare(&browser, "2");
    browser.click("#paintings button:nth-of-type(2)");
    browser.wait(
        "document.querySelector('#brush').open && document.querySelector('#mask').width === 40",
    );
    browser.drag("#mask", &[(-10, -10), (5, -10), (10, 10)]);
    browser.click("#brush button[value=use]");
    for mask in [
        "--content-mask nst-inputs/region-boat.png",
        "--style-mask nst-inputs/part-waves.png",
    ] {
        browser.wait(&format!(
            "document.querySelector('#command').textContent.includes('{mask}')"
        ));
    }
    let mask = |name: &str| {
        let path = served.work().join("nst-inputs").join(name);
        image::open(path).unwrap().to_luma8()
    };
    assert!(
        mask("region-boat.png").pixels().all(|p| p.0 == [255]),
        "all of the photo"
    );
    assert_eq!(mask("part-waves.png").dimensions(), (40, 50));
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    browser.wait("document.querySelector('#pictures img')");
    browser.click("#pictures summary");
    browser.click("#pictures details button:nth-of-type(2)");
    browser.wait("document.querySelector('#first img')?.naturalWidth > 0");
    browser
        .wait("document.querySelector('#command').textContent.includes('--init boat_waves.png')");
    browser.click("#first-away");
    browser.wait("!document.querySelector('#command').textContent.includes('--init')");
    assert_quiet(&browser);
}

/// A server of somebody else on this machine, whose page forbids nothing; gives its port.
fn stranger() -> u16 {
    use std::io::{Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close";
            let _ = write!(stream, "{head}\r\n\r\n<p>x");
        }
    });
    port
}

#[test]
fn a_page_of_another_site_can_do_nothing() {
    let Some((served, browser)) = open(1280, 900) else {
        return;
    };
    let script = "const target = arguments[0];
        const post = { method: 'POST', credentials: 'include' };
        const image = new Promise((done) => {
          const element = new Image();
          element.onload = () => done('image');
          element.onerror = () => done('no');
          element.src = target + '/icon.svg';
        });
        const frame = document.createElement('iframe');
        frame.src = target + '/';
        document.body.append(frame);
        const tries = [
          fetch(target + '/api/gallery', { credentials: 'include' }),
          fetch(target + '/api/samples/harbour', { ...post, mode: 'no-cors' }),
          fetch(target + '/api/samples/harbour', { ...post, headers: { 'X-Nst-Studio': '1' } }),
        ];
        return Promise.allSettled(tries).then(async (all) =>
          [...all.map((one) => one.value?.ok ? 'read' : 'no'), await image]);";
    let port = stranger();
    // The same site to cookies, which know no ports; another site; and none at all.
    for from in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://evil.example:{port}/"),
        "data:text/html,<p>x".into(),
    ] {
        browser.open(&from);
        browser.wait("document.querySelector('p')");
        let tried = browser.run(script, &json!([served.origin()]));
        assert_eq!(tried, json!(["no", "no", "no", "no"]), "{from}");
    }
    assert!(served.files().is_empty(), "{:?}", served.files());
    // A name that somebody has bound to this machine's address, even with the token.
    browser.open(&format!(
        "http://evil.example:{}/?token={}",
        served.port, served.token
    ));
    assert!(
        browser.text("body").contains("not the address"),
        "{}",
        browser.text("body")
    );
}

#[test]
fn a_phone_sees_everything_without_scrolling_sideways() {
    let Some((_served, browser)) = open(400, 800) else {
        return;
    };
    prepare(&browser, "2");
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    browser.run(
        "for (const d of document.querySelectorAll('details')) d.open = true",
        &json!([]),
    );
    for width in [320, 400, 700, 1280, 2560] {
        browser.resize(width, 800);
        let wide = browser.run("return document.documentElement.scrollWidth", &json!([]));
        assert!(
            wide.as_u64().unwrap() <= u64::from(width),
            "{wide} at {width}"
        );
    }
}

/// `axe.min.js` of the package axe-core, which `.ci/run` fetches.
fn axe() -> Option<String> {
    let path = std::env::var_os("NST_TEST_AXE");
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    if text.is_none() {
        eprintln!("skipped: $NST_TEST_AXE names no axe.min.js of the npm package axe-core");
    }
    text
}

#[test]
fn axe_finds_nothing_that_shuts_people_out() {
    let (Some(axe), Some((served, browser))) = (axe(), open(1280, 900)) else {
        return;
    };
    prepare(&browser, "2");
    browser.click("#start");
    browser.wait("document.querySelector('#what').textContent.includes('done')");
    browser.wait("document.querySelector('#pictures img')");
    browser.run(
        "for (const d of document.querySelectorAll('details')) d.open = true",
        &json!([]),
    );
    let id = served.state()["jobs"][0]["id"].clone();
    let report = served.work().join("report.html");
    std::fs::write(
        &report,
        served.get(&format!("/api/jobs/{id}/report.html")).body,
    )
    .unwrap();
    let check = |what: &str| {
        // By the driver, whose scripts no policy of the page stops.
        browser.run(&axe, &json!([]));
        let script = "return axe.run().then((r) => r.violations.map((v) =>
            `${v.impact} ${v.id}: ${v.help} ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')}`))";
        let found = browser.run(script, &json!([]));
        assert_eq!(found, json!([]), "{what}: {found:#}");
    };
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        check(scheme);
        browser.click("#paintings button");
        browser.wait("document.querySelector('#brush').open");
        check("the brush");
        browser.click("#brush button[value=cancel]");
    }
    browser.open(&file(&report));
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        check("the report");
    }
}

fn file(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[test]
fn a_report_opens_from_a_file_with_everything_in_it() {
    let Some(browser) = Browser::new(1000, 800) else {
        return;
    };
    let studio = common::studio::Studio::new();
    studio
        .transfer()
        .args(["-o", "out.png", "--report", "one.html"])
        .assert()
        .success();
    browser.open(&file(&studio.path("one.html")));
    browser.wait("document.querySelectorAll('img').length === 3");
    browser.wait("[...document.images].every((image) => image.naturalWidth > 0)");
    browser.wait("document.querySelectorAll('.curves polyline').length === 3");
    give(&browser, ".slider", "20");
    browser.wait("document.querySelectorAll('.slides figure')[1].style.clipPath.includes('20%')");
    assert!(browser.text("pre").contains("--report one.html"));
    assert_quiet(&browser);
    // Without scripts it can be read all the same.
    let text = String::from_utf8(studio.bytes("one.html")).unwrap();
    let (before, after) = text.split_once("<script>").unwrap();
    let plain = format!("{before}{}", after.split_once("</script>").unwrap().1);
    studio.write("plain.html", &plain);
    browser.open(&file(&studio.path("plain.html")));
    browser
        .wait("[...document.images].every((image) => image.getBoundingClientRect().height > 10)");

    let list = "[[job]]\ncontent = \"photo.png\"\nstyle = \"painting.png\"\noutput = \"a.png\"\n\
                [[job]]\ncontent = \"bad.png\"\nstyle = \"painting.png\"\noutput = \"b.png\"\n";
    studio.write("jobs.toml", list);
    studio.write("bad.png", "no picture");
    studio
        .nst()
        .args([
            "batch",
            "jobs.toml",
            "--report",
            "all.html",
            "--",
            "--weights",
            "weights.safetensors",
        ])
        .args(["--size", "32", "--steps", "1", "--quiet"])
        .args(common::studio::SHALLOW)
        .assert()
        .code(1);
    browser.open(&file(&studio.path("all.html")));
    let first = "document.querySelector('tbody tr').textContent";
    browser.wait(&format!("{first}.includes('bad.png')"));
    browser.click("th button");
    browser.wait(&format!("{first}.includes('a.png')"));
    browser.wait("document.querySelector('th').getAttribute('aria-sort') === 'ascending'");
    assert_quiet(&browser);
}
