//! What goes into a message, what a message settles, and what a break leaves.

use proptest::prelude::*;

use super::*;

const WIDE: Bounds = Bounds { submissions: usize::MAX, bytes: usize::MAX };

fn send_on(file: &str, request_id: u64) -> Call {
    let format = Some(v1::Format { file_id: file.to_owned(), ..v1::Format::default() });
    Call::FormatAndSend(v1::FormatAndSendRequest { request_id, format, ..Default::default() })
}

fn close(file: &str) -> Call {
    Call::Close(v1::CloseRequest { file_id: file.to_owned() })
}

fn reuse(request_id: u64) -> Call {
    Call::ReuseRequest(v1::ReuseRequestRequest { request_id, ..Default::default() })
}

/// Waiting submissions, each with its place as who hears of it.
fn waiting(calls: impl IntoIterator<Item = Call>) -> Submissions<usize> {
    let mut submissions = Submissions::new();
    for (place, call) in calls.into_iter().enumerate() {
        let repeat = if matches!(call, Call::FormatAndSend(_)) { Repeat::Safe } else { Repeat::Never };
        submissions.push(Submission::new(call, repeat, place));
    }
    submissions
}

/// The same, written in one message.
fn written(calls: impl IntoIterator<Item = Call>) -> Submissions<usize> {
    let mut submissions = waiting(calls);
    submissions.gather(WIDE);
    submissions
}

fn calls(batch: Vec<v1::Submission>) -> Vec<Call> {
    batch.into_iter().filter_map(|submission| submission.call).collect()
}

fn sizes(submissions: &mut Submissions<usize>, bounds: Bounds) -> Vec<usize> {
    let mut sizes = Vec::new();
    while submissions.is_waiting() {
        sizes.push(submissions.gather(bounds).1.len());
    }
    sizes
}

fn result(submission: u64, answer: Answer) -> v1::SubmissionResult {
    v1::SubmissionResult { submission, result: Some(answer) }
}

fn closed() -> Answer {
    Answer::Closed(v1::CloseResponse {})
}

#[test]
fn a_message_takes_what_waits_in_order_and_names_the_file_once() {
    let mut submissions = waiting([send_on("f", 1), reuse(2), send_on("f", 3), close("f")]);
    let (file, batch) = submissions.gather(WIDE);
    assert_eq!(file, "f");
    assert_eq!(calls(batch), [send_on("", 1), reuse(2), send_on("", 3), close("")]);
    assert!(!submissions.is_waiting());
}

#[test]
fn another_file_than_that_of_the_message_is_named_by_its_submission() {
    let mut submissions = waiting([send_on("f", 1), send_on("g", 2), send_on("f", 3)]);
    let (file, batch) = submissions.gather(WIDE);
    assert_eq!(file, "f");
    assert_eq!(calls(batch), [send_on("", 1), send_on("g", 2), send_on("", 3)]);
}

#[test]
fn a_null_file_never_falls_under_the_file_of_a_message() {
    let mut submissions = waiting([send_on("f", 1), send_on("", 2), send_on("f", 3)]);
    assert_eq!(submissions.gather(WIDE).0, "f");
    let (file, batch) = submissions.gather(WIDE);
    assert_eq!(file, "");
    assert_eq!(calls(batch), [send_on("", 2), send_on("f", 3)]);
}

/// A format that names a target never falls under the file of a message, whether its own file is NULL or that file.
#[test]
fn a_format_for_a_target_says_itself_what_its_file_is() {
    let on_target = |file: &str, request_id| {
        let format = v1::Format { file_id: file.to_owned(), target_id: "t".to_owned(), io: None };
        Call::FormatAndSend(v1::FormatAndSendRequest { request_id, format: Some(format), ..Default::default() })
    };
    let mut submissions = waiting([on_target("", 1), send_on("f", 2), on_target("", 3), on_target("f", 4)]);
    let (file, batch) = submissions.gather(WIDE);
    assert_eq!(file, "f");
    assert_eq!(calls(batch), [on_target("", 1), send_on("", 2), on_target("", 3), on_target("f", 4)]);
}

#[test]
fn a_message_keeps_to_the_bound_of_submissions() {
    let mut submissions = waiting((1..=7).map(|id| send_on("f", id)));
    assert_eq!(sizes(&mut submissions, Bounds { submissions: 3, ..WIDE }), [3, 3, 1]);
}

#[test]
fn a_message_keeps_to_the_bound_of_bytes_and_takes_one_that_is_larger_alone() {
    let bytes = Submission::new(send_on("f", 1), Repeat::Safe, 0).bytes();
    let large = send_on(&"f".repeat(3 * bytes), 3);
    let mut submissions = waiting([send_on("f", 1), send_on("f", 2), large, send_on("f", 4)]);
    assert_eq!(sizes(&mut submissions, Bounds { bytes: 2 * bytes, ..WIDE }), [2, 1, 1]);
}

#[test]
fn the_head_settles_what_it_passes() {
    let mut submissions = written([send_on("f", 1), send_on("f", 2), reuse(3), send_on("f", 4)]);
    let refused = Answer::Refused(v1::SubmissionRefused::default());
    let reused = Answer::Reused(v1::ReuseRequestResponse {});
    let settled = submissions.settle(3, vec![result(3, reused.clone()), result(2, refused.clone())]);
    let expected = vec![(0, Outcome::Accepted), (1, Outcome::Answered(refused)), (2, Outcome::Answered(reused))];
    assert_eq!(settled, Ok(expected));
    assert_eq!(submissions.settle(4, Vec::new()), Ok(vec![(3, Outcome::Accepted)]));
}

