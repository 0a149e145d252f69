//! Names, defaults, what is written and what is refused.

use std::path::Path;

use sapo_learn::methods::MethodConfig;
use serde_json::{Value, json};

#[test]
fn a_stored_configuration_of_lora_inc_is_written_as_before_there_were_other_methods() {
    let method: MethodConfig = "lora-inc".parse().unwrap();
    let written = r#"{"name":"lora-inc","r":8,"lora_alpha":32.0,"lora_dropout":0.1,"target_modules":["q_proj","v_proj"]}"#;
    assert_eq!(serde_json::to_string(&method).unwrap(), written);
    assert_eq!(serde_json::from_str::<MethodConfig>(written).unwrap(), method);
}

#[test]
fn every_method_is_read_by_its_name_and_written_with_all_its_parameters() {
    for method in MethodConfig::all() {
        let written = serde_json::to_value(&method).unwrap();
        assert_eq!(written["name"], method.name());
        assert_eq!(serde_json::from_value::<MethodConfig>(written).unwrap(), method);
        assert_eq!(method.name().parse(), Ok(method.clone()));
        if method.name() != "lora-inc" {
            let by_name = serde_json::from_value::<MethodConfig>(json!({"name": method.name()}));
            assert_eq!(by_name.unwrap(), method, "what is left out is the default");
        }
    }
    assert!("l-oora".parse::<MethodConfig>().unwrap_err().contains("o-lora"));
}

#[test]
fn the_defaults_are_the_papers() {
    let written = |name: &str| serde_json::to_value(name.parse::<MethodConfig>().unwrap()).unwrap();
    assert_eq!(written("o-lora")["lambda"], 0.5);
    assert_eq!(written("o-lora")["lora"]["r"], 8);
    assert_eq!(written("ewc")["lambda"], 4000.0);
    assert_eq!(written("ewc")["lora"]["r"], 40);
    assert_eq!(written("inscl")["examples"], 200);
}

#[test]
fn unknown_fields_are_refused() {
    for method in MethodConfig::all() {
        let mut wrong = serde_json::to_value(&method).unwrap();
        wrong["no_such_parameter"] = json!(1);
        assert!(serde_json::from_value::<MethodConfig>(wrong).is_err(), "{}", method.name());
        let mut wrong: Value = serde_json::to_value(&method).unwrap();
        if wrong.get("lora").is_some() {
            wrong["lora"]["no_such_parameter"] = json!(1);
            assert!(serde_json::from_value::<MethodConfig>(wrong).is_err(), "{}", method.name());
        }
    }
    assert!(serde_json::from_value::<MethodConfig>(json!({"name": "l-oora"})).is_err());
}

#[test]
fn every_method_cites_its_source_and_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let described = std::fs::read_to_string(root.join("../../docs/method.md")).unwrap();
    for method in MethodConfig::all() {
        let file = format!("src/methods/{}.rs", method.name().replace('-', "_"));
        assert!(std::fs::read_to_string(root.join(&file)).unwrap().contains("/// # Source"), "{file}");
        let row = format!("| `{}` |", method.name());
        assert!(described.contains(&row), "docs/method.md says nothing of {}", method.name());
    }
}
