#!/bin/sh
# Fills each target's corpus with the small files of the tests.
set -eu
cd "$(dirname "$0")"
fixtures=../tests/fixtures/weights
mkdir -p corpus/hdf5 corpus/pytorch corpus/safetensors
cp "$fixtures"/*.h5 corpus/hdf5
cp "$fixtures"/*.pth corpus/pytorch
# A good file of one layer is written by the import of any other.
cargo run --quiet --release --manifest-path ../Cargo.toml -- weights import \
    "$fixtures/keras.h5" --model vgg19 --half -o corpus/safetensors/one.safetensors
