//! `shaders LOG`: every WGSL kernel in a log of CubeCL is validated and translated to MSL, HLSL and SPIR-V.

use naga::back::{hlsl, msl, spv};
use naga::front::wgsl;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};

fn main() {
    let path = std::env::args().nth(1).expect("the path of a log");
    let log = std::fs::read_to_string(path).expect("a log that can be read");
    let mut kernels: Vec<&str> = log
        .split("```wgsl")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or(rest))
        .collect();
    kernels.sort_unstable();
    kernels.dedup();
    assert!(!kernels.is_empty(), "there is no kernel in the log");
    for kernel in &kernels {
        if let Err(reason) = translated(kernel) {
            panic!("{reason}\n{kernel}");
        }
    }
    println!("{} kernels in MSL, HLSL and SPIR-V", kernels.len());
}

fn translated(kernel: &str) -> Result<(), String> {
    let module = wgsl::parse_str(kernel).map_err(|error| error.emit_to_string(kernel))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|error| error.emit_to_string(kernel))?;
    to_msl(&module, &info)?;
    to_hlsl(&module, &info)?;
    let options = spv::Options::default();
    spv::write_vec(&module, &info, &options, None).map_err(|error| format!("SPIR-V: {error}"))?;
    Ok(())
}

fn to_msl(module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let options = msl::Options {
        fake_missing_bindings: true,
        ..msl::Options::default()
    };
    msl::write_string(module, info, &options, &msl::PipelineOptions::default())
        .map_err(|error| format!("MSL: {error}"))?;
    Ok(())
}

fn to_hlsl(module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let options = hlsl::Options {
        fake_missing_bindings: true,
        ..hlsl::Options::default()
    };
    let pipeline = hlsl::PipelineOptions {
        entry_point: module
            .entry_points
            .iter()
            .find(|entry| entry.stage == ShaderStage::Compute)
            .map(|entry| (entry.stage, entry.name.clone())),
    };
    let mut out = String::new();
    hlsl::Writer::new(&mut out, &options, &pipeline)
        .write(module, info, None)
        .map_err(|error| format!("HLSL: {error}"))?;
    Ok(())
}
