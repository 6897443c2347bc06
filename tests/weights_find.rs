//! Where weights are looked for, and in which order.

mod weights_support;

use std::path::Path;

use nst::vgg::{Layer, Model};
use nst::weights::{self, Choice, Place, Places, Unreported, Weights, WeightsError};
use weights_support::{Tensor, network, safetensors};

const FIRST: Layer = Layer::new(1, 1);

fn put(path: &Path, source: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let metadata = [
        ("model", "vgg19"),
        ("preprocessing", "caffe"),
        ("source", source),
    ];
    let tensors = network(Model::Vgg19, FIRST, Tensor::f32);
    weights_support::write(path, &safetensors(&metadata, &tensors));
}

fn places(root: &Path) -> Places {
    Places {
        chosen: Some(root.join("chosen")),
        cache: Some(root.join("cache")),
        beside: root.join("beside"),
        network: None,
    }
}

fn find(choice: &Choice, places: &Places) -> Result<Weights, WeightsError> {
    weights::find(choice, Model::Vgg19, FIRST, places, &Unreported)
}

#[test]
fn the_first_place_that_has_the_file_serves() {
    let root = tempfile::tempdir().unwrap();
    let mut places = places(root.path());
    std::fs::create_dir(root.path().join("chosen")).unwrap();
    for place in ["beside", "cache", "chosen"] {
        let path = root.path().join(place).join("vgg19.safetensors");
        put(&path, place);
        let weights = find(&Choice::Auto, &places).unwrap();
        assert_eq!(
            weights.origin.place,
            Place::File(path),
            "{place} comes first now"
        );
    }
    let single = root.path().join("single.safetensors");
    put(&single, "single");
    places.chosen = Some(single.clone());
    let weights = find(&Choice::ImageNet, &places).unwrap();
    assert_eq!(
        weights.origin.to_string(),
        format!("{} (single)", single.display())
    );
    let given = root.path().join("given.safetensors");
    put(&given, "given");
    let weights = find(&Choice::File(given.clone()), &places).unwrap();
    assert_eq!(weights.origin.place, Place::File(given));
}

#[test]
fn a_named_file_that_is_absent_is_an_error_not_a_reason_to_look_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("cache/vgg19.safetensors"), "cache");
    let places = places(root.path());
    let error = find(&Choice::Auto, &places).unwrap_err().to_string();
    assert!(error.ends_with("chosen: cannot open"), "{error}");
    let error = find(&Choice::File("absent.safetensors".into()), &places).unwrap_err();
    assert_eq!(error.to_string(), "absent.safetensors: cannot open");
}

#[test]
fn a_damaged_file_is_an_error_even_where_a_later_place_would_serve() {
    let root = tempfile::tempdir().unwrap();
    let places = Places {
        chosen: None,
        ..places(root.path())
    };
    put(&root.path().join("beside/vgg19.safetensors"), "beside");
    std::fs::create_dir(root.path().join("cache")).unwrap();
    weights_support::write(&root.path().join("cache/vgg19.safetensors"), b"no weights");
    let error = find(&Choice::Auto, &places).unwrap_err().to_string();
    assert!(error.contains("cache"), "{error}");
}

#[test]
fn nothing_found_is_an_error_for_imagenet_that_names_every_place() {
    let root = tempfile::tempdir().unwrap();
    let places = Places {
        chosen: None,
        ..places(root.path())
    };
    let error = find(&Choice::ImageNet, &places).unwrap_err().to_string();
    for place in ["cache", "beside", "vgg19"] {
        assert!(error.contains(place), "{error}");
    }
}

#[test]
fn words_choose_a_network_and_anything_else_is_a_file() {
    assert_eq!("builtin".parse(), Ok(Choice::BuiltIn));
    assert_eq!("imagenet".parse(), Ok(Choice::ImageNet));
    assert_eq!("a/b.pth".parse(), Ok(Choice::File("a/b.pth".into())));
}

#[cfg(feature = "builtin-weights")]
mod built_in {
    use super::*;
    use weights_support::Heard;

    #[test]
    fn both_networks_pass_the_checks_down_to_what_the_losses_need() {
        for model in Model::ALL {
            let deepest = Layer::new(5, 2);
            let weights = weights::built_in(model, deepest).unwrap().unwrap();
            assert_eq!(weights.origin.place, Place::BuiltIn);
            let layers: Vec<_> = model.layers_to(deepest).collect();
            assert_eq!(weights.convolutions.into_keys().collect::<Vec<_>>(), layers);
        }
    }

    #[test]
    fn it_serves_when_nothing_else_is_found_and_says_so_in_one_line() {
        let root = tempfile::tempdir().unwrap();
        let places = Places {
            chosen: None,
            ..places(root.path())
        };
        let heard = Heard::default();
        let weights = weights::find(&Choice::Auto, Model::Vgg16, FIRST, &places, &heard).unwrap();
        assert_eq!(weights.origin.place, Place::BuiltIn);
        let heard = heard.notices();
        let [notice] = heard.as_slice() else {
            panic!("{heard:?}");
        };
        let line = notice.to_string();
        assert!(
            line.contains("built-in vgg16") && !line.contains('\n'),
            "{line}"
        );
    }

    #[test]
    fn asked_for_by_name_it_serves_in_silence_whatever_else_there_is() {
        let root = tempfile::tempdir().unwrap();
        put(&root.path().join("cache/vgg19.safetensors"), "cache");
        let heard = Heard::default();
        let weights = weights::find(
            &Choice::BuiltIn,
            Model::Vgg19,
            FIRST,
            &places(root.path()),
            &heard,
        )
        .unwrap();
        assert_eq!(weights.origin.place, Place::BuiltIn);
        assert!(heard.notices().is_empty());
    }

    #[test]
    fn a_copy_of_it_in_a_folder_does_not_count_as_imagenets() {
        let root = tempfile::tempdir().unwrap();
        put(&root.path().join("beside/vgg19.safetensors"), "nst builtin");
        let places = Places {
            chosen: None,
            ..places(root.path())
        };
        assert!(find(&Choice::ImageNet, &places).is_err());
        assert_eq!(
            find(&Choice::Auto, &places).unwrap().origin.place,
            Place::BuiltIn
        );
    }
}
