//! What the server does with the wire's bytes, to be counted in instructions: requests decoded and dropped, responses
//! encoded. `cargo xtask bench --instructions` runs this program under callgrind, with the allocator of the system.
//!
//! `rows` prints each row's id and how many operations it stands for; `run` with such an id and a number N does N times as
//! many. Everything else a run does is the same for every N, so that the difference of two runs is the operations alone.
//! HTTP/2, frames and the reading and writing of sockets are not in it.

mod messages;

use std::hint::black_box;
use std::mem::ManuallyDrop;

use prost::Message;
use prost::bytes::BytesMut;

/// The largest N.
const TIMES_MAX: usize = 2;
/// Operations of a row of small messages, and of one of 64 pages.
const OPERATIONS: usize = 200;
const OPERATIONS_OF_PAGES: usize = 20;
/// Items of a full batch.
const BATCH: u64 = 64;
/// Bytes of a small payload, and of a page.
const SMALL: usize = 64;
const PAGE: usize = 4096;

/// What an operation is.
type Work = fn(times: usize, times_max: usize);

/// One row: its id, the operations of a run with N = 1, and an operation.
type Row = (&'static str, usize, Work);

const ROWS: [Row; 15] = [
    ("decode-64-ioctls", OPERATIONS, |n, max| {
        decode(&messages::submissions(BATCH, &messages::device_control(SMALL)), n, max)
    }),
    ("decode-1-ioctl", OPERATIONS, |n, max| {
        decode(&messages::submissions(1, &messages::device_control(SMALL)), n, max)
    }),
    ("decode-64-pages", OPERATIONS_OF_PAGES, |n, max| {
        decode(&messages::submissions(BATCH, &messages::write(PAGE)), n, max)
    }),
    ("decode-1-page", OPERATIONS, |n, max| decode(&messages::submissions(1, &messages::write(PAGE)), n, max)),
    ("encode-64-completions", OPERATIONS, |n, _| encode(&messages::completions(BATCH, 0), n)),
    ("encode-1-completion", OPERATIONS, |n, _| encode(&messages::completions(1, 0), n)),
    ("encode-64-pages", OPERATIONS_OF_PAGES, |n, _| encode(&messages::completions(BATCH, PAGE), n)),
    ("encode-1-page", OPERATIONS, |n, _| encode(&messages::completions(1, PAGE), n)),
    ("decode-format-and-send", OPERATIONS, |n, max| decode(&messages::format_and_send(), n, max)),
    ("encode-format-and-send", OPERATIONS, |n, _| encode(&messages::sent(), n)),
    ("decode-create-wdf-file", OPERATIONS, |n, max| decode(&messages::create_wdf_file(), n, max)),
    ("encode-create-wdf-file", OPERATIONS, |n, _| encode(&messages::created(), n)),
    ("decode-close", OPERATIONS, |n, max| decode(&messages::close(), n, max)),
    ("decode-cancel", OPERATIONS, |n, max| decode(&messages::cancel(), n, max)),
    ("encode-cancel", OPERATIONS, |n, _| encode(&messages::cancelled(), n)),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["run", id, times] = arguments[..] {
        let row = ROWS.iter().find(|(known, ..)| *known == id);
        let (_, operations, work) = row.expect("an id that `rows` prints");
        let times = times.parse::<usize>().expect("N is a number");
        assert!(times <= TIMES_MAX, "N is at most {TIMES_MAX}");
        work(operations * times, operations * TIMES_MAX);
    } else if arguments == ["rows"] {
        ROWS.iter().for_each(|(id, operations, _)| println!("{id} {operations}"));
    } else {
        // `cargo bench` and `cargo test --all-targets` start every bench, with arguments of their own.
        eprintln!("nothing to run here: `cargo xtask bench --instructions` measures with this program");
    }
}

/// Decodes the same bytes, and drops the message with them. Each time from a buffer of its own, as the transport hands
/// them over; all are there before the first is taken, and those that are left stay until the process ends.
fn decode<M: Message + Default + PartialEq>(message: &M, times: usize, times_max: usize) {
    let encoded = message.encode_to_vec();
    assert!(M::decode(&encoded[..]).is_ok_and(|decoded| decoded == *message), "the message survives the wire");
    let mut frames: ManuallyDrop<Vec<BytesMut>> =
        ManuallyDrop::new((0..times_max).map(|_| BytesMut::from(&encoded[..])).collect());
    for frame in frames.iter_mut().take(times) {
        let mut frame = std::mem::take(frame);
        black_box(M::decode(&mut frame).expect("the bytes were decoded before"));
    }
}

/// Encodes into a buffer that is large enough and used again.
fn encode(message: &impl Message, times: usize) {
    let mut buffer = BytesMut::with_capacity(message.encoded_len());
    for _ in 0..times {
        buffer.clear();
        black_box(message).encode(&mut buffer).expect("a buffer grows as it must");
        black_box(&buffer);
    }
}
