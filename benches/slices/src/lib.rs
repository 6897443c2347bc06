//! The kernels of `src/kernels/cpu` as a crate of their own.

#[path = "../../../src/kernels/cpu/mod.rs"]
pub mod cpu;
