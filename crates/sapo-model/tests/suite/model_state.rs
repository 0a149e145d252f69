//! The name of a model's state changes when a loss can, and is absent where no file decides it.

use sapo_model::{Device, FileHashes, Kind, LanguageModel, Lora};
use serde_json::json;

use crate::fixtures::*;

fn state(model: &LanguageModel) -> Option<String> {
    model.state(&mut FileHashes::default()).unwrap().map(|state| state.to_string())
}

#[test]
fn the_name_follows_the_files_and_the_number_format() {
    on_every_checkpoint(|checkpoint| {
        let name = state(&checkpoint.open()).unwrap();
        assert_eq!(name.len(), 64);
        let copy = copy_of(checkpoint.name);
        let open = |kind| LanguageModel::open(copy.path(), kind, Device::Cpu).unwrap();
        assert_eq!(state(&open(Kind::Float)).as_ref(), Some(&name), "another place has no effect");
        let memo = copy.path().join("memo.json");
        let with_memo = open(Kind::Float).state(&mut FileHashes::with_memo(&memo)).unwrap().unwrap();
        assert_eq!(with_memo.to_string(), name);
        assert_ne!(state(&open(Kind::BFloat16)).as_ref(), Some(&name));

        edit_json(&copy.path().join("config.json"), |config| config["of_no_effect"] = json!(1));
        assert_ne!(state(&open(Kind::Float)).as_ref(), Some(&name), "a file changed");
    });
}

#[test]
fn adapters_from_folders_are_part_of_the_name() {
    on_every_checkpoint(|checkpoint| {
        let mut model = checkpoint.open();
        let plain = state(&model);
        model.fold_adapter_from(&checkpoint.adapter()).unwrap();
        let (adapted, copy) = (state(&model), copy_of_folder(&checkpoint.adapter()));
        assert!(adapted.is_some() && adapted != plain);

        let mut same = checkpoint.open();
        same.fold_adapter_from(copy.path()).unwrap();
        assert_eq!(state(&same), adapted, "another place has no effect");
        edit_json(&copy.path().join("adapter_config.json"), |config| config["lora_alpha"] = json!(1.5));
        let mut other = checkpoint.open();
        other.fold_adapter_from(copy.path()).unwrap();
        assert_ne!(state(&other), adapted);

        // a refused adapter leaves the weights and the name
        let absent = copy.path().join("absent");
        assert!(same.fold_adapter_from(&absent).is_err());
        assert_eq!(state(&same), adapted);
    });
}

#[test]
fn an_adapter_that_is_only_checked_leaves_the_name() {
    on_every_checkpoint(|checkpoint| {
        let model = checkpoint.open();
        let before = state(&model);
        model.check_adapter(&Lora::open(&checkpoint.adapter()).unwrap()).unwrap();
        assert!(before.is_some());
        assert_eq!(state(&model), before);
    });
}

#[test]
fn weights_that_no_file_decides_have_no_name() {
    on_every_checkpoint(|checkpoint| {
        let fresh = LanguageModel::fresh(&checkpoint.directory(), 1, Kind::Float, Device::Cpu).unwrap();
        assert_eq!(state(&fresh), None);
        assert_eq!(state(&checkpoint.open_with_adapter()), None, "an attached adapter may be trained");
        let mut trained = checkpoint.open();
        trained.train_all_parameters();
        assert_eq!(state(&trained), None);
        trained.fold_adapter_from(&checkpoint.adapter()).unwrap();
        assert_eq!(state(&trained), None, "an adapter on top brings no name back");
    });
}
