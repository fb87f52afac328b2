//! Tables for people, JSON for programs. JSON is the canonical form of the contract's messages, with the proto field
//! names and plain numbers, so there is one schema for all languages.

use std::fmt::Display;
use std::io::Write;
use std::sync::LazyLock;

use anyhow::{Context, anyhow};
use comfy_table::{ContentArrangement, Table, presets};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use crate::cli::Format;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    format: Format,
}

static CONTRACT: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(lowerdeck_proto::FILE_DESCRIPTOR_SET).ok());

impl Output {
    pub(crate) fn new(format: Format) -> Output {
        Output { format }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// One message: as JSON, or as whatever `people` makes of it.
    pub(crate) fn message<M: Message>(
        self,
        name: &str,
        message: &M,
        people: impl FnOnce(&M) -> String,
    ) -> anyhow::Result<()> {
        if self.is_json() {
            print_line(format_args!("{:#}", json(name, message)?))?;
        } else {
            print_line(format_args!("{}", people(message).trim_end()))?;
        }
        Ok(())
    }

    /// A list of messages: a JSON array, or a table with these columns.
    pub(crate) fn list<M: Message, const N: usize>(
        self,
        name: &str,
        messages: &[M],
        columns: [&str; N],
        row: impl Fn(&M) -> [String; N],
    ) -> anyhow::Result<()> {
        if self.is_json() {
            let items: Result<Vec<Value>, _> = messages.iter().map(|message| json(name, message)).collect();
            print_line(format_args!("{:#}", Value::Array(items?)))?;
        } else {
            print_line(format_args!("{}", table(columns, messages.iter().map(row))))?;
        }
        Ok(())
    }
}

/// A line of results. A reader who has gone is an error like any other here; see `exit`.
pub(crate) fn print_line(text: impl Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// A message of `lowerdeck.v1` as canonical JSON.
pub(crate) fn json<M: Message>(name: &str, message: &M) -> anyhow::Result<Value> {
    let contract = CONTRACT.as_ref().context("the built-in contract is unreadable")?;
    let descriptor = contract
        .get_message_by_name(&format!("lowerdeck.v1.{name}"))
        .ok_or_else(|| anyhow!("the contract has no message {name}"))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    let options =
        SerializeOptions::new().stringify_64_bit_integers(false).use_proto_field_name(true).skip_default_fields(false);
    Ok(dynamic.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// A borderless table with a head.
pub(crate) fn table<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(columns.map(str::to_uppercase));
    for row in rows {
        table.add_row(row);
    }
    let lines = table.to_string();
    let lines: Vec<_> = lines.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    lines.join("\n")
}
