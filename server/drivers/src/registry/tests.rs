//! The table of drivers keeps its promises.

use super::*;
use crate::definition::{OptionDefinition, OptionValue, StackDefinition};

#[test]
fn the_table_is_sorted_and_names_are_unique() {
    let names: Vec<&str> = drivers().iter().map(|kind| kind.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

#[test]
fn every_driver_is_built_without_options_under_its_own_name() {
    for kind in drivers() {
        let driver = build(&LayerDefinition::new(kind.name), 0).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(driver.name(), kind.name);
    }
}

#[test]
fn every_documented_default_and_choice_is_accepted() {
    for kind in drivers() {
        for option in kind.options {
            let mut words = Vec::from_iter(option.default);
            if let OptionType::Choice(choices) = option.option_type {
                assert_eq!(option.default, choices.first().copied(), "{} {}", kind.name, option.key);
                words.extend(choices);
            }
            for word in words {
                let expression = format!("{}({}={word})", kind.name, option.key);
                expression.parse::<StackDefinition>().unwrap_or_else(|error| panic!("{expression}: {error}"));
            }
        }
    }
}

#[test]
fn every_option_refuses_what_is_not_of_its_type() {
    for kind in drivers() {
        for option in kind.options {
            let wrong = match option.option_type {
                OptionType::Script => OptionValue::Number(1),
                _ => OptionValue::Text("wrong".to_owned()),
            };
            let options = vec![OptionDefinition { key: option.key.to_owned(), value: wrong }];
            let layer = LayerDefinition { driver: kind.name.to_owned(), options };
            let Err(error) = build(&layer, 0) else { panic!("{} took a wrong {}", kind.name, option.key) };
            assert!(matches!(error, LayerError::BadOption { .. }), "{error}");
        }
    }
}
