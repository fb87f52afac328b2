//! The contract as data: every call of `lowerdeck.v1` from its descriptor set, messages filled by field name, and a
//! caller that makes any call with any bytes.
//!
//! Laws: an id field that this module cannot fill is a panic, so a new call cannot be forgotten; a call that takes
//! batches has a [`Form`] for each kind of submission, found in the descriptor set as well.

use bytes::{Buf, BufMut, Bytes};
use lowerdeck_proto::v1::submission_result::Result as Outcome;
use lowerdeck_proto::{FILE_DESCRIPTOR_SET, SESSION_METADATA_KEY, v1};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, Value,
};
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use uuid::Uuid;

use crate::refusal;

/// Deeper messages than this would be recursive.
const DEPTH_MAX: usize = 8;

/// Values for the id fields, by the name of the field.
#[derive(Debug, Clone)]
pub struct Ids {
    /// For `file_id`.
    pub file: String,
    /// For `request_id`.
    pub request: u64,
    /// For `target_id`. Empty: the default one, or a new one where the client chooses.
    pub target: String,
    /// For `handle_id`. Empty: a new one where the client chooses.
    pub handle: String,
    /// For `callback_id`.
    pub callback: u64,
}

impl Ids {
    /// The value of an id field.
    ///
    /// # Panics
    /// For a field that this test does not know: teach it to, or rename the field if it is no id of a session's.
    fn value(&self, field: &FieldDescriptor) -> Value {
        match field.name() {
            "file_id" => Value::String(self.file.clone()),
            "request_id" => Value::U64(self.request),
            "target_id" | "handle_id" => {
                let given = if field.name() == "target_id" { &self.target } else { &self.handle };
                let new = || Uuid::new_v4().to_string();
                let chooses = given.is_empty() && is_chosen_by_client(field);
                Value::String(if chooses { new() } else { given.clone() })
            }
            "callback_id" => Value::U64(self.callback),
            other => panic!("{}: no value is known for an id called `{other}`", field.full_name()),
        }
    }
}

/// Where an id stands in a request message: the fields from the outside inward, the id last.
#[derive(Debug, Clone)]
pub struct IdPath(Vec<FieldDescriptor>);

impl IdPath {
    /// The field itself.
    pub fn field(&self) -> &FieldDescriptor {
        self.0.last().expect("a path ends with its field")
    }

    /// Whether the client chooses the id, so that every number is free to it: the contract says so at the field.
    pub fn is_chosen_by_client(&self) -> bool {
        is_chosen_by_client(self.field())
    }
}

fn is_chosen_by_client(field: &FieldDescriptor) -> bool {
    comment(field).contains("chosen by the client")
}

/// Every call of the contract, service by service.
pub fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the set was encoded by the contract's own build");
    let services = pool.services().filter(|service| service.full_name().starts_with("lowerdeck."));
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// The HTTP path of a call.
pub fn path_of(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// One form of a call's request message: a call that takes batches has one for each kind of submission, every other
/// call has one.
#[derive(Debug, Clone)]
pub struct Form {
    /// The call.
    pub method: MethodDescriptor,
    submission: Option<Submission>,
}

/// The way from a batch to the message of the one submission in it.
#[derive(Debug, Clone)]
struct Submission {
    list: FieldDescriptor,
    kind: FieldDescriptor,
    message: MessageDescriptor,
}

/// Every form of every call, service by service.
pub fn forms() -> Vec<Form> {
    methods().into_iter().flat_map(forms_of).collect()
}

fn forms_of(method: MethodDescriptor) -> Vec<Form> {
    if !method.is_client_streaming() {
        return vec![Form { method, submission: None }];
    }
    let lists: Vec<_> = method.input().fields().filter(FieldDescriptor::is_list).collect();
    let [list] = lists.as_slice() else { panic!("{} takes a stream, but no batches", method.full_name()) };
    let item = message_of(list).unwrap_or_else(|| panic!("{} is no list of submissions", list.full_name()));
    let kinds: Vec<_> = item.oneofs().flat_map(|oneof| oneof.fields().collect::<Vec<_>>()).collect();
    assert_eq!(kinds.len(), item.fields().len(), "{}: a part beside its kinds is not known here", item.full_name());
    let forms: Vec<_> = kinds.into_iter().map(|kind| Form::of_submission(&method, list, kind)).collect();
    for id in batch_ids(&method.input(), list) {
        let stands_in = forms.iter().any(|form| form.ids().iter().any(|other| other.0 == [id.clone()]));
        assert!(stands_in, "{}: it stands in for the id of no submission", id.full_name());
    }
    forms
}

/// The ids of a batch itself, which stand in for those of the same name that a submission leaves empty.
fn batch_ids(batch: &MessageDescriptor, list: &FieldDescriptor) -> Vec<FieldDescriptor> {
    let mut found = Vec::new();
    for field in batch.fields().filter(|field| field != list) {
        collect_field(&field, &mut Vec::new(), &mut found);
    }
    let direct = |path: IdPath| match path.0.as_slice() {
        [field] => field.clone(),
        _ => panic!("{}: nested ids of a batch are not known here yet", path.field().full_name()),
    };
    found.into_iter().map(direct).collect()
}

fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}

