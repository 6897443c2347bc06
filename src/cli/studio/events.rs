//! Server-sent events: the whole state, after each change, to every page that is open.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;

use super::state::{Studio, Viewer};

/// Least time between two events.
const PAUSE: Duration = Duration::from_millis(200);

/// What every page listens to. The first event comes at once, so a page that is opened again, or a
/// second one, knows everything.
pub async fn events(
    State(studio): State<Arc<Studio>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changes = studio.changes();
    changes.mark_changed();
    let viewer = Viewer::new(studio);
    let stream = stream::unfold(
        (viewer, changes, false),
        |(viewer, mut changes, late)| async move {
            if late {
                tokio::time::sleep(PAUSE).await;
            }
            changes.changed().await.ok()?;
            changes.mark_unchanged();
            let event = Event::default().data(viewer.studio().view());
            Some((Ok(event), (viewer, changes, true)))
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(5)))
}
