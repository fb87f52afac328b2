//! The floor against a server: a load generator hears the same from both.

use lowerdeck_client::load::{LoadIo, LoadPath, LoadQueue, NamedLoad, Submitter};
use prost::Message;

use crate::server::Server;

/// Encoded bytes of all that one batch is answered with.
async fn answered(server: &Server, stack: &str, io: LoadIo, batch: usize) -> usize {
    let session = server.session(stack).await;
    let mut submitter = Submitter::new(&session, io);
    let mut queue = LoadQueue::open(&session, submitter.batch(batch, 0)).await.expect("it opens");
    let (mut entries, mut bytes) = (0, 0);
    while entries < batch {
        let response = queue.next().await.expect("an answer");
        entries += response.entries.len();
        bytes += response.encoded_len();
    }
    bytes
}

#[tokio::test]
async fn a_batch_is_answered_with_as_many_bytes_by_both() {
    let (floor, lowerdeck) = (Server::floor(), Server::lowerdeck());
    for named in NamedLoad::ALL {
        let LoadPath::QueuePair { batch } = named.load.path else { continue };
        let mine = answered(&lowerdeck, named.stack, named.load.io, batch).await as f64;
        let theirs = answered(&floor, named.stack, named.load.io, batch).await as f64;
        // The numbers of requests and events are a byte longer here or there.
        assert!((mine / theirs - 1.0).abs() < 0.05, "{}: {mine} and {theirs} bytes", named.name);
    }
}

#[tokio::test]
async fn a_synchronous_call_is_answered_with_as_many_bytes_by_both() {
    let (floor, lowerdeck) = (Server::floor(), Server::lowerdeck());
    let io = LoadIo::DeviceControl { input: 64 };
    let mine = lowerdeck.session("null").await.call(io).await.expect("an answer");
    let theirs = floor.session("null").await.call(io).await.expect("an answer");
    let (mine, theirs) = (mine.encoded_len() as f64, theirs.encoded_len() as f64);
    assert!((mine / theirs - 1.0).abs() < 0.05, "{mine} and {theirs} bytes");
}
