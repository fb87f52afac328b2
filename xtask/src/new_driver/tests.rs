//! Which names a driver can have, and that the templates are Rust for any of them.

use super::{TEMPLATES, fill, type_name};

#[test]
fn a_type_is_named_in_camel_case() {
    for (name, expected) in [("ram", "Ram"), ("usb_hub", "UsbHub"), ("osrfx2", "Osrfx2")] {
        assert_eq!(type_name(name).ok().as_deref(), Some(expected));
    }
}

#[test]
fn a_name_that_is_no_module_name_is_refused() {
    for name in ["", "2ram", "Ram", "usb-hub", "a/b", "../x", "_", "_x", "fn", "self", "größe"] {
        assert!(type_name(name).is_err(), "{name}");
    }
}

#[test]
fn a_filled_template_is_rust_with_a_module_head() {
    for (file, template) in TEMPLATES {
        let text = fill(template, "usb_hub", "UsbHub");
        assert!(text.starts_with("//! "), "{file}");
        assert!(!text.contains("{{"), "{file}");
        assert!(syn::parse_file(&text).is_ok(), "{file}");
    }
}
