use serde::Serialize;

/// Of what a transfer is a part. In JSON the names are a contract: `"job": 3`, `"tile": "beta=3"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The job of a batch of this number, from 1.
    Job(usize),
    /// The picture of a contact sheet with this caption.
    Tile(String),
}