impl Form {
    fn of_submission(method: &MethodDescriptor, list: &FieldDescriptor, kind: FieldDescriptor) -> Form {
        let message = message_of(&kind).unwrap_or_else(|| panic!("{} is no call", kind.full_name()));
        let is_call = |call: MethodDescriptor| call.input() == message && call != *method;
        let service = method.parent_service();
        assert!(service.methods().any(is_call), "{} is no call of {}", kind.full_name(), service.full_name());
        Form { method: method.clone(), submission: Some(Submission { list: list.clone(), kind, message }) }
    }

    /// The call, and the kind of submission.
    pub fn name(&self) -> String {
        match &self.submission {
            Some(submission) => format!("{}.{}", self.method.name(), submission.kind.name()),
            None => self.method.name().to_owned(),
        }
    }

    /// Whether it is a submission in a batch.
    pub fn is_submission(&self) -> bool {
        self.submission.is_some()
    }

    /// The message that says what is asked for: the same for a call and for its submission.
    pub fn message(&self) -> MessageDescriptor {
        self.submission.as_ref().map_or_else(|| self.method.input(), |submission| submission.message.clone())
    }

    /// Every id that the form's call looks at, nested ones too: of a submission, also those of its batch that stand in.
    pub fn ids(&self) -> Vec<IdPath> {
        let mut found = Vec::new();
        let Some(Submission { list, kind, message }) = &self.submission else {
            collect(&self.method.input(), &mut Vec::new(), &mut found);
            return found;
        };
        collect(message, &mut vec![list.clone(), kind.clone()], &mut found);
        let mut of_batch = batch_ids(&self.method.input(), list);
        of_batch.retain(|id| found.iter().any(|own| own.field().name() == id.name()));
        found.extend(of_batch.into_iter().map(|id| IdPath(vec![id])));
        found
    }

    /// A message that looks right: every part present, the first choice of every oneof (that on the way to the odd id
    /// where there is one), every id from `ids` but the one at `odd_one`, which comes from its own. What the odd id of
    /// a batch stands in for is left empty.
    pub fn filled(&self, ids: &Ids, odd_one: Option<(&IdPath, &Ids)>) -> Bytes {
        let odd = odd_one.map(|(path, odd)| (path.0.as_slice(), odd));
        let outer = fill(&self.method.input(), ids, odd);
        let Some(submission) = &self.submission else { return outer.encode_to_vec().into() };
        let inner_odd = odd.filter(|(path, _)| path.len() > 2).map(|(path, odd)| (&path[2..], odd));
        let mut inner = fill(&submission.message, ids, inner_odd);
        if let Some(([stands_in], _)) = odd {
            leave_empty(&mut inner, stands_in.name());
        }
        submission.within(outer, inner)
    }

    /// A message without any part.
    pub fn empty(&self) -> Bytes {
        let outer = DynamicMessage::new(self.method.input());
        match &self.submission {
            Some(submission) => submission.within(outer, DynamicMessage::new(submission.message.clone())),
            None => outer.encode_to_vec().into(),
        }
    }

    /// The answer to this form alone, in the words of a call: a refused submission becomes the status that the call
    /// would have ended with. A submission never ends its stream.
    ///
    /// # Panics
    /// For a call that answers batches in another way: teach it here.
    #[track_caller]
    pub fn judged(&self, answer: Result<Option<Bytes>, Status>) -> Result<Option<Bytes>, Status> {
        if self.submission.is_none() {
            return answer;
        }
        let name = self.name();
        assert_eq!(self.method.output().name(), "QueuePairResponse", "{name}: its answers are not known here");
        let bytes = answer.unwrap_or_else(|status| panic!("{name} ended its stream: {status:?}"));
        let bytes = bytes.unwrap_or_else(|| panic!("{name}: the stream ended without an answer"));
        let response = v1::QueuePairResponse::decode(bytes.clone()).expect("the server encodes what it says");
        assert_eq!(response.submissions_taken, 1, "{name}: {response:?}");
        match response.results.as_slice() {
            [v1::SubmissionResult { submission: 1, result: Some(Outcome::Refused(refused)) }] => {
                Err(refusal::of_submission(refused.clone()))
            }
            [] | [v1::SubmissionResult { submission: 1, result: Some(_) }] => Ok(Some(bytes)),
            other => panic!("{name}: these are no results of one submission: {other:?}"),
        }
    }
}

