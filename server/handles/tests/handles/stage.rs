//! What every test stands on: a runtime directory, a table of handles, and peers.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::disk::{DiskLimits, FileRoot};
use lowerdeck_handles::handle::{
    Access, CreateFile, CreateNamedPipe, Direction, Disposition, Flags, Framing, HANDLES_MAX, HandleNumber, Handles,
    OpenRequest, PipeMode, Places, ShareMode,
};
use lowerdeck_handles::operation::{Operation, Outcome};
use lowerdeck_handles::pipe::{PipeDirectory, PipeModes};
use lowerdeck_handles::socket::SocketPolicy;
use lowerdeck_handles::win32::Win32Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes: a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(30);

pub const SHORT_NAME: &str = "modem";
pub const NAME: &str = r"\\.\pipe\modem";

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub files: FileRoot,
    pub pipes: Arc<PipeDirectory>,
    pub handles: Handles,
}

impl Stage {
    pub fn new() -> Stage {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let pipes = PipeDirectory::open(&folder.path().join("run"), PipeModes::default()).expect("a runtime directory");
        let pipes = Arc::new(pipes);
        let files = folder.path().join("files");
        std::fs::create_dir(&files).expect("a root for files");
        let files = FileRoot::open(&files, DiskLimits::default()).expect("the root opens");
        let places =
            Places { files: Some(files.clone()), pipes: Some(Arc::clone(&pipes)), sockets: SocketPolicy::Loopback };
        Stage { folder, files, pipes, handles: Handles::new(places, HANDLES_MAX) }
    }

    pub async fn server(&self) -> HandleNumber {
        self.create(&named_pipe(Framing::Message)).await.expect("an instance")
    }

    pub async fn create(&self, request: &CreateNamedPipe) -> Result<HandleNumber, Win32Error> {
        self.handles.open(&OpenRequest::Pipe(request.clone())).await
    }

    pub async fn client(&self) -> Result<HandleNumber, Win32Error> {
        self.handles.open(&OpenRequest::File(client_end())).await
    }

    /// Both ends of a message pipe in this process.
    pub async fn pair(&self) -> (HandleNumber, HandleNumber) {
        let server = self.server().await;
        let client = self.client().await.expect("an instance that listens");
        assert_eq!(self.connect(server).await, Win32Error::PIPE_CONNECTED.hresult());
        (server, client)
    }

    /// A message pipe whose client is another process.
    pub async fn with_peer(&self) -> (HandleNumber, Peer) {
        let server = self.server().await;
        let peer = Peer::start(self, "connect", Framing::Message).await;
        assert_eq!(self.connect(server).await, Win32Error::PIPE_CONNECTED.hresult());
        (server, peer)
    }

    pub async fn connect(&self, handle: HandleNumber) -> HResult {
        within(self.handles.connect_pipe(handle, CancellationToken::new())).await
    }

    pub fn begin_read(
        &self,
        handle: HandleNumber,
        length: u32,
        cancelled: &CancellationToken,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        Box::pin(self.handles.perform(handle, Operation::Read { length, offset: 0 }, cancelled.clone()))
    }

    pub fn begin_write(
        &self,
        handle: HandleNumber,
        data: impl Into<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let write = Operation::Write { data: data.into(), offset: 0 };
        Box::pin(self.handles.perform(handle, write, CancellationToken::new()))
    }

    pub async fn read(&self, handle: HandleNumber, length: u32) -> Outcome {
        within(self.begin_read(handle, length, &CancellationToken::new())).await
    }

    pub async fn write(&self, handle: HandleNumber, data: impl Into<Bytes>) -> Outcome {
        within(self.begin_write(handle, data)).await
    }

    pub async fn control(&self, handle: HandleNumber, code: u32, output_length: u32) -> Outcome {
        let control = Operation::Control { code, input: Bytes::new(), output_length };
        within(self.handles.perform(handle, control, CancellationToken::new())).await
    }

    /// Names of the files in the runtime directory.
    pub fn socket_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.pipes.path()).expect("the runtime directory");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

/// The example of the reference page: duplex, overlapped, message type, two instances, a default timeout of a second.
pub fn named_pipe(framing: Framing) -> CreateNamedPipe {
    CreateNamedPipe {
        name: NAME.to_owned(),
        direction: Direction::Duplex,
        flags: Flags(Flags::OVERLAPPED),
        mode: PipeMode { pipe_type: framing, read_mode: framing },
        instances_max: 2,
        out_buffer_bytes: 4096,
        in_buffer_bytes: 4096,
        default_timeout_ms: 1000,
    }
}

pub fn client_end() -> CreateFile {
    CreateFile {
        name: NAME.to_owned(),
        access: Access(Access::GENERIC_READ | Access::GENERIC_WRITE),
        share: ShareMode::default(),
        disposition: Disposition::OpenExisting,
        flags: Flags(Flags::OVERLAPPED),
        read_mode: Framing::Message,
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("everything here ends")
}

/// Polls once: whether the operation is still under way, which by then has taken its place in the line.
pub async fn pends<T>(operation: &mut (impl Future<Output = T> + Unpin)) -> bool {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *operation).poll(context).is_pending())).await
}

/// Another process at the other end.
pub struct Peer {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub async fn start(stage: &Stage, role: &str, framing: Framing) -> Peer {
        let kind = if framing == Framing::Message { "message" } else { "byte" };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/handles/peer.py");
        let mut child = Command::new("python3")
            .args([script, role, kind])
            .arg(stage.pipes.path().join(SHORT_NAME))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a Python interpreter");
        let commands = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut peer = Peer { child, commands, answers };
        let expected = if role == "serve" { "listening" } else { "connected" };
        assert_eq!(peer.answer().await, expected);
        peer
    }

    pub async fn say(&mut self, command: &str) -> String {
        self.begin(command).await;
        self.answer().await
    }

    pub async fn begin(&mut self, command: &str) {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.expect("the peer listens");
    }

    pub async fn answer(&mut self) -> String {
        within(self.answers.next_line()).await.expect("text").expect("the peer lives")
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}
