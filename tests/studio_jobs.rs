//! Jobs of `nst studio`, asked for as its page does.
#![cfg(feature = "studio")]

mod common;

use common::batch::wait_until;
use common::served::{Served, png, small};
use serde_json::{Value, json};

#[test]
fn a_job_paints_what_its_command_line_paints() {
    let served = Served::new();
    let (photo, painting) = (
        served.drop_picture("a%20photo.png", 60, 40),
        served.drop_picture("painting.png", 40, 50),
    );
    let ask = small(&photo, &painting, &[("seed", "7"), ("beta", "30")]);
    let command = served.done("/api/command", &ask)["command"].clone();
    let id = served.done("/api/jobs", &ask)["id"].clone();
    let job = served.wait_for(&id, &["done", "failed"]);
    assert_eq!(job["status"], "done", "{job:#}");
    assert_eq!(job["command"], command);
    assert_eq!(job["name"], "a-photo_painting.png");
    let words = shlex::split(command.as_str().unwrap()).unwrap();
    assert_eq!(words[0], "nst");
    let output = words.iter().position(|word| word == "--output").unwrap();
    assert_eq!(words[output + 1], "a-photo_painting.png");
    let mut again = words[1..].to_vec();
    again[output] = "again.png".into();
    let status = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nst"))
        .current_dir(served.work())
        .env("HOME", served.work())
        .env("XDG_CACHE_HOME", served.work())
        .env_remove("NST_WEIGHTS")
        .arg("--quiet")
        .args(&again)
        .status();
    assert!(status.unwrap().success(), "{command}");
    let read = |name: &str| std::fs::read(served.work().join(name)).unwrap();
    assert!(
        read("a-photo_painting.png") == read("again.png"),
        "not the same bytes"
    );
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let served = Served::new();
    std::fs::create_dir(served.work().join("nst-inputs")).unwrap();
    for name in ["photo_painting.png", "nst-inputs/photo.png"] {
        std::fs::write(served.work().join(name), "mine").unwrap();
    }
    let photo = served.drop_picture("photo.png", 30, 20);
    let painting = served.drop_picture("painting.png", 20, 20);
    // The same picture again is the same file.
    assert_eq!(served.drop_picture("photo.png", 30, 20), photo);
    let ask = small(&photo, &painting, &[]);
    let first = served.done("/api/jobs", &ask)["id"].clone();
    let second = served.done("/api/jobs", &ask)["id"].clone();
    for id in [&first, &second] {
        assert_eq!(served.wait_for(id, &["done", "failed"])["status"], "done");
    }
    for name in ["photo_painting.png", "nst-inputs/photo.png"] {
        assert_eq!(std::fs::read(served.work().join(name)).unwrap(), b"mine");
    }
    let inputs = served.work().join("nst-inputs");
    assert_eq!(std::fs::read_dir(inputs).unwrap().count(), 3);
    assert_eq!(
        served.files(),
        [
            "nst-inputs",
            "photo-2_painting-2.png",
            "photo-2_painting.png",
            "photo_painting.png"
        ]
    );
}

