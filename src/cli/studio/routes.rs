//! What can be asked for, and by which address.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use nst::vgg::Model;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::ask::Ask;
use super::events::events;
use super::gallery::again;
use super::guard::{self, Guard};
use super::job::Job;
use super::network;
use super::page;
use super::settings::{LEFT_OUT, offered};
use super::shelf::{self, Dropped, View};
use super::state::Studio;
use crate::cli::fault::describe;
use crate::cli::reports::{Report, svg};

/// Bytes of the longest picture that may be dropped.
const LONGEST: usize = 128 << 20;
/// Bytes of the longest question.
const QUESTION: usize = 1 << 16;

/// One picture is decoded at a time: memory is for the one that is being painted.
static DECODER: Semaphore = Semaphore::const_new(1);

type Shared = State<Arc<Studio>>;

/// Everything that the page can ask for.
pub fn router(studio: Arc<Studio>, guard: Guard) -> Router {
    let page = page::FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(move || async move { sent(file) }))
    });
    page.route("/api/events", get(events))
        .route("/api/settings", get(settings))
        .route("/api/pictures", post(drop_picture))
        .route("/api/pictures/{id}/{view}", get(picture))
        .route("/api/samples", get(samples))
        .route("/api/samples/{name}", post(take_sample))
        .route("/api/samples/{name}/thumb.jpg", get(sample))
        .route("/api/command", post(command))
        .route("/api/jobs", post(queue))
        .route("/api/jobs/{id}/{what}", get(of_job).post(to_job))
        .route("/api/jobs/{id}/tiles/{tile}", get(tile))
        .route("/api/gallery", get(gallery))
        .route("/api/gallery/{id}", get(paint_again))
        .route("/api/weights/{model}", post(fetch))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "there is no such page") })
        .with_state(studio)
        .layer(middleware::from_fn_with_state(guard, guard::watch))
}

/// What went wrong, as JSON.
fn refused(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "error": text }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A question that cannot be answered as asked.
fn wrong(error: &anyhow::Error) -> Response {
    refused(StatusCode::UNPROCESSABLE_ENTITY, &describe(error))
}

fn gone() -> Response {
    refused(StatusCode::NOT_FOUND, "this is not here any more")
}

fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_string(value).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn answered<T: Serialize>(result: anyhow::Result<T>) -> Response {
    match result {
        Ok(value) => json(&value),
        Err(error) => wrong(&error),
    }
}

fn sent(file: &'static page::File) -> Response {
    ([(header::CONTENT_TYPE, file.kind)], file.text).into_response()
}

fn jpeg(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response()
}

/// The JSON of a question.
async fn asked<T: DeserializeOwned>(body: Body) -> Result<T, Response> {
    let bytes = to_bytes(body, QUESTION).await;
    let bytes = bytes.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "too long"))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| refused(StatusCode::BAD_REQUEST, &error.to_string()))
}

/// Runs work that would keep other requests waiting.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    spawn_blocking(work).await?
}

async fn settings() -> Response {
    json(&serde_json::json!({ "offered": offered(), "left_out": LEFT_OUT }))
}

async fn drop_picture(
    State(studio): Shared,
    Query(query): Query<Vec<(String, String)>>,
    body: Body,
) -> Response {
    let name = query.into_iter().find(|(key, _)| key == "name");
    let name = name.map(|(_, value)| value).unwrap_or_default();
    let Ok(_turn) = DECODER.acquire().await else {
        return gone();
    };
    let Ok(bytes) = to_bytes(body, LONGEST).await else {
        let text = format!(
            "{name}: more than {} MiB, or it did not arrive whole",
            LONGEST >> 20
        );
        return refused(StatusCode::PAYLOAD_TOO_LARGE, &text);
    };
    answered(kept(studio, name, bytes).await)
}

async fn kept(studio: Arc<Studio>, name: String, bytes: Bytes) -> anyhow::Result<Dropped> {
    let (path, (width, height)) = aside(move || shelf::keep(&name, &bytes)).await?;
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let id = studio.look().shelf.put(&path);
    Ok(Dropped {
        id,
        name,
        width,
        height,
    })
}

async fn picture(State(studio): Shared, Path((id, size)): Path<(String, String)>) -> Response {
    let size = match size.as_str() {
        "thumb.jpg" => View::Thumbnail,
        "whole.jpg" => View::Whole,
        _ => return gone(),
    };
    let path = studio.look().shelf.path(&id).map(PathBuf::from);
    let (Ok(path), Ok(_turn)) = (path, DECODER.acquire().await) else {
        return gone();
    };
    match aside(move || shelf::view(&path, size)).await {
        Ok(image) => jpeg(image.jpeg),
        Err(error) => wrong(&error),
    }
}

