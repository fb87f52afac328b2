//! The contract as data: every call of `lowerdeck.v1` from its descriptor set, messages filled by field name, and a
//! caller that makes any call with any bytes.
//!
//! Law: an id field that this module cannot fill is a panic, so a new call cannot be forgotten.

use bytes::{Buf, BufMut, Bytes};
use lowerdeck_proto::{FILE_DESCRIPTOR_SET, SESSION_METADATA_KEY};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Deeper messages than this would be recursive.
const DEPTH_MAX: usize = 8;

/// Values for the id fields, by the name of the field.
#[derive(Debug, Clone)]
pub struct Ids {
    /// For `file_id`.
    pub file: String,
    /// For `request_id`.
    pub request: u64,
    /// For `target_id`.
    pub target: String,
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
            "target_id" => Value::String(self.target.clone()),
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
        comment(self.field()).contains("chosen by the client")
    }
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

/// Every id in a call's request message, nested ones too.
pub fn ids_of(method: &MethodDescriptor) -> Vec<IdPath> {
    let mut found = Vec::new();
    collect(&method.input(), &mut Vec::new(), &mut found);
    found
}

fn collect(message: &MessageDescriptor, outer: &mut Vec<FieldDescriptor>, found: &mut Vec<IdPath>) {
    assert!(outer.len() < DEPTH_MAX, "{} is recursive", message.full_name());
    for field in message.fields() {
        assert!(!field.name().ends_with("_ids"), "{}: lists of ids are not known here yet", field.full_name());
        outer.push(field.clone());
        if field.name().ends_with("_id") {
            found.push(IdPath(outer.clone()));
        } else if let Kind::Message(inner) = field.kind() {
            collect(&inner, outer, found);
        }
        outer.pop();
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

/// A message that looks right: every part present, the first choice of every oneof (that on the way to the odd id
/// where there is one), every id from `ids` but the one at `odd_one`, which comes from its own.
pub fn filled(method: &MethodDescriptor, ids: &Ids, odd_one: Option<(&IdPath, &Ids)>) -> Bytes {
    let message = fill(&method.input(), ids, odd_one.map(|(path, odd)| (path.0.as_slice(), odd)));
    Bytes::from(message.encode_to_vec())
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
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::new(Code::Unavailable, error.to_string()))?;
    let mut request = Request::new(tokio_stream::once(body));
    for session in sessions {
        let value = session.parse().expect("test metadata is ASCII");
        request.metadata_mut().append(SESSION_METADATA_KEY, value);
    }
    let path = PathAndQuery::try_from(path).expect("names of services and methods make a path");
    grpc.streaming(request, path, AnyBytes).await?.into_inner().message().await
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