#[test]
fn what_cannot_be_is_refused_in_the_words_of_the_command_line() {
    let served = Served::new();
    let picture = served.drop_picture("p.png", 20, 20);
    for (flag, value, words) in [
        ("beta", "much", "--beta"),
        ("strength", "2", "strength"),
        ("model", "vgg11", "vgg16, vgg19"),
        ("nothing", "1", "--nothing"),
    ] {
        let ask = small(&picture, &picture, &[(flag, value)]);
        let answer = served.post("/api/jobs", ask.to_string().as_bytes());
        assert_eq!(answer.status, 422);
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    assert_eq!(served.state()["jobs"], json!([]));
}

#[test]
fn a_job_waits_while_it_is_paused_and_keeps_its_picture_when_it_is_stopped() {
    let served = Served::new();
    let picture = served.drop_picture("p.png", 60, 40);
    let ask = small(&picture, &picture, &[("steps", "1000000")]);
    let id = served.done("/api/jobs", &ask)["id"].clone();
    let done = |state: &Value| state["jobs"][0]["progress"]["done"].as_u64().unwrap();
    served.wait(|state| done(state) >= 2);
    served.done(&format!("/api/jobs/{id}/pause"), &Value::Null);
    served.wait_for(&id, &["paused"]);
    let paused = done(&served.state());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(done(&served.state()), paused);
    served.done(&format!("/api/jobs/{id}/resume"), &Value::Null);
    served.wait(|state| done(state) > paused);
    served.done(&format!("/api/jobs/{id}/stop"), &Value::Null);
    let job = served.wait_for(&id, &["stopped", "failed"]);
    assert_eq!(job["status"], "stopped");
    let gallery = served.get("/api/gallery").json();
    assert_eq!(gallery[0]["name"], "p_p.png");
    assert_eq!(gallery[0]["unfinished"], true);
}

#[test]
fn a_sheet_shows_each_of_its_pictures() {
    let served = Served::new();
    // Two pictures: a photo that is its own painting is done before the first step.
    let photo = served.drop_picture("p.png", 30, 20);
    let painting = served.drop_picture("q.png", 40, 50);
    let mut ask = small(&photo, &painting, &[("steps", "5")]);
    ask["sweep"] = json!({ "flag": "strength", "values": ["0.1", "0.9"] });
    let id = served.done("/api/jobs", &ask)["id"].clone();
    let job = served.wait_for(&id, &["done", "failed"]);
    assert_eq!(
        (&job["status"], &job["tiles"]),
        (&json!("done"), &json!(2)),
        "{job:#}"
    );
    let tile = |k| served.get(&format!("/api/jobs/{id}/tiles/{k}"));
    assert!(tile(0).status == 200 && tile(0).body != tile(1).body && tile(2).status == 404);
    assert!(
        served
            .files()
            .contains(&"p_q_strength-sheet.png".to_owned()),
        "{:?}",
        served.files()
    );
    let report = served.get(&format!("/api/jobs/{id}/report.html")).text();
    assert!(report.contains("Sweep of strength=0.1,0.9"), "{report}");
    let pictures = report.matches("data:image/jpeg;base64,").count();
    assert_eq!(pictures, 2, "one for each value");
}

#[test]
fn parts_of_paintings_and_a_picture_to_start_from_are_asked_for_and_found_again() {
    let served = Served::new();
    let [photo, style, start] = ["photo.png", "style.png", "start.png"]
        .map(|name| served.drop_picture(name, 30 + name.len() as u32, 20));
    let mut ask = small(&photo, &style, &[("steps", "1"), ("init", "noise")]);
    ask["content_masks"] = json!([start]);
    ask["style_masks"] = json!([photo]);
    ask["init"] = json!(start);
    let command = served.done("/api/command", &ask)["command"].clone();
    let command = command.as_str().unwrap();
    for part in [
        "--style-mask nst-inputs/photo.png",
        "--content-mask nst-inputs/start.png",
        "--init nst-inputs/start.png",
    ] {
        assert!(command.contains(part), "{command}");
    }
    assert!(!command.contains("noise"), "{command}");
    let id = served.done("/api/jobs", &ask)["id"].clone();
    let job = served.wait_for(&id, &["done", "failed"]);
    assert_eq!(job["status"], "done", "{job:#}");
    let gallery = served.get("/api/gallery").json();
    let picture = gallery[0]["id"].as_str().unwrap();
    let again = served.get(&format!("/api/gallery/{picture}")).json();
    assert_eq!(again["left_out"], json!([]), "{again:#}");
    for part in ["content_masks", "style_masks", "init"] {
        assert_eq!(again["ask"][part], ask[part], "{again:#}");
    }
}

#[test]
fn a_painted_picture_says_how_to_paint_it_again() {
    let served = Served::new();
    let photo = served.drop_picture("photo.png", 30, 20);
    let style = served.drop_picture("style.png", 20, 20);
    let mut ask = small(&photo, &style, &[("beta", "77"), ("steps", "1")]);
    ask["styles"] = json!([{ "id": style, "weight": 2.5 }, { "id": photo }]);
    let id = served.done("/api/jobs", &ask)["id"].clone();
    served.wait_for(&id, &["done"]);
    let gallery = served.get("/api/gallery").json();
    let picture = gallery[0]["id"].as_str().unwrap();
    let again = served.get(&format!("/api/gallery/{picture}")).json();
    assert_eq!(again["missing"], json!([]));
    assert_eq!(again["ask"]["content"], photo);
    assert_eq!(
        again["ask"]["styles"],
        json!([{ "id": style, "weight": 2.5 }, { "id": photo, "weight": 1.0 }])
    );
    assert_eq!(again["ask"]["settings"]["beta"], "77");
    // The photo is another one now, under the same name.
    std::fs::write(served.work().join("nst-inputs/photo.png"), png(31, 21)).unwrap();
    let again = served.get(&format!("/api/gallery/{picture}")).json();
    assert_eq!(again["missing"][0], "nst-inputs/photo.png", "{again:#}");
    assert_eq!(again["ask"]["content"], "");
}

#[test]
fn a_report_tells_of_a_job_in_one_file() {
    let served = Served::new();
    let picture = served.drop_picture("p.png", 30, 20);
    let id = served.done("/api/jobs", &small(&picture, &picture, &[]))["id"].clone();
    served.wait_for(&id, &["done"]);
    let report = served.get(&format!("/api/jobs/{id}/report.html"));
    assert_eq!(report.status, 200);
    assert!(
        report.head.contains("attachment; filename=\"p_p.html\""),
        "{}",
        report.head
    );
    let text = report.text();
    for part in [
        "data:image/jpeg;base64,",
        "<svg class=\"curves\"",
        "--output p_p.png",
        "block1_conv1",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_keeps_the_picture_in_hand_also_while_it_is_paused() {
    for paused in [false, true] {
        let mut served = Served::new();
        let picture = served.drop_picture("p.png", 60, 40);
        let ask = small(&picture, &picture, &[("steps", "1000000")]);
        let id = served.done("/api/jobs", &ask)["id"].clone();
        served.done("/api/jobs", &ask);
        served.wait(|state| state["jobs"][0]["progress"]["done"].as_u64() >= Some(1));
        if paused {
            served.done(&format!("/api/jobs/{id}/pause"), &Value::Null);
            served.wait_for(&id, &["paused"]);
        }
        common::batch::send("-INT", served.child.id());
        assert_eq!(served.child.wait().unwrap().code(), Some(130));
        let picture = nst::picture::provenance(&served.work().join("p_p.png")).unwrap();
        assert!(picture.contains("stopped_after"), "{picture}");
        assert_eq!(
            served.files(),
            ["nst-inputs", "p_p.png"],
            "what waited is not begun"
        );
    }
}

/// Threads, open files and memory in KiB of a process.
#[cfg(target_os = "linux")]
fn holds(process: u32) -> (usize, usize, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    (number("Threads:"), files.count(), number("VmRSS:"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_jobs_stopped_at_random_leave_nothing_behind() {
    use rand::{RngExt, SeedableRng};

    let served = Served::new();
    let picture = served.drop_picture("p.png", 60, 40);
    let ask = small(&picture, &picture, &[("steps", "2"), ("size", "32")]);
    let queue = || served.done("/api/jobs", &ask)["id"].as_u64().unwrap();
    let is_over = |job: &Value| {
        let status = job["status"].as_str().unwrap();
        ["done", "stopped", "failed"].contains(&status)
    };
    let all_over = |state: &Value| state["jobs"].as_array().unwrap().iter().all(is_over);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(19);
    let mut round = |jobs: usize| {
        let ids: Vec<_> = (0..jobs).map(|_| queue()).collect();
        for id in &ids {
            if random.random::<f32>() < 0.6 {
                let what = if random.random::<f32>() < 0.2 {
                    "pause"
                } else {
                    "stop"
                };
                served.post(&format!("/api/jobs/{id}/{what}"), b"");
                std::thread::sleep(std::time::Duration::from_millis(random.random_range(0..40)));
            }
        }
        for id in &ids {
            served.post(&format!("/api/jobs/{id}/resume"), b"");
        }
        let state = served.wait(all_over);
        let failed = |job: &&Value| job["status"] == "failed";
        let jobs = state["jobs"].as_array().unwrap();
        assert_eq!(jobs.iter().find(failed), None);
    };
    // What is made once, and the jobs that are remembered, are there before it is measured.
    round(40);
    // Threads of requests end by themselves.
    let quiet = std::time::Duration::from_secs(12);
    std::thread::sleep(quiet);
    let before = holds(served.child.id());
    round(100);
    std::thread::sleep(quiet);
    let after = holds(served.child.id());
    assert!(after.0 <= before.0 + 1, "threads: {before:?} to {after:?}");
    assert!(after.1 <= before.1 + 1, "files: {before:?} to {after:?}");
    assert!(
        after.2 < before.2 + 24 * 1024,
        "memory: {before:?} to {after:?}"
    );
    let remembered = served.state()["jobs"].as_array().unwrap().len();
    assert!(remembered <= 60, "{remembered} jobs are remembered");
    let temporary: Vec<_> = served
        .files()
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(temporary.is_empty(), "{temporary:?}");
}

#[test]
fn weights_that_cannot_be_fetched_say_why_and_harm_nothing() {
    let served = Served::new();
    let state = served.state();
    assert_eq!(
        state["network"]["files"],
        json!([["vgg16", null], ["vgg19", null]])
    );
    served.done("/api/weights/vgg19", &Value::Null);
    let state = served.wait(|state| !state["network"]["error"].is_null());
    let error = state["network"]["error"].as_str().unwrap();
    assert!(error.contains("offline"), "{error}");
    assert_eq!(state["network"]["fetching"], Value::Null);
    assert_eq!(served.post("/api/weights/vgg11", b"").status, 404);
}

#[test]
fn a_job_goes_on_when_every_page_is_closed() {
    let served = Served::new();
    let picture = served.drop_picture("p.png", 60, 40);
    let ask = small(&picture, &picture, &[("steps", "20")]);
    served.done("/api/jobs", &ask);
    // Nobody listens from here on.
    wait_until(|| served.said().contains("p_p.png: painted"));
    let job = &served.state()["jobs"][0];
    assert_eq!(
        (&job["status"], &job["progress"]["done"]),
        (&json!("done"), &json!(20))
    );
}