impl Submission {
    /// `batch` with this submission alone, which is `message`.
    fn within(&self, mut batch: DynamicMessage, message: DynamicMessage) -> Bytes {
        let mut item = DynamicMessage::new(self.kind.parent_message().clone());
        item.set_field(&self.kind, Value::Message(message));
        batch.set_field(&self.list, Value::List(vec![Value::Message(item)]));
        batch.encode_to_vec().into()
    }
}

fn collect(message: &MessageDescriptor, outer: &mut Vec<FieldDescriptor>, found: &mut Vec<IdPath>) {
    assert!(outer.len() < DEPTH_MAX, "{} is recursive", message.full_name());
    for field in message.fields() {
        collect_field(&field, outer, found);
    }
}

fn collect_field(field: &FieldDescriptor, outer: &mut Vec<FieldDescriptor>, found: &mut Vec<IdPath>) {
    assert!(!field.name().ends_with("_ids"), "{}: lists of ids are not known here yet", field.full_name());
    let (before, is_repeated) = (found.len(), field.cardinality() == Cardinality::Repeated);
    outer.push(field.clone());
    if field.name().ends_with("_id") {
        found.push(IdPath(outer.clone()));
    } else if let Kind::Message(inner) = field.kind() {
        collect(&inner, outer, found);
    }
    outer.pop();
    assert!(!is_repeated || found.len() == before, "{}: ids in lists are not known here yet", field.full_name());
}

/// Clears every field called `name`, nested ones too.
fn leave_empty(message: &mut DynamicMessage, name: &str) {
    for field in message.descriptor().fields() {
        if field.name() == name {
            message.clear_field(&field);
        } else if message.has_field(&field)
            && let Value::Message(inner) = message.get_field_mut(&field)
        {
            leave_empty(inner, name);
        }
    }
}

/// The comment before a field, with line breaks made spaces.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file();
    let info = file.file_descriptor_proto().source_code_info.as_ref().expect("the set keeps its comments");
    let location = info.location.iter().find(|location| location.path == field.path());
    let text = location.map(|location| location.leading_comments()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fill(message: &MessageDescriptor, ids: &Ids, odd_one: Option<(&[FieldDescriptor], &Ids)>) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let odd_here = odd_one.filter(|(path, _)| path.first() == Some(&field));
        let choices: Vec<_> =
            field.containing_oneof().into_iter().flat_map(|oneof| oneof.fields().collect::<Vec<_>>()).collect();
        let odd_is_a_choice = odd_one.is_some_and(|(path, _)| path.first().is_some_and(|odd| choices.contains(odd)));
        let chosen =
            if odd_is_a_choice { odd_here.is_some() } else { choices.first().is_none_or(|first| *first == field) };
        if !chosen || field.cardinality() == Cardinality::Repeated {
            continue;
        }
        if field.name().ends_with("_id") {
            let source = odd_here.filter(|(path, _)| path.len() == 1).map_or(ids, |(_, odd)| odd);
            filled.set_field(&field, source.value(&field));
        } else if let Kind::Message(inner) = field.kind() {
            let inner = fill(&inner, ids, odd_here.map(|(path, odd)| (&path[1..], odd)));
            filled.set_field(&field, Value::Message(inner));
        } else if let Kind::Enum(numbers) = field.kind() {
            let first = numbers.values().find(|value| value.number() != 0).map_or(0, |value| value.number());
            filled.set_field(&field, Value::EnumNumber(first));
        }
    }
    filled
}

/// Makes a call, whatever its kind of streaming, with `sessions` as session metadata, and gives the first message of
/// the answer.
pub async fn call(channel: &Channel, path: &str, sessions: &[&str], body: Bytes) -> Result<Option<Bytes>, Status> {
    converse(channel, path, sessions, tokio_stream::once(body)).await?.message().await
}

/// As [`call`], with any number of messages, and gives the answer as it comes.
pub async fn converse(
    channel: &Channel,
    path: &str,
    sessions: &[&str],
    bodies: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<Streaming<Bytes>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::new(Code::Unavailable, error.to_string()))?;
    let mut request = Request::new(bodies);
    for session in sessions {
        let value = session.parse().expect("test metadata is ASCII");
        request.metadata_mut().append(SESSION_METADATA_KEY, value);
    }
    let path = PathAndQuery::try_from(path).expect("names of services and methods make a path");
    Ok(grpc.streaming(request, path, AnyBytes).await?.into_inner())
}

/// Messages as they are on the wire.
#[derive(Clone, Copy)]
struct AnyBytes;

impl Codec for AnyBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = AnyBytes;
    type Decoder = AnyBytes;

    fn encoder(&mut self) -> AnyBytes {
        AnyBytes
    }

    fn decoder(&mut self) -> AnyBytes {
        AnyBytes
    }
}

impl Encoder for AnyBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for AnyBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
