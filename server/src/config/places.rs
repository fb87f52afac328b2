//! Where handles may lead: the settings `files_root`, `pipe_directory` and `sockets`.

use std::path::PathBuf;

use lowerdeck_handles::socket::SocketPolicy;

use crate::host::handle_host::HandlePlaces;

/// Where sockets may lead, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sockets {
    /// Nowhere.
    Refused,
    /// To addresses of the loopback.
    Loopback,
    /// Anywhere.
    Any,
}

impl From<Sockets> for SocketPolicy {
    fn from(sockets: Sockets) -> SocketPolicy {
        match sockets {
            Sockets::Refused => SocketPolicy::Refused,
            Sockets::Loopback => SocketPolicy::Loopback,
            Sockets::Any => SocketPolicy::Any,
        }
    }
}

/// What overrules what `places` has; None leaves it as it is.
pub(super) fn apply(
    places: &mut HandlePlaces,
    files_root: Option<PathBuf>,
    pipe_directory: Option<PathBuf>,
    sockets: Option<Sockets>,
) {
    places.files_root = files_root.or(places.files_root.take());
    places.pipe_directory = pipe_directory.or(places.pipe_directory.take());
    places.sockets = sockets.map_or(places.sockets, SocketPolicy::from);
}

/// The settings with their values as TOML; None for one that is not set.
pub(super) fn written(places: &HandlePlaces) -> [(&'static str, Option<String>); 3] {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| format!("{:?}", path.display().to_string()));
    let sockets = match places.sockets {
        SocketPolicy::Refused => "\"refused\"",
        SocketPolicy::Loopback => "\"loopback\"",
        SocketPolicy::Any => "\"any\"",
    };
    [
        ("files_root", path(&places.files_root)),
        ("pipe_directory", path(&places.pipe_directory)),
        ("sockets", Some(sockets.to_owned())),
    ]
}
