//! Where ImageNet's weights come from.

use crate::arch::Model;
use crate::named::named;

/// Who publishes a file of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publisher {
    /// Keras' copy of the original Oxford networks; the best pictures and the smallest files.
    #[default]
    Keras,
    /// torchvision's own training, with a classifier that is not used.
    Torchvision,
}

named!(Publisher, "source": Keras = "keras", Torchvision = "torchvision");

/// What a whole file must hash to, in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// MD5, where the publisher gives nothing better.
    Md5(&'static str),
    /// SHA-256.
    Sha256(&'static str),
}

/// One file that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Who publishes it.
    pub publisher: Publisher,
    /// The network in it.
    pub model: Model,
    /// Where it is.
    pub url: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
    /// Under which terms it comes.
    pub licence: &'static str,
}

impl Source {
    /// The entry of [`SOURCES`] for a network and a publisher.
    #[must_use]
    pub fn of(model: Model, publisher: Publisher) -> &'static Self {
        match (publisher, model) {
            (Publisher::Keras, Model::Vgg19) => &SOURCES[0],
            (Publisher::Keras, Model::Vgg16) => &SOURCES[1],
            (Publisher::Torchvision, Model::Vgg19) => &SOURCES[2],
            (Publisher::Torchvision, Model::Vgg16) => &SOURCES[3],
        }
    }

    /// The entry that is fetched when nothing else is asked for.
    #[must_use]
    pub fn default_for(model: Model) -> &'static Self {
        Self::of(model, Publisher::default())
    }

    /// The file's name: the last part of the URL.
    #[must_use]
    pub fn file_name(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }
}

const OXFORD: &str = "CC BY 4.0 (Visual Geometry Group, University of Oxford)";
const TORCHVISION: &str = "BSD-3-Clause (torchvision); trained on ImageNet";

/// Every file that can be fetched.
///
/// Keras' MD5 digests are those of `keras.applications`; torchvision's names carry the start
/// of their SHA-256.
pub const SOURCES: [Source; 4] = [
    Source {
        publisher: Publisher::Keras,
        model: Model::Vgg19,
        url: "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        bytes: 80_134_624,
        digest: Digest::Md5("253f8cb515780f3b799900260a226db6"),
        licence: OXFORD,
    },
    Source {
        publisher: Publisher::Keras,
        model: Model::Vgg16,
        url: "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        bytes: 58_889_256,
        digest: Digest::Md5("6d6bbae143d832006294945121d1f1fc"),
        licence: OXFORD,
    },
    Source {
        publisher: Publisher::Torchvision,
        model: Model::Vgg19,
        url: "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        bytes: 574_673_361,
        digest: Digest::Sha256("dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),
        licence: TORCHVISION,
    },
    Source {
        publisher: Publisher::Torchvision,
        model: Model::Vgg16,
        url: "https://download.pytorch.org/models/vgg16-397923af.pth",
        bytes: 553_433_881,
        digest: Digest::Sha256("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
        licence: TORCHVISION,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_has_one_file_of_every_publisher() {
        for model in Model::ALL {
            for publisher in Publisher::ALL {
                let source = Source::of(model, publisher);
                assert_eq!((source.model, source.publisher), (model, publisher));
                assert!(source.file_name().starts_with(model.name()), "{source:?}");
                assert!(source.url.starts_with("https://"), "{source:?}");
            }
        }
    }

    #[test]
    fn digests_are_as_long_as_their_kind_and_agree_with_torchvisions_names() {
        for source in SOURCES {
            let (hex, digits) = match source.digest {
                Digest::Md5(hex) => (hex, 32),
                Digest::Sha256(hex) => (hex, 64),
            };
            assert_eq!(hex.len(), digits);
            assert!(hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            if source.publisher == Publisher::Torchvision {
                assert!(source.file_name().contains(&hex[..8]), "{source:?}");
            }
        }
    }
}
