//! `nst studio`: a page to paint on, and the server behind it. The page asks for what a command line
//! could ask for, by the same flags, and nothing else.

mod ask;
mod events;
mod gallery;
mod guard;
mod job;
mod network;
mod page;
mod painter;
mod routes;
mod samples;
mod settings;
mod shelf;
mod state;
mod watch;

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use nst::device;
use tokio::net::TcpListener;

use crate::cli::args::StudioArgs;
use crate::cli::observers::Interrupt;
use crate::cli::say;
use guard::Guard;
use state::Studio;

/// Time between two looks for a signal.
const PULSE: Duration = Duration::from_millis(100);

/// Serves the page until a signal comes.
pub fn run(args: &StudioArgs) -> anyhow::Result<ExitCode> {
    let folder = args.folder.display();
    env::set_current_dir(&args.folder).with_context(|| format!("{folder}: cannot be worked in"))?;
    let interrupt = Interrupt::listen()?;
    let threads = args.threads.map(usize::from);
    device::set_threads(threads.unwrap_or_else(device::threads))?;
    let studio = Arc::new(Studio::new(&env::current_dir()?));
    let painter = {
        let (studio, interrupt) = (Arc::clone(&studio), interrupt.clone());
        thread::Builder::new()
            .name("painter".into())
            .spawn(move || painter::work(&studio, &interrupt))?
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(serve(args, Arc::clone(&studio), &interrupt));
    studio.close();
    runtime.shutdown_background();
    // It saves the picture in hand. If it crashed, it has said so.
    let _ = painter.join();
    served?;
    Ok(ExitCode::from(interrupt.exit_code().unwrap_or(0)))
}

async fn serve(
    args: &StudioArgs,
    studio: Arc<Studio>,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let asked = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(asked)
        .await
        .with_context(|| format!("--host, --port: cannot listen on {asked}"))?;
    let address = listener.local_addr()?;
    let guard = Guard::new(address)?;
    let url = format!("http://{}/?token={}", shown(address), guard.token());
    say::line(format_args!("the studio is open: {url}"));
    if args.host != IpAddr::from([127, 0, 0, 1]) {
        say::warn(format_args!(
            "--host {}: other machines can reach this, and whoever sees the traffic can read the \
             pictures and the token: use it in a network you trust",
            args.host
        ));
    }
    if args.open
        && let Err(error) = open::that_detached(&url)
    {
        say::warn(format_args!("--open: no browser starts: {error}"));
    }
    let app = routes::router(studio, guard);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    while interrupt.exit_code().is_none() && !server.is_finished() {
        tokio::time::sleep(PULSE).await;
    }
    if server.is_finished() {
        server.await??;
    }
    Ok(())
}

/// The address for a browser on this machine.
fn shown(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], address.port()))
    } else {
        address
    }
}
