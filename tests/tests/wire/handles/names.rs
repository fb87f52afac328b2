//! Hostile names, over the wire: none reaches outside the root or the pipe directory.
//!
//! The outside file is made by the test and proven untouched: same bytes, same inode, same times, and nothing beside it.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use tokio_util::sync::CancellationToken;
use v1::open_socket::Peer;

use super::calls::{opening, read};
use super::win32::{
    ACCESS_DENIED, CREATE_ALWAYS, CREATE_NEW, FILENAME_EXCED_RANGE, INVALID_NAME, OK, OPEN_ALWAYS, OPEN_EXISTING,
    Openable, TRUNCATE_EXISTING, client_end, file, pipe, socket,
};
use crate::refusal::granted;
use crate::upper::Upper;

const SECRET: &[u8] = b"outside";
const DISPOSITIONS: [u32; 5] = [CREATE_NEW, CREATE_ALWAYS, OPEN_EXISTING, OPEN_ALWAYS, TRUNCATE_EXISTING];

/// A folder beside the root, with one file in it.
struct Outside {
    folder: PathBuf,
    before: [(u64, i64, i64, i64, i64, u64); 2],
}

/// What an open, a write, a cut or a new neighbour changes.
fn facts(of: &Metadata) -> (u64, i64, i64, i64, i64, u64) {
    (of.ino(), of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec(), of.size())
}

fn look(folder: &Path) -> [(u64, i64, i64, i64, i64, u64); 2] {
    [folder.to_owned(), folder.join("secret")]
        .map(|path| facts(&path.symlink_metadata().expect("the test has made it")))
}

impl Outside {
    fn beside(root: &Path) -> Outside {
        let folder = root.parent().expect("the root is in a folder").join("outside");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("secret"), SECRET).expect("a file");
        std::fs::create_dir(root.join("folder")).expect("a folder");
        let before = look(&folder);
        Outside { folder, before }
    }

    fn assert_untouched(&self) {
        assert_eq!(look(&self.folder), self.before);
        assert_eq!(std::fs::read(self.folder.join("secret")).expect("it is there"), SECRET);
    }
}

/// Each with the code of its refusal: what would lead out of the root, and what means something else on Windows or nothing.
const HOSTILE: [(&str, u32); 48] = [
    ("..", ACCESS_DENIED),
    ("../outside/secret", ACCESS_DENIED),
    ("..\\outside\\secret", ACCESS_DENIED),
    ("..\\../outside\\secret", ACCESS_DENIED),
    ("folder/../../outside/secret", ACCESS_DENIED),
    ("folder\\..\\..\\outside\\secret", ACCESS_DENIED),
    ("folder/..", ACCESS_DENIED),
    ("../files/folder/x", ACCESS_DENIED),
    ("../../../../../../../../etc/passwd", ACCESS_DENIED),
    (".. /outside/secret", ACCESS_DENIED),
    ("... /outside/secret", ACCESS_DENIED),
    ("..../outside/secret", ACCESS_DENIED),
    ("/etc/passwd", ACCESS_DENIED),
    ("/", ACCESS_DENIED),
    ("\\", ACCESS_DENIED),
    ("\\outside\\secret", ACCESS_DENIED),
    ("//outside/secret", ACCESS_DENIED),
    ("\\\\server\\share\\secret", ACCESS_DENIED),
    ("\\\\.\\C:\\secret", ACCESS_DENIED),
    ("\\\\?\\C:\\secret", ACCESS_DENIED),
    ("\\\\?\\UNC\\server\\share\\secret", ACCESS_DENIED),
    ("\\??\\C:\\secret", ACCESS_DENIED),
    ("\\Device\\HarddiskVolume1\\secret", ACCESS_DENIED),
    ("C:\\secret", ACCESS_DENIED),
    ("c:/secret", ACCESS_DENIED),
    ("C:secret", ACCESS_DENIED),
    ("Z:", ACCESS_DENIED),
    ("/proc/self/root/etc/passwd", ACCESS_DENIED),
    ("CON", INVALID_NAME),
    ("nul.txt", INVALID_NAME),
    ("NUL .txt", INVALID_NAME),
    ("folder/AUX", INVALID_NAME),
    ("com1.log", INVALID_NAME),
    ("LPT\u{b3}.txt", INVALID_NAME),
    ("CONOUT$", INVALID_NAME),
    ("plain\0", INVALID_NAME),
    ("plain\0/../../outside/secret", INVALID_NAME),
    ("plain.", INVALID_NAME),
    ("plain ", INVALID_NAME),
    (".", INVALID_NAME),
    ("./plain", INVALID_NAME),
    ("folder//plain", INVALID_NAME),
    ("folder/", INVALID_NAME),
    ("plain:stream", INVALID_NAME),
    ("plain::$DATA", INVALID_NAME),
    ("pl*", INVALID_NAME),
    ("pl|in", INVALID_NAME),
    ("plain\n", INVALID_NAME),
];

