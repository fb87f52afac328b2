//! Commands that look at and write into the buffers of a kept request, in place.

use lowerdeck_framework::context::DriverContext;
use lowerdeck_framework::ids::RequestLabel;

use super::arguments::Arguments;
use super::driver::ScriptedDriver;
use super::inquiry::hex;
use crate::syntax::SyntaxError;

/// One of the two buffers of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

/// What is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BufferUse {
    /// `GetInputMemory`, `GetOutputMemory`.
    Memory,
    /// `RetrieveInputBuffer`, `RetrieveOutputBuffer`, of so many bytes at least.
    Retrieve(u64),
    /// Written into, from its start.
    Write(Vec<u8>),
}

/// A command about a buffer. See the list in the module of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BufferCommand {
    request: RequestLabel,
    side: Side,
    verb: BufferUse,
}

impl BufferCommand {
    /// Reads the rest of the command `word`; None when that is no such command.
    pub(super) fn read(word: &str, arguments: &mut Arguments<'_>) -> Result<Option<BufferCommand>, SyntaxError> {
        let side = match word {
            "input-memory" | "input-buffer" | "write-input" => Side::Input,
            "output-memory" | "output-buffer" | "write-output" => Side::Output,
            _ => return Ok(None),
        };
        let request = arguments.label()?;
        let verb = match word {
            "input-memory" | "output-memory" => BufferUse::Memory,
            "write-input" | "write-output" => BufferUse::Write(arguments.data()?.unwrap_or_default().to_vec()),
            _ if arguments.is_empty() => BufferUse::Retrieve(0),
            _ => BufferUse::Retrieve(arguments.number("the smallest length wanted, a number")?),
        };
        Ok(Some(BufferCommand { request, side, verb }))
    }
}

impl ScriptedDriver {
    /// Obeys a command about a buffer.
    pub(super) fn handle_buffer(
        &mut self,
        cx: &mut DriverContext<'_>,
        command: BufferCommand,
    ) -> Result<String, String> {
        let request = self.labelled(command.request)?;
        let Some(kept) = self.kept.get_mut(request) else { return Ok(String::new()) };
        let request = &kept.request;
        let minimum = match command.verb {
            BufferUse::Memory => {
                let memory = match command.side {
                    Side::Input => cx.get_input_memory(request),
                    Side::Output => cx.get_output_memory(request),
                };
                return Ok(memory.map_or_else(|| "NULL".to_owned(), |memory| hex(memory)));
            }
            BufferUse::Retrieve(minimum) => minimum,
            BufferUse::Write(ref data) => data.len() as u64,
        };
        let retrieved = match command.side {
            Side::Input => cx.retrieve_input_buffer(request, minimum),
            Side::Output => cx.retrieve_output_buffer(request, minimum),
        };
        Ok(match (retrieved, command.verb) {
            (Err(status), _) => status.to_string(),
            (Ok(buffer), BufferUse::Write(data)) => {
                buffer[..data.len()].copy_from_slice(&data);
                "ok".to_owned()
            }
            (Ok(buffer), _) => hex(buffer),
        })
    }
}
