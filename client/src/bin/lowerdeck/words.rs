//! The contract's enums and trace entries in short words. Trace words are those of the conformance scenarios.

use lowerdeck_client::{HResult, v1};

/// Ticks of 100 ns as seconds with microseconds.
pub(crate) fn ticks(ticks: i64) -> String {
    let micros = ticks / 10;
    format!("{}.{:06}", micros / 1_000_000, (micros % 1_000_000).abs())
}

/// An enum's name without its prefix, in lower case with dashes.
pub(crate) fn short(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    name.to_lowercase().replace('_', "-")
}

/// What is asked for.
pub(crate) fn io_kind(kind: v1::IoKind) -> String {
    match kind {
        v1::IoKind::Unspecified => String::new(),
        v1::IoKind::DeviceControl => "ioctl".to_owned(),
        v1::IoKind::FlushBuffers => "flush".to_owned(),
        other => short(other.as_str_name(), "IO_KIND_"),
    }
}

/// The layer of an entry as the scenarios write it.
pub(crate) fn layer(entry: &v1::TraceEntry) -> String {
    if entry.layer_name.is_empty() { format!("L{}", entry.layer) } else { entry.layer_name.clone() }
}

/// What happened, in the vocabulary of the scenarios, without the layer: `Done L0:3 S_OK 16`.
pub(crate) fn entry(entry: &v1::TraceEntry) -> String {
    use v1::TraceKind as Kind;
    let mut words = vec![match entry.kind() {
        Kind::Unspecified => "?".to_owned(),
        Kind::Create => "Create".to_owned(),
        Kind::CreateDone => "CreateDone".to_owned(),
        Kind::CleanupEnter => "Cleanup+".to_owned(),
        Kind::CleanupLeave => "Cleanup-".to_owned(),
        Kind::CloseEnter => "Close+".to_owned(),
        Kind::CloseLeave => "Close-".to_owned(),
        Kind::Io => format!("Io {}", io_kind(entry.io_kind())),
        Kind::OnIoCanceledOnQueue => "OnIoCanceledOnQueue".to_owned(),
        Kind::OnIoStop => "OnIoStop".to_owned(),
        Kind::OnIoResume => "OnIoResume".to_owned(),
        Kind::OnCancel => "OnCancel".to_owned(),
        Kind::Done => "Done".to_owned(),
        Kind::OnCompletion => "OnCompletion".to_owned(),
        Kind::FileGone => "FileGone".to_owned(),
        Kind::PnpEnter => format!("{}+", callback(entry.callback())),
        Kind::PnpLeave => format!("{}-", callback(entry.callback())),
        Kind::Finding => "Finding".to_owned(),
        Kind::DriverStop => "DriverStop".to_owned(),
        Kind::Send => "Send".to_owned(),
        Kind::CreateByFramework => "Create (by the framework)".to_owned(),
        Kind::CancelCreatorsRequests => "cancel the creator's requests".to_owned(),
        Kind::ContextCleanup => "context OnCleanup".to_owned(),
        Kind::Timeout => "Timeout".to_owned(),
        Kind::UpperLost => "upper driver lost".to_owned(),
        Kind::UpperLeft => "CloseSession".to_owned(),
        Kind::Call | Kind::Return => String::new(),
    }];
    if matches!(entry.kind(), Kind::Call | Kind::Return) || !entry.text.is_empty() {
        words.push(entry.text.clone());
    }
    if entry.kind() == Kind::Return {
        words.insert(0, "returned:".to_owned());
    }
    words.push(entry.request_label.clone());
    if let Some(hresult) = entry.hresult {
        words.push(HResult(hresult).to_string());
    }
    if let Some(information) = entry.information
        && information > 0
    {
        words.push(information.to_string());
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Whether the entry is about a function of the host, which the framework called for a request to a handle (FHT-10). A
/// method's entry that a request has is a Send or its cancellation.
pub(crate) fn is_of_host(entry: &v1::TraceEntry) -> bool {
    matches!(entry.kind(), v1::TraceKind::Call | v1::TraceKind::Return) && entry.io_kind() != v1::IoKind::Unspecified
}

/// What the host did: `ReadFile L0:3`, `Done L0:3 S_OK 16`.
pub(crate) fn of_host(entry: &v1::TraceEntry) -> String {
    match entry.kind() {
        v1::TraceKind::Return => self::entry(entry).replacen(&format!("returned: {}", entry.text), "Done", 1),
        _ => self::entry(entry),
    }
}

/// A callback's UMDF name: `OnPrepareHardware`.
pub(crate) fn callback(callback: v1::PnpCallback) -> String {
    let name = callback.as_str_name();
    let name = name.strip_prefix("PNP_CALLBACK_").unwrap_or(name);
    let capitalised = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_owned() + &rest.to_lowercase()
    });
    capitalised.collect()
}

/// Whether the entry's status is of the cancelled class.
pub(crate) fn is_cancelled(entry: &v1::TraceEntry) -> bool {
    entry.hresult.is_some_and(|hresult| HResult(hresult).is_cancelled())
}