#[test]
fn a_close_is_settled_when_it_returns_and_nobody_waits_behind_it() {
    let mut submissions = written([close("f"), send_on("g", 1)]);
    assert_eq!(submissions.settle(2, Vec::new()), Ok(vec![(1, Outcome::Accepted)]));
    assert_eq!(submissions.settle(2, vec![result(1, closed())]), Ok(vec![(0, Outcome::Answered(closed()))]));
}

#[test]
fn a_head_that_goes_back_or_too_far_breaks_the_contract() {
    let mut submissions = written([send_on("f", 1), send_on("f", 2)]);
    assert!(submissions.settle(3, Vec::new()).is_err());
    submissions.settle(2, Vec::new()).expect("both were written");
    assert!(submissions.settle(1, Vec::new()).is_err());
}

#[test]
fn a_result_too_many_breaks_the_contract() {
    let closed_twice = vec![result(1, closed()), result(1, closed())];
    assert!(written([close("f")]).settle(1, closed_twice).is_err());
    assert!(written([close("f")]).settle(0, vec![result(1, closed())]).is_err(), "not taken yet");
    let mut submissions = written([send_on("f", 1)]);
    submissions.settle(1, Vec::new()).expect("it was written");
    assert!(submissions.settle(1, vec![result(1, closed())]).is_err(), "it was accepted");
}

#[test]
fn a_break_leaves_what_may_be_repeated_before_what_is_younger() {
    let mut submissions = written([close("f"), send_on("g", 1), reuse(2), send_on("g", 3), close("g")]);
    submissions.settle(2, Vec::new()).expect("they were written");
    submissions.push(Submission::new(reuse(4), Repeat::Never, 5));
    let interrupted = || Outcome::Interrupted("cut".to_owned());
    let settled = submissions.interrupt("cut");
    assert_eq!(settled, [(0, interrupted()), (2, interrupted()), (4, interrupted())]);
    let (_, batch) = submissions.gather(WIDE);
    assert_eq!(calls(batch), [send_on("", 3), reuse(4)]);
    // The numbers begin anew.
    let reused = result(2, Answer::Reused(v1::ReuseRequestResponse {}));
    assert_eq!(submissions.settle(2, vec![reused]).map(|settled| settled.len()), Ok(2));
}

#[test]
fn an_end_in_order_gives_back_as_it_was_what_the_server_has_not_taken() {
    let mut submissions = written([send_on("f", 1), close("f")]);
    submissions.settle(1, Vec::new()).expect("it was written");
    submissions.push(Submission::new(close("g"), Repeat::Never, 2));
    let settled = submissions.finish(true);
    assert_eq!(settled, [(1, Outcome::NotTaken(close("f"))), (2, Outcome::NotTaken(close("g")))]);
}

#[test]
fn an_end_without_order_leaves_open_what_was_written_and_may_not_be_repeated() {
    let mut submissions = written([send_on("f", 1), close("f")]);
    submissions.push(Submission::new(close("g"), Repeat::Never, 2));
    let mut settled = submissions.finish(false);
    settled.sort_by_key(|(place, _)| *place);
    let [sent, closed, waited] = &settled[..] else { panic!("{settled:?}") };
    assert_eq!(sent, &(0, Outcome::NotTaken(send_on("f", 1))));
    assert!(matches!(closed, (1, Outcome::Interrupted(_))));
    assert_eq!(waited, &(2, Outcome::NotTaken(close("g"))));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Push(bool),
    Gather(usize),
    Settle(usize),
    Interrupt,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Push),
        2 => (1..4_usize).prop_map(Step::Gather),
        2 => (0..4_usize).prop_map(Step::Settle),
        1 => Just(Step::Interrupt),
    ]
}

proptest! {
    /// Whatever happens in whatever order, each submission has one outcome, and what the server sees of those that may
    /// not be repeated it sees once.
    #[test]
    fn each_submission_has_one_outcome(steps in prop::collection::vec(step(), 0..60)) {
        let mut submissions = Submissions::new();
        let (mut pushed, mut settled, mut seen) = (0_u64, Vec::new(), Vec::new());
        let (mut head, mut last) = (0, 0);
        for step in steps {
            match step {
                Step::Push(is_send) => {
                    pushed += 1;
                    let (call, repeat) =
                        if is_send { (send_on("f", pushed), Repeat::Safe) } else { (reuse(pushed), Repeat::Never) };
                    submissions.push(Submission::new(call, repeat, pushed));
                }
                Step::Gather(most) => {
                    let (_, batch) = submissions.gather(Bounds { submissions: most, ..WIDE });
                    last += batch.len() as u64;
                    seen.extend(calls(batch));
                }
                Step::Settle(count) => {
                    head = last.min(head + count as u64);
                    settled.extend(submissions.settle(head, Vec::new()).expect("it keeps the contract"));
                }
                Step::Interrupt => {
                    settled.extend(submissions.interrupt("cut"));
                    (head, last) = (0, 0);
                }
            }
        }
        settled.extend(submissions.finish(false));
        let mut told: Vec<_> = settled.into_iter().map(|(place, _)| place).collect();
        told.sort_unstable();
        prop_assert_eq!(told, (1..=pushed).collect::<Vec<_>>());
        let once = |call: &&Call| matches!(call, Call::ReuseRequest(_));
        let mut unrepeated: Vec<_> = seen.iter().filter(once).map(|call| format!("{call:?}")).collect();
        let total = unrepeated.len();
        unrepeated.sort_unstable();
        unrepeated.dedup();
        prop_assert_eq!(unrepeated.len(), total);
    }
}
