//! A wire between client and server that can be cut.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Passes connections on, until they are cut; the next ones are passed on again.
pub struct Relay {
    pub endpoint: String,
    connections: Arc<Mutex<CancellationToken>>,
}

impl Relay {
    /// To the server at `endpoint`.
    pub async fn start(endpoint: &str) -> Relay {
        let server = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(Mutex::new(CancellationToken::new()));
        let present = Arc::clone(&connections);
        #[allow(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = present.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(pass_on(client, server.clone(), cut));
            }
        });
        Relay { endpoint: format!("http://{address}"), connections }
    }

    /// Cuts every connection there is.
    pub fn cut(&self) {
        let mut present = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *present).cancel();
    }
}

async fn pass_on(mut client: TcpStream, server: String, cut: CancellationToken) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        () = cut.cancelled() => {}
    }
}
