//! A real browser, spoken to by the `WebDriver` protocol.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A window of Chromium that nobody sees; it closes with the value.
pub struct Browser {
    driver: Child,
    session: String,
}

/// The name by which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    /// A new window of this size; none where there is no Chromium with its driver, and then it says so.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = started else {
            eprintln!("skipped: there is no chromedriver here (Debian: chromium-driver)");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let port = line.split("started successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let address = format!("http://127.0.0.1:{}/session", port.unwrap());
        // The driver goes on to talk; nobody must keep it from that.
        std::thread::spawn(move || lines.for_each(drop));
        let size = format!("--window-size={width},{height}");
        let mut arguments = vec![
            "--headless=new",
            "--disable-gpu",
            "--force-device-scale-factor=1",
            // As if somebody had bound this name to this machine.
            "--host-resolver-rules=MAP evil.example 127.0.0.1",
            &size,
        ];
        // Chromium's own sandbox does not start as root, as in a container.
        if std::fs::metadata("/proc/self").is_ok_and(|m| is_root(&m)) {
            arguments.extend(["--no-sandbox", "--disable-dev-shm-usage"]);
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "WARNING" },
        } } });
        let answer = send("POST", &address, &wanted).unwrap();
        let id = answer["sessionId"].as_str().unwrap();
        let session = format!("{address}/{id}");
        let this = Self { driver, session };
        this.resize(width, height);
        Some(this)
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let address = format!("{}/{path}", self.session);
        send(method, &address, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Makes the page this large, in CSS pixels, as a phone would show it.
    pub fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Light or dark, as the system would have it.
    pub fn scheme(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    #[track_caller]
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.ask("POST", "goog/cdp/execute", &body)
    }

    #[track_caller]
    pub fn open(&self, address: &str) {
        self.ask("POST", "url", &json!({ "url": address }));
    }

    #[track_caller]
    pub fn reload(&self) {
        self.ask("POST", "refresh", &json!({}));
    }

    /// Opens another tab and goes there.
    pub fn tab(&self) {
        let tab = self.ask("POST", "window/new", &json!({ "type": "tab" }));
        self.ask("POST", "window", &json!({ "handle": tab["handle"] }));
    }

    /// Runs a script in the page, and gives what it returns; it may wait.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &Value) -> Value {
        self.ask(
            "POST",
            "execute/sync",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// Waits until an expression is true, a minute at most.
    #[track_caller]
    pub fn wait(&self, expression: &str) {
        let start = Instant::now();
        while self.run(&format!("return Boolean({expression})"), &json!([])) != true {
            if start.elapsed() > Duration::from_mins(1) {
                let text = self.run("return document.body.innerText", &json!([]));
                panic!("never: {expression}\n{}", text.as_str().unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    #[track_caller]
    fn element(&self, css: &str) -> String {
        let found = self.ask(
            "POST",
            "element",
            &json!({ "using": "css selector", "value": css }),
        );
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks as a person would: what is covered or hidden cannot be clicked.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.run(
            "document.querySelector(arguments[0]).scrollIntoView({ block: 'center', behavior: 'instant' })",
            &json!([css]),
        );
        let element = self.element(css);
        self.ask("POST", &format!("element/{element}/click"), &json!({}));
    }

    /// Types, or gives a path to a field for files.
    #[track_caller]
    pub fn type_into(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.ask(
            "POST",
            &format!("element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// Presses, moves through these points of an element's box (from its centre, in pixels) and lets go.
    #[track_caller]
    pub fn drag(&self, css: &str, points: &[(i32, i32)]) {
        let element = json!({ ELEMENT: self.element(css) });
        let to = |&(x, y): &(i32, i32)| json!({ "type": "pointerMove", "duration": 20, "origin": element, "x": x, "y": y });
        let mut actions = vec![
            to(&points[0]),
            json!({ "type": "pointerDown", "button": 0 }),
        ];
        actions.extend(points[1..].iter().map(to));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": actions });
        self.ask("POST", "actions", &json!({ "actions": [mouse] }));
    }

    /// Drops a file from elsewhere on an element.
    #[track_caller]
    pub fn drop_file(&self, css: &str, name: &str, bytes: &[u8]) {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        let script = "const [css, name, text] = arguments;
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const files = new DataTransfer();
            files.items.add(new File([bytes], name));
            const event = { bubbles: true, cancelable: true, dataTransfer: files };
            const zone = document.querySelector(css);
            zone.dispatchEvent(new DragEvent('dragenter', event));
            zone.dispatchEvent(new DragEvent('drop', event));";
        self.run(script, &json!([css, name, text]));
    }

    /// The text of an element.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        let text = self.run(
            "return document.querySelector(arguments[0]).textContent",
            &json!([css]),
        );
        text.as_str().unwrap().to_owned()
    }

    /// Saves what the window shows as a PNG, or the whole page.
    #[track_caller]
    pub fn picture(&self, path: &Path, whole: bool) {
        use base64::Engine;
        let parameters = json!({ "format": "png", "captureBeyondViewport": whole });
        let shot = self.devtools("Page.captureScreenshot", &parameters);
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap());
        std::fs::write(path, bytes.unwrap()).unwrap();
    }

    /// What the page has complained of to its console: scripts that failed, things that were refused.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", "se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = send("DELETE", &self.session, &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[cfg(unix)]
fn is_root(own: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    own.uid() == 0
}

#[cfg(not(unix))]
fn is_root(_: &std::fs::Metadata) -> bool {
    false
}

fn send(method: &str, address: &str, body: &Value) -> Result<Value, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let text = body.to_string();
    let sent = match method {
        "DELETE" => agent.delete(address).call(),
        _ => agent
            .post(address)
            .header("Content-Type", "application/json")
            .send(&text),
    };
    let mut answer = sent.map_err(|error| error.to_string())?;
    let limit = 64 << 20;
    let text = answer
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_string();
    let value: Value =
        serde_json::from_str(&text.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    match value["value"]["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", value["value"]["message"])),
        None => Ok(value["value"].clone()),
    }
}
