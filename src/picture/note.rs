use std::fmt;

/// Something a person should hear about how a picture was read. Prints as one sentence without the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The file ends before its picture does; the missing part is blank or grey.
    Cut,
    /// The file is an animation; only its first picture is used.
    Animated,
    /// The file has several pages; only its first is used.
    SeveralPages,
    /// Colours were converted to sRGB from the profile of this name.
    ProfileConverted(String),
    /// The colour profile could not be used for this reason; colours are taken as sRGB.
    ProfileIgnored(String),
    /// CMYK without a profile, converted by the plain formula.
    PlainCmyk,
    /// The name's extension (first) does not fit the content (second).
    WrongExtension(String, &'static str),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str(
                "the file is cut: its end is missing and part of the picture may be blank",
            ),
            Self::Animated => f.write_str("an animation: only its first picture is used"),
            Self::SeveralPages => f.write_str("several pages: only the first is used"),
            Self::ProfileConverted(name) => {
                write!(f, "colours converted to sRGB from the profile \"{name}\"")
            }
            Self::ProfileIgnored(reason) => {
                write!(
                    f,
                    "colour profile not used ({reason}); colours taken as sRGB"
                )
            }
            Self::PlainCmyk => {
                f.write_str("CMYK without a usable profile: colours are approximate")
            }
            Self::WrongExtension(extension, content) => {
                write!(
                    f,
                    "named .{extension} but the content is {content}; read as {content}"
                )
            }
        }
    }
}
