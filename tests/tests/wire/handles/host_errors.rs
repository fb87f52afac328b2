//! What the host itself refuses: rights, a full disk, a medium that is read only. Each has its Win32 code.
//!
//! A full disk is a small one of a mount namespace that the server is started in, and rights bind a superuser's server in
//! a user namespace. Where the system lets nobody have such a namespace, those tests say so and end; the table of codes is
//! tested for itself in the package of the handles.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use lowerdeck_proto::v1;
use tempfile::TempDir;
use tokio::process::Command;

use super::calls::{read_at, write_at};
use super::win32::{ACCESS_DENIED, CREATE_NEW, GENERIC_READ, OK, OPEN_EXISTING, Openable, file, pipe, win32};
use crate::daemon::{Daemon, bounded, lowerdeckd};
use crate::event_feed::EventFeed;
use crate::upper::{self, Upper};

/// `ERROR_WRITE_PROTECT`.
const WRITE_PROTECT: u32 = win32(19);
/// `ERROR_DISK_FULL`.
const DISK_FULL: u32 = win32(112);

/// Places for handles, and a server on them.
struct Host {
    upper: Upper,
    events: EventFeed,
    _daemon: Daemon,
    _places: TempDir,
}

/// A program that runs `lowerdeckd` with the arguments that follow, in a namespace of its own; None with the reason told
/// where there is none to be had. `mount` is done in it before.
async fn in_namespace(mount: Option<&str>) -> Option<Command> {
    let command = || {
        let mut command = Command::new("unshare");
        command.arg("--user").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        match mount {
            Some(_) => command.args(["--map-root-user", "--mount", "--"]),
            None => command.arg("--"),
        };
        command
    };
    let probe = command().arg("true").stdout(Stdio::null()).status().await;
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system gives no user namespace (`unshare --user`)");
        return None;
    }
    let mut command = command();
    if let Some(mount) = mount {
        command.args(["sh", "-c", &format!("{mount} && exec \"$@\""), "sh"]);
    }
    Some(command)
}

impl Host {
    /// Starts a server whose files `prepare` has made. In a namespace where `mount` is done, if there is one, of which ROOT
    /// is the root of the files; else in one of its own if the test has a superuser's rights.
    async fn start(prepare: fn(&Path), mount: Option<&str>) -> Option<Host> {
        let places = TempDir::new().expect("the machine has a place for scratch files");
        let (files, pipes) = (places.path().join("files"), places.path().join("pipes"));
        std::fs::create_dir(&files).expect("a new directory takes another");
        prepare(&files);
        let mount = mount.map(|mount| mount.replace("ROOT", &files.display().to_string()));
        let flags = ["serve", "--listen", "127.0.0.1:0", "--files-root"];
        let server = lowerdeckd(&flags);
        let server = server.as_std();
        let mut command = if mount.is_some() || rustix::process::geteuid().is_root() {
            let mut command = in_namespace(mount.as_deref()).await?;
            command.arg(server.get_program()).args(flags);
            command
        } else {
            lowerdeckd(&flags)
        };
        command.arg(&files).arg("--pipe-directory").arg(&pipes);
        let daemon = Daemon::of(command).await;
        let stack = upper::plug(&daemon.channel, upper::template("null")).await;
        let upper = Upper::attach(&daemon.channel, upper::on_stack(&stack)).await;
        let events = upper.events_after(0).await;
        Some(Host { upper, events, _daemon: daemon, _places: places })
    }
}

fn protect(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is our own");
}

#[test]
fn rights_of_the_host_are_access_denied() {
    let prepare = |files: &Path| {
        for name in ["nobodys", "readable"] {
            std::fs::write(files.join(name), b"content").expect("the root takes files");
        }
        for name in ["closed", "fixed"] {
            std::fs::create_dir(files.join(name)).expect("the root takes folders");
            std::fs::write(files.join(name).join("file"), b"content").expect("a folder takes files");
        }
        for (name, mode) in [("nobodys", 0), ("readable", 0o400), ("closed", 0), ("fixed", 0o500)] {
            protect(&files.join(name), mode);
        }
    };
    bounded(async {
        let Some(host) = Host::start(prepare, None).await else { return };
        let reader = |name: &str| v1::CreateFile {
            desired_access: GENERIC_READ,
            creation_disposition: OPEN_EXISTING,
            ..file(name)
        };
        let maker = v1::CreateFile { creation_disposition: CREATE_NEW, ..file("fixed/new") };
        let rows = [
            (reader("nobodys"), ACCESS_DENIED),
            (reader("closed/file"), ACCESS_DENIED),
            (file("readable"), ACCESS_DENIED),
            (maker, ACCESS_DENIED),
            (reader("readable"), OK),
            (reader("fixed/file"), OK),
            (file("fixed/file"), OK),
            (file("fixed"), ACCESS_DENIED),
        ];
        for (open, code) in rows {
            let shown = format!("{open:?}");
            let answer = host.upper.try_open(open).await;
            assert_eq!(answer, code, "{shown}: {answer:#x}");
        }
        for name in ["closed", "fixed"] {
            protect(&host._places.path().join("files").join(name), 0o700); // or nobody could remove them
        }
    });
}

/// ENOSPC: what found room is told, and the file has it.
#[test]
fn a_full_disk_takes_what_it_has_room_for() {
    bounded(async {
        let mount = "mount -t tmpfs -o size=64k none ROOT";
        let Some(mut host) = Host::start(|_| {}, Some(mount)).await else { return };
        let (_, target) = host.upper.open_with_target(file("large")).await;
        let data = vec![0x5A; 1 << 20];
        let (status, written, _) = host.upper.ended(&mut host.events, write_at(&target, &data, 0)).await;
        assert_eq!((status, written > 0 && written <= 64 << 10), (DISK_FULL, true), "{written}");
        let brought = host.upper.ended(&mut host.events, read_at(&target, 1 << 20, 0)).await;
        assert_eq!((brought.0, brought.1), (OK, written));
        let more = host.upper.ended(&mut host.events, write_at(&target, &data, 1 << 20)).await;
        assert_eq!((more.0, more.1), (DISK_FULL, 0));
        // The server is well, and so is the handle.
        assert_eq!(host.upper.try_open(pipe("beside")).await, OK);
        assert_eq!(host.upper.ended(&mut host.events, write_at(&target, b"over", 0)).await, (OK, 4, vec![]));
    });
}

#[test]
fn a_medium_that_is_read_only_is_write_protected() {
    bounded(async {
        let mount = "mount -t tmpfs none ROOT && echo content > ROOT/there && mount -o remount,ro none ROOT";
        let Some(host) = Host::start(|_| {}, Some(mount)).await else { return };
        let reader =
            v1::CreateFile { desired_access: GENERIC_READ, creation_disposition: OPEN_EXISTING, ..file("there") };
        let maker = v1::CreateFile { creation_disposition: CREATE_NEW, ..file("new") };
        for (open, code) in [(file("there"), WRITE_PROTECT), (maker, WRITE_PROTECT), (reader, OK)] {
            let answer = host.upper.try_open(open.object()).await;
            assert_eq!(answer, code, "{answer:#x}");
        }
    });
}
