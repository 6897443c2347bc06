#!/usr/bin/env bash
# Makes the pictures of `nst studio` in assets/studio again, with the built-in network and this project's
# own pictures. Needs Chromium and its driver (Debian: chromium chromium-driver); takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --release --locked --test studio_screens -- --ignored
