//! `passthrough` through a stack.

use crate::testing::Lab;

#[test]
fn everything_reaches_the_driver_below() {
    let mut lab = Lab::new("passthrough / passthrough / ram");
    let file = lab.create("disk");
    lab.write(file, 3, b"through");
    let read = lab.read(file, 3, 7);
    assert_eq!(lab.result(read).2, "through");
}

#[test]
fn cleanup_and_close_are_passed_on_whether_it_is_told_or_not() {
    for (files, told) in [("none", 0), ("callbacks", 2)] {
        let mut lab = Lab::new(&format!("passthrough(files={files}) / scripted"));
        let file = lab.create("disk");
        assert!(lab.close(file));
        let entered = |level| {
            let entered = |text: &&String| ["CleanupEnter", "CloseEnter"].contains(&text.as_str());
            lab.happened_at(level).iter().filter(entered).count()
        };
        assert_eq!((entered(1), entered(2)), (told, 2), "files={files}");
        assert_eq!(lab.findings(), []);
    }
}