async fn samples() -> Response {
    json(&super::samples::LIST)
}

async fn take_sample(State(studio): Shared, Path(name): Path<String>) -> Response {
    let Some(bytes) = super::samples::bytes(&name) else {
        return gone();
    };
    let name = format!("{name}.jpg");
    answered(kept(studio, name, Bytes::from_static(bytes)).await)
}

async fn sample(Path(name): Path<String>) -> Response {
    match super::samples::bytes(&name) {
        Some(bytes) => jpeg(bytes.to_vec()),
        None => gone(),
    }
}

/// The command line of what would be painted.
async fn command(State(studio): Shared, body: Body) -> Response {
    match asked::<Ask>(body).await {
        Ok(ask) => {
            let order = studio.look().order(&ask);
            answered(order.map(|order| serde_json::json!({ "command": order.command })))
        }
        Err(response) => response,
    }
}

async fn queue(State(studio): Shared, body: Body) -> Response {
    match asked::<Ask>(body).await {
        Ok(ask) => answered(studio.queue(ask).map(|id| serde_json::json!({ "id": id }))),
        Err(response) => response,
    }
}

async fn of_job(State(studio): Shared, Path((id, what)): Path<(u32, String)>) -> Response {
    let mut inner = studio.look();
    let Some(job) = inner.job(id) else {
        return gone();
    };
    match what.as_str() {
        "before.jpg" => job
            .before
            .as_ref()
            .map_or_else(gone, |image| jpeg(image.jpeg.clone())),
        "live.jpg" => job
            .live
            .as_ref()
            .map_or_else(gone, |image| jpeg(image.jpeg.clone())),
        "curves" => curves(job),
        "ask" => json(&job.ask),
        "report.html" => report(job),
        _ => gone(),
    }
}

/// The losses so far: a drawing, and the names of its curves in their order.
fn curves(job: &Job) -> Response {
    let losses = &job.record.losses;
    let names: Vec<_> = losses
        .iter()
        .map(|(name, curve)| (name, curve.last()))
        .collect();
    json(&serde_json::json!({ "svg": svg(losses), "names": names }))
}

/// The page of `--report`, to be kept as a file.
fn report(job: &Job) -> Response {
    if job.record.after.is_none() && job.tiles.is_empty() {
        return gone();
    }
    let stem = job.output.file_stem().unwrap_or_default().to_string_lossy();
    // In a header, only plain letters mean the same to every browser.
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let stem: String = stem.chars().map(plain).collect();
    let named = format!("attachment; filename=\"{stem}.html\"");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    let command = &job.shown.command;
    let report = match &job.shown.sweep {
        Some(sweep) => Report::of_sweep(&sweep.to_string(), &job.tiles, command),
        None => Report::of_record(&job.record, command),
    };
    (headers, report.into_html()).into_response()
}

async fn tile(State(studio): Shared, Path((id, tile)): Path<(u32, usize)>) -> Response {
    let mut inner = studio.look();
    let tile = inner.job(id).and_then(|job| job.tiles.get(tile));
    let image = tile.and_then(|record| record.after.as_ref());
    image.map_or_else(gone, |image| jpeg(image.jpeg.clone()))
}

async fn to_job(State(studio): Shared, Path((id, what)): Path<(u32, String)>) -> Response {
    let known = studio.change(|inner| {
        let job = inner.job(id)?;
        match what.as_str() {
            "pause" => job.pause = true,
            "resume" => job.pause = false,
            "stop" => job.halt(),
            _ => return None,
        }
        Some(())
    });
    known.map_or_else(gone, |()| json(&serde_json::json!({})))
}

async fn gallery(State(studio): Shared) -> Response {
    let looked = aside(move || {
        let mut inner = studio.look();
        let inner = &mut *inner;
        Ok(inner.gallery.look(&mut inner.shelf))
    });
    answered(looked.await)
}

async fn paint_again(State(studio): Shared, Path(id): Path<String>) -> Response {
    let found = aside(move || {
        let mut inner = studio.look();
        let path = inner.shelf.path(&id)?.to_owned();
        let provenance = inner.gallery.provenance(&path).cloned();
        let provenance = provenance.ok_or_else(|| anyhow::anyhow!("this picture has changed"))?;
        Ok(again(&provenance, &mut inner.shelf))
    });
    answered(found.await)
}

async fn fetch(State(studio): Shared, Path(model): Path<String>) -> Response {
    let Ok(model) = model.parse::<Model>() else {
        return gone();
    };
    answered(network::fetch(&studio, model))
}
