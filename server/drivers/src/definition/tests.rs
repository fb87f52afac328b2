//! Stack expressions: what parses, what prints, and what each error says.

use lowerdeck_framework::clock::TICKS_PER_MILLISECOND;
use proptest::prelude::*;

use super::*;
use crate::syntax::Position;

fn parsed(expression: &str) -> StackDefinition {
    expression.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn message(expression: &str) -> String {
    expression.parse::<StackDefinition>().expect_err("the expression is wrong").to_string()
}

#[test]
fn a_terminator_is_appended_only_where_none_is() {
    assert_eq!(parsed("ram").to_string(), "ram / terminator");
    assert_eq!(parsed("ram / terminator(io=hold)").to_string(), "ram / terminator(io=hold)");
}

#[test]
fn white_space_and_comments_are_free() {
    let spread = "\n # a disk\n passthrough ( files = callbacks )\n\t/ # below\nram(size=64MiB,\n sector = 512)  ";
    assert_eq!(parsed(spread), parsed("passthrough(files=callbacks)/ram(size=64MiB,sector=512)"));
}

#[test]
fn empty_parentheses_are_no_options() {
    assert_eq!(parsed("null()"), parsed("null"));
}

#[test]
fn values_have_units() {
    let value = |text: &str| parsed(&format!("ram({text})")).layers[0].options[0].value.clone();
    for (text, bytes) in
        [("size=7B", 7), ("size=3k", 3000), ("size=2M", 2_000_000), ("size=1KiB", 1024), ("size=1TiB", 1 << 40)]
    {
        assert_eq!(value(text), OptionValue::Size(bytes), "{text}");
    }
    assert_eq!(value("size=0x10"), OptionValue::Number(16));
    let delay = |text: &str| parsed(&format!("echo(delay={text})")).layers[0].options[0].value.clone();
    assert_eq!(delay("5ms"), OptionValue::Duration(5 * TICKS_PER_MILLISECOND));
    assert_eq!(delay("200ns"), OptionValue::Duration(2));
}

#[test]
fn a_block_is_verbatim_to_its_own_brace() {
    let expression = "scripted(script={on read: complete(S_OK, data=\"}\") # }\n}, queue=manual)";
    let OptionValue::Block(text) = &parsed(expression).layers[0].options[0].value else { panic!("a block") };
    assert_eq!(text, "on read: complete(S_OK, data=\"}\") # }\n");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (expression, expected) in [
        ("", "1:1: expected the name of a driver, found the end"),
        ("ram /", "1:6: expected the name of a driver, found the end"),
        ("ram,", "1:4: expected `/` and another layer, or the end, found `,`"),
        ("ram(size)", "1:9: expected `=` and a value, found `)`"),
        ("ram(size=1 sector=1)", "1:12: expected `,` and another option, or `)`, found `sector`"),
        ("ram(\n  size=1,)", "2:10: expected the name of an option, found `)`"),
        (
            "scripted(script={on read",
            "1:17: expected a value: a word, a number, a size such as 64MiB, a duration such as 5ms, a \"string\" or a closed {block}, found `{`",
        ),
        ("scripted(script=\"a\\q\")", "1:20: expected an escape: \\\" \\\\ \\n \\r \\t \\0 or \\u{hex}, found `q`"),
        (
            "ram(size=99999999TiB)",
            "1:10: expected a value: a word, a number, a size such as 64MiB, a duration such as 5ms, a \"string\" or a closed {block}, found `99999999TiB`",
        ),
    ] {
        assert_eq!(message(expression), expected, "{expression}");
    }
}

#[test]
fn unknown_names_are_refused_with_a_near_miss() {
    assert_eq!(
        message("passthrough / rma"),
        "1:15: no driver is named `rma`, did you mean `ram`?; the drivers are echo, null, passthrough, ram, scripted, terminator"
    );
    assert_eq!(
        message("ram(sise=1)"),
        "1:5: `ram` has no option `sise`, did you mean `size`?; its options are size, sector, resident_max"
    );
    assert_eq!(message("null(a=1)"), "1:6: `null` has no option `a`; it has none");
    assert_eq!(message("ram(size=1, size=2)"), "1:13: option `size` is given twice; give it once");
}

#[test]
fn bad_values_are_refused_where_they_stand() {
    for (expression, expected) in [
        ("ram(size=5ms)", "1:10: option `size`: expected a size such as 64MiB, found `5ms`"),
        ("ram(size=0)", "1:10: option `size`: 0 is not within 1 to 1125899906842624 bytes"),
        (
            "ram(sector=512, size=1000)",
            "1:22: option `size`: 1000 is no multiple of the sector of 512 bytes, give whole sectors",
        ),
        ("ram(resident_max=5GiB)", "1:18: option `resident_max`: 5368709120 is not within 1 to 4294967296 bytes"),
        ("echo(delay=25h)", "1:12: option `delay`: the limit is 24h, give less"),
        ("passthrough(files=some)", "1:19: option `files`: expected none|callbacks, found `some`"),
        (
            "ram / terminator(io=fail(NOPE))",
            "1:21: option `io`: expected complete|hold|fail|fail(STATUS), found `fail(NOPE)`",
        ),
        (
            "scripted(script={on reed: hold})",
            "1:17: option `script`: 1:4: expected a callback: create read write ioctl default cancel completion send-returned io-stop io-resume cleanup close prepare-hardware d0-entry self-managed-io-init self-managed-io-suspend d0-exit release-hardware self-managed-io-flush self-managed-io-cleanup query-remove self-managed-io-restart query-stop surprise-removal, found `reed`",
        ),
    ] {
        assert_eq!(message(expression), expected, "{expression}");
    }
}

#[test]
fn the_limits_are_named() {
    let long = " ".repeat(MAX_EXPRESSION_BYTES + 1);
    assert_eq!(long.parse::<StackDefinition>(), Err(DefinitionError::TooLong { bytes: MAX_EXPRESSION_BYTES + 1 }));
    let layers = |count: usize| vec!["null"; count].join("/");
    assert_eq!(parsed(&layers(MAX_LAYERS - 1)).layers.len(), MAX_LAYERS);
    let too_many = BuildError::TooManyLayers { layers: MAX_LAYERS + 1 };
    assert_eq!(layers(MAX_LAYERS).parse::<StackDefinition>(), Err(DefinitionError::Shape(too_many)));
}

#[test]
fn a_terminator_above_another_layer_is_refused() {
    let refused = Err(DefinitionError::Shape(BuildError::TerminatorNotLowest));
    assert_eq!("terminator / ram".parse::<StackDefinition>(), refused);
}

#[test]
fn nesting_costs_no_stack() {
    let deep = format!("scripted(script={}", "{".repeat(MAX_EXPRESSION_BYTES - 17));
    assert_eq!(message(&deep).split(':').take(2).collect::<Vec<_>>(), ["1", "17"]);
}

#[test]
fn a_definition_made_by_hand_is_checked_when_it_is_built() {
    let layers = vec![LayerDefinition::new("floppy"), LayerDefinition::new(TERMINATOR)];
    let Err(error) = (StackDefinition { layers }).build(0) else { panic!("`floppy` was built") };
    assert!(error.to_string().starts_with("layer L1 (`floppy`): no driver is named `floppy`"), "{error}");
    let Err(error) = (StackDefinition { layers: Vec::new() }).build(0) else { panic!("nothing was built") };
    assert_eq!(error, BuildError::TerminatorNotLowest);
}

#[test]
fn positions_count_characters() {
    assert_eq!(Position::of("äö\nüx", "äö\nü".len()), Position { line: 2, column: 2 });
    assert_eq!(Position::of("ab", 99), Position { line: 1, column: 3 });
}

fn any_value() -> impl Strategy<Value = OptionValue> {
    prop_oneof![
        "[A-Za-z_][A-Za-z0-9_.-]{0,12}".prop_map(OptionValue::Word),
        ("[a-z_]{1,8}", "[A-Za-z0-9_]{1,12}").prop_map(|(word, argument)| OptionValue::Applied(word, argument)),
        any::<u64>().prop_map(OptionValue::Number),
        any::<u64>().prop_map(OptionValue::Size),
        any::<u64>().prop_map(OptionValue::Duration),
        (0_u64..4096, 0_u32..40).prop_map(|(number, shift)| OptionValue::Size(number << shift)),
        any::<String>().prop_map(OptionValue::Text),
        "[ a-z\n;:(){}]{0,20}".prop_filter("balanced", |text| is_block(text)).prop_map(OptionValue::Block),
    ]
}

fn is_block(text: &str) -> bool {
    let block = format!("{{{text}}}");
    crate::syntax::tokens::block_length(&block) == Some(block.len())
}

proptest! {
    #[test]
    fn what_a_value_prints_reads_back(value in any_value()) {
        let printed = value.to_string();
        prop_assert_eq!(crate::syntax::parse_all(super::value, &printed), Ok(value), "{}", printed);
    }

    #[test]
    fn what_a_definition_prints_reads_back(
        sizes in prop::collection::vec((1_u64..1 << 40, 0_u64..1000), 1..8),
    ) {
        let layer = |(size, delay): (u64, u64)| {
            format!("ram(size={size}B) / echo(delay={delay}us, capacity=1MiB) / passthrough")
        };
        let definition = parsed(&sizes.into_iter().map(layer).collect::<Vec<_>>().join(" / "));
        prop_assert_eq!(parsed(&definition.to_string()), definition);
    }

    #[test]
    fn no_text_is_a_panic(text in "[a-z(){}\"\\\\=,/# \n0-9éλ]{0,60}") {
        let _: Result<StackDefinition, DefinitionError> = text.parse();
    }
}