#[test]
fn no_hostile_name_reaches_a_file() {
    let server = Server::with_handles();
    let outside = Outside::beside(&server.files_root());
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let long = ["x".repeat(256), format!("folder/{}", "x".repeat(256)), "x/".repeat(4000)];
        let long = long.iter().map(|name| (&**name, FILENAME_EXCED_RANGE));
        for (name, code) in HOSTILE.into_iter().chain(long) {
            for creation_disposition in DISPOSITIONS {
                let open = v1::CreateFile { creation_disposition, ..file(name) };
                let answer = upper.try_open(open).await;
                assert_eq!(answer, code, "{name:?} with {creation_disposition}: {answer:#x}");
            }
        }
    });
    outside.assert_untouched();
    assert_eq!(std::fs::read_dir(server.files_root()).expect("the root").count(), 1, "nothing was made inside");
    assert_eq!(std::fs::read_dir(server.files_root().join("folder")).expect("the folder").count(), 0);
}

#[test]
fn no_link_leads_out_of_the_root() {
    let server = Server::with_handles();
    let (root, outside) = (server.files_root(), Outside::beside(&server.files_root()));
    symlink(outside.folder.join("secret"), root.join("absolute")).expect("a link");
    symlink("../outside/secret", root.join("relative")).expect("a link");
    symlink(&outside.folder, root.join("away")).expect("a link");
    symlink("../../outside", root.join("folder/up")).expect("a link");
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for name in ["absolute", "relative", "away/secret", "folder/up/secret", "folder\\up\\new"] {
            for creation_disposition in DISPOSITIONS {
                let open = v1::CreateFile { creation_disposition, ..file(name) };
                assert_ne!(upper.try_open(open).await, OK, "{name} with {creation_disposition}");
            }
        }
    });
    outside.assert_untouched();
}

/// Rounds of the race between opens and a link.
const SWAPS: usize = 300;

/// Somebody with a shell in the root swaps a folder for a link to the outside and back, as fast as he can, while files
/// are opened through it.
#[test]
fn a_link_swapped_in_under_an_open_leads_nowhere() {
    let server = Server::with_handles();
    let (root, outside) = (server.files_root(), Outside::beside(&server.files_root()));
    std::fs::create_dir(root.join("real")).expect("a folder");
    std::fs::write(root.join("real/secret"), b"inside").expect("a file");
    symlink(&outside.folder, root.join("link")).expect("a link");
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let (opened, refused) = std::thread::scope(|scope| {
        let _stops_whatever_happens = stop.drop_guard();
        scope.spawn(move || swap(&root, &stopped));
        server.run(open_under_the_swaps(&server))
    });
    assert!(opened > 0 && refused > 0, "the race was none: {opened} opened, {refused} refused");
    outside.assert_untouched();
}

/// `way` is the folder, nothing, the link, nothing, and so on.
fn swap(root: &Path, stopped: &CancellationToken) {
    let way = root.join("way");
    while !stopped.is_cancelled() {
        for other in ["real", "link"].map(|name| root.join(name)) {
            std::fs::rename(&other, &way).expect("the way is free");
            std::fs::rename(&way, &other).expect("it is its own");
        }
    }
}

/// Opens by turns to read, to make and to cut; gives how many were opened and how many refused.
async fn open_under_the_swaps(server: &Server) -> (u32, u32) {
    let upper = Upper::with_handles(server).await;
    let mut events = upper.events_after(0).await;
    let (mut opened, mut refused) = (0, 0);
    for creation_disposition in DISPOSITIONS.into_iter().cycle().take(SWAPS) {
        let message = opening(v1::CreateFile { creation_disposition, ..file("way/secret") });
        let handle = message.handle_id.clone();
        if granted(upper.open_handle(message).await).hresult != OK {
            refused += 1;
            continue;
        }
        opened += 1;
        let target = upper.target_on(&handle).await;
        let (_, _, data) = upper.ended(&mut events, read(&target, 64)).await;
        assert_ne!(data, SECRET);
        upper.delete_target(&target).await;
        upper.close_handle(&handle).await;
    }
    (opened, refused)
}

#[test]
fn no_hostile_name_reaches_a_socket() {
    let server = Server::with_handles();
    let _outside = super::peer::listener(
        server.pipe_directory().parent().expect("it is in a folder"),
        "outside",
        rustix::net::SocketType::SEQPACKET,
    );
    let names = [
        "..",
        ".",
        "",
        ".hidden",
        "../outside",
        "..\\outside",
        "a/b",
        "a\\b",
        "/outside",
        "a b",
        "a\0b",
        "a:b",
        "a*",
        "\u{e9}",
        "a\n",
        "name/",
        "./name",
        "~",
        "$HOME",
        "%2e%2e",
    ];
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for name in names {
            for object in [pipe(name).object(), client_end(name).object()] {
                let answer = upper.try_open(object).await;
                assert_eq!(answer, INVALID_NAME, "{name:?}: {answer:#x}");
            }
            for peer in [Peer::UnixStream(name.to_owned()), Peer::UnixDatagram(name.to_owned())] {
                assert_eq!(upper.try_open(socket(peer)).await, INVALID_NAME, "{name:?}");
            }
        }
        for prefix in ["", r"\\.\PIPE", r"\\server\pipe\name", r"\\?\pipe\name", "//./pipe/name"] {
            let named = v1::CreateNamedPipe { name: prefix.to_owned(), ..pipe("x") };
            assert_eq!(upper.try_open(named).await, INVALID_NAME, "{prefix}");
        }
        let long = "x".repeat(108);
        assert_eq!(upper.try_open(pipe(&long)).await, FILENAME_EXCED_RANGE);
        assert_eq!(upper.try_open(client_end(&long)).await, FILENAME_EXCED_RANGE);
    });
    assert_eq!(std::fs::read_dir(server.pipe_directory()).expect("the directory").count(), 0);
}
