#!/bin/sh
# Fills each target's corpus with the small files of the tests.
set -eu
cd "$(dirname "$0")"
fixtures=../tests/fixtures/weights
mkdir -p corpus/hdf5 corpus/jobs corpus/pytorch corpus/safetensors
cp "$fixtures"/*.h5 corpus/hdf5
cp "$fixtures"/*.pth corpus/pytorch
# A good file of one layer is written by the import of any other.
cargo run --quiet --release --manifest-path ../Cargo.toml -- weights import \
    "$fixtures/keras.h5" --model vgg19 --half -o corpus/safetensors/one.safetensors
printf '[defaults]\nbeta = 1e2\n[[job]]\ncontent = "a.jpg"\nquiet = true\nstyle-layers = ["a", "b"]\n' >corpus/jobs/toml
printf 'content,style,beta\n"a ""b"", c.jpg",d.jpg,\n' >corpus/jobs/csv
