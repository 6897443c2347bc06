use std::ffi::OsStr;
use std::path::Path;

use anyhow::Context;
use nst::files::{check_not_input, same_place};
use nst::picture::{Depth, Film, OutputFormat};

use super::{FILM, Outputs, REPORT};
use crate::cli::fault::Usage;
use crate::cli::inputs::is_pipe;
use crate::cli::names;

impl Outputs<'_> {
    /// Checks what holds however long it takes until something is written: formats by their
    /// names, and that no output is an input, another output, or a stranger's file in the place of
    /// a checkpoint.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold, with the flag.
    pub fn check_names(&self) -> anyhow::Result<()> {
        self.check_format()?;
        let format = names::format(self.args, &self.result)?;
        if self.args.depth == Some(Depth::Sixteen) && !format.has_sixteen_bits() {
            return Err(Usage(format!(
                "--depth 16: {} is a {format}, which has 8 bits; name a .png or .tif, or leave \
                 --depth out",
                self.result.display()
            ))
            .into());
        }
        if let Some(frames) = &self.frames {
            let first = frames.path(frames.every());
            let known = first.and_then(|path| OutputFormat::from_path(&path));
            known.context(self.frames_flag())?;
        }
        if let Some(film) = &self.args.timelapse {
            Film::check_name(film).context(FILM)?;
        }
        if let Some(page) = &self.args.report {
            check_page(page).context(REPORT)?;
        }
        self.check_inputs()?;
        self.check_each_other()?;
        self.checkpoint_is_there().map(drop)
    }

    /// Checks that the flags of the result's name and format go together.
    fn check_format(&self) -> anyhow::Result<()> {
        let (out, pipe) = (self.args, is_pipe(&self.result));
        let result = self.result.display();
        let format = names::format(out, &self.result)?;
        let fault = if let Some(ext) = out.ext.as_ref().filter(|_| self.is_named && !pipe) {
            format!("--ext {ext}: the name {result} says the format already; leave one of them out")
        } else if pipe && out.json {
            "--json: the picture goes to standard output; name a file with --output".to_owned()
        } else if pipe && out.save_every.is_some() && out.frames.is_none() {
            "--save-every: the picture goes to standard output; say with --frames where its frames \
             go"
            .to_owned()
        } else if let Some(n) = out.quality.filter(|_| !format.can_be_lossy()) {
            format!(
                "--quality {n}: {result} is a {format}, which loses nothing; name a .jpg or \
                 .webp, or leave --quality out"
            )
        } else {
            return Ok(());
        };
        Err(Usage(fault).into())
    }

    fn check_inputs(&self) -> anyhow::Result<()> {
        let inputs = self.inputs();
        check_not_input(&self.result, &inputs)?;
        for (flag, path) in self.beside() {
            check_not_input(path, &inputs).context(flag)?;
        }
        for (_, frame) in self.frames_there(usize::MAX) {
            check_not_input(&frame, &inputs).context(self.frames_flag())?;
        }
        Ok(())
    }

    fn check_each_other(&self) -> Result<(), Usage> {
        let mut all = vec![("the result", self.result.as_path())];
        all.extend(self.beside());
        for (k, (flag, path)) in all.iter().enumerate() {
            let twice = |what: &str| {
                let path = path.display();
                Usage(format!(
                    "{flag}, {path}: this is {what} too; name another file"
                ))
            };
            if let Some((other, _)) = all[..k].iter().find(|(_, other)| same_place(path, other)) {
                return Err(twice(&format!("the file of {other}")));
            }
            if let Some(step) = self.frames.as_ref().and_then(|frames| frames.step_at(path)) {
                let frames = self.frames_flag();
                return Err(twice(&format!("the frame of step {step} ({frames})")));
            }
        }
        Ok(())
    }
}

/// Refuses the name of a page that no browser would take for one.
///
/// # Errors
///
/// A name that does not end in .html or .htm.
pub fn check_page(path: &Path) -> Result<(), Usage> {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    match extension.as_deref().and_then(|e| e.to_str()) {
        Some("html" | "htm") => Ok(()),
        _ => Err(Usage(format!(
            "{}: the page is HTML, so let its name end in .html",
            path.display()
        ))),
    }
}
